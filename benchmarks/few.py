"""Train on few pictures in several ways, and compare each with pictures that were put away before any were drawn.

    .venv/bin/python benchmarks/few.py OUT FOLDER --start RUN [--counts 50 200 500 2000] [--arms random both]

FOLDER has train/ and test/; those of test/ are put away. Of train/, the first COUNT pictures of an order that the seed
decides are copied to OUT, and each arm is trained on them, all with as many images seen. A line of OUT/results.jsonl is
the score of one arm; those that are there are not trained again. The arms:

    random      random weights, mirrored at random: what any folder of pictures gets
    augment     random weights, --augment strong
    start       the weights of --start, mirrored at random, with the low learning rate of --from
    both        the weights of --start, --augment strong, with the low learning rate of --from
    start-own, both-own: as start and both, with the optimizer and the learning rate of random weights

Each is scored twice: its last model, and the one of the lowest held-out loss, which the run publishes. The scores are
the Fréchet distance of features with random weights, precision, recall, and the share of near copies of training
pictures, of which 1 % is expected of new ones. The floor is what other real pictures of train/ score.
"""

import argparse
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

import nevoa
from nevoa.config import DataConfig
from nevoa.config.presets import PRESETS
from nevoa.data import ImageSet, load_images
from nevoa.evaluation.memorisation import memorisation
from nevoa.features import frechet_distance, random_network
from nevoa.features.precision_recall import precision_recall
from nevoa.model import Model
from nevoa.runs import Run, checkpoint
from nevoa.runs.manifest import EMA

COUNT, BATCH = 2_048, 64
# Samples on a sheet, each above the training picture that is nearest to it.
SHOWN = 16
# Of the recipe, what a model to start from replaces.
RECIPE = "optimizer", "learning_rate", "learning_rate_decay", "cooldown", "ema_decay", "weight_decay"

Images = np.ndarray
Scores = Callable[[Images, Images], dict[str, float]]


def drawn(folder: Path, count: int, seed: int, place: Path) -> Path:
    """Copy so many pictures of folder/train to a folder of their own."""
    files = sorted((folder / "train").glob("*.png"))
    place.mkdir(parents=True, exist_ok=True)
    for index in np.random.default_rng(seed).permutation(len(files))[:count]:
        shutil.copy(files[index], place)
    return place


def trained(arm: str, pictures: Path, wish: argparse.Namespace, seed: int, out: Path) -> Run:
    """Train an arm. A training that was stopped goes on."""
    recipe: Mapping[str, Any] = PRESETS["photos"]["training"]
    own = [f"training.{key}={recipe[key]}" for key in RECIPE if key in recipe]
    options = [f"training.batch_size={BATCH}", "training.guide=0", "network.dim=32"]
    asked = {
        "steps": wish.images // BATCH,
        "seed": seed,
        "size": wish.size,
        "channels": 3,
        "condition": "none",
        "augment": "strong" if arm.startswith(("augment", "both")) else "flip",
        "out": out,
    }
    if arm in ("random", "augment"):
        return nevoa.train(pictures, "photos", options=[*options, "training.start=none"], **asked)
    start = nevoa.load(wish.start, "cpu")
    return nevoa.train(pictures, start=start, options=options[:2] + own * arm.endswith("own"), **asked)


def models(run: Run) -> dict[str, Model]:
    """The model that the run publishes, and its last one."""
    newest = checkpoint.newest(run.checkpoints)
    assert newest
    last = run.model("cpu")
    last.network.load_state_dict(load_file(newest / EMA))
    return {"last": last, "best": run.model("cpu")}


def scores_of(pool: ImageSet, away: Images) -> Scores:
    network = random_network(pool)
    features = network.features(away)

    def scores(made: Images, training: Images) -> dict[str, float]:
        found = network.features(made)
        near, copies = precision_recall(features, found), memorisation(made, training, away)
        return {
            "distance": frechet_distance(found, features),
            "precision": near.precision,
            "recall": near.recall,
            "near_copies": copies.share,
        }

    return scores


def sheet(made: Images, training: Images, away: Images, file: Path) -> None:
    """Draw samples, and below each the training picture that is nearest to it."""
    nearest = memorisation(made[: 2 * SHOWN], training, away).nearest
    rows = [made[:SHOWN], nearest[:SHOWN], made[SHOWN : 2 * SHOWN], nearest[SHOWN : 2 * SHOWN]]
    nevoa.show(np.concatenate(rows), columns=SHOWN).save(file)


def measured(arm: str, count: int, wish: argparse.Namespace, seed: int, scores: Scores, away: Images) -> list[Any]:
    name = f"{wish.folder.name}-{count}-{seed}"
    pictures = drawn(wish.folder, count, seed, wish.out / name / "pictures")
    run = trained(arm, pictures, wish, seed, wish.out / name / arm)
    training = load_images(run.plan().data).images
    losses = [(line["held_out_loss"], line["images_seen"]) for line in run.metrics() if line.get("held_out_loss")]
    lowest = min(losses, default=(None, None))
    rows = []
    for which, model in models(run).items():
        made = model.sample(COUNT)
        sheet(made, training, away, wish.out / name / f"{arm}-{which}.png")
        about = {"set": wish.folder.name, "count": count, "seed": seed, "arm": arm, "model": which}
        rows.append(about | scores(made, training) | {"loss": lowest[0], "at": lowest[1], "images": wish.images})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--start", help="the run or model to start from")
    parser.add_argument("--counts", type=int, nargs="+", default=[50, 200, 500, 2_000])
    parser.add_argument("--arms", nargs="+", default=["random", "augment", "start", "both"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--images", type=int, default=200_000)
    wish = parser.parse_args()
    wish.out.mkdir(parents=True, exist_ok=True)
    results = wish.out / "results.jsonl"
    known = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    done = {(row["set"], row["count"], row["seed"], row["arm"]) for row in known}
    data = DataConfig(source=str(wish.folder), size=wish.size, channels=3)
    pool, away = load_images(data), load_images(data.model_copy(update={"split": "test"})).images
    scores = scores_of(pool, away)
    others = pool.images[np.random.default_rng(0).permutation(len(pool))]
    floor = scores(others[:COUNT], others[COUNT:] if len(others) > 2 * COUNT else others[:1])
    print(f"{len(away)} pictures of {wish.folder.name} are put away. Floor: {floor}", flush=True)
    for seed in wish.seeds:
        for count in wish.counts:
            for arm in wish.arms:
                if (wish.folder.name, count, seed, arm) not in done:
                    rows = measured(arm, count, wish, seed, scores, away)
                    with results.open("a") as file:
                        file.writelines(f"{json.dumps(row)}\n" for row in rows)
                    print(*rows, sep="\n", flush=True)


if __name__ == "__main__":
    main()
