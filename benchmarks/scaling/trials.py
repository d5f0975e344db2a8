"""Train several networks for the same number of floating-point operations, to find the best for each budget.

    .venv/bin/python benchmarks/scaling/trials.py --out runs/scaling [--trials FILE]

Each trial is a line of the file: a budget in FLOP, the source, and options of preset `quick`. By default they are those
of results.jsonl, so that all are repeated. A trial trains on one thread for a fixed number of steps, so that other work
on the machine changes nothing, and measures 2,048 images and the loss of flow on test images or held-out ones.
Start the command once per core: each process takes the next trial that no other has, and the same command goes on after
a stop. Results are added to results.jsonl in --out.

predictions.jsonl has the trials of what a network predicts. Its folder of emoji has those of Twitter, Google and
Facebook at 64x64, from npm as in docs/images.md, renamed to twitter-1f600.png and so on.
"""

import argparse
import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import nevoa
from nevoa.config import Config
from nevoa.data import load_images, load_test_images, to_unit
from nevoa.evaluation import Protocol, Reference, Report, Samples, from_run, measure
from nevoa.objects import loss_of
from nevoa.runs import Run
from nevoa.training import plan
from nevoa.training.gradient import training_denoiser
from nevoa.training.measure import Trial as Measured

HERE = Path(__file__).parent
COUNT = 2048
# A trial of an hour loses five minutes if its process dies.
CHECKPOINTS = 12
# Of timestep and noise, for each test image.
DRAWS = 8


@dataclass(frozen=True)
class Trial:
    """A training of a fixed amount of computation.

    Attributes:
        flop: floating-point operations of the training: steps x images x operations per image.
        options: "section.key=value", over preset `quick`.
    """

    flop: float
    options: tuple[str, ...]
    seed: int = 0
    source: str = "fashion_mnist"

    @property
    def name(self) -> str:
        """The trial as the name of a folder."""
        keys = "-".join(option.partition(".")[2].replace("=", "") for option in self.options)
        return f"{self.source}-{self.flop:.1e}-{keys}-seed{self.seed}".replace("/", "_")

    def config(self, steps: int = 1) -> Config:
        fixed = (
            "training.threads=1",
            "training.device=cpu",
            "sampling.steps=7",
            f"training.preview_every_images={10**12}",
        )
        every = max(1, steps // CHECKPOINTS)
        config = nevoa.configure(self.source, "quick", steps=steps, seed=self.seed, options=(*fixed, *self.options))
        return config.updated("training", checkpoint_every_images=every * batch_size_of(config))

    def settings_of(self) -> tuple[Config, int]:
        """The config with the number of steps of the budget, and the operations per image."""
        config = self.config()
        images = load_images(config.data)
        flop = Measured(plan(config, images, records=False).plan, images).flop_per_image
        return self.config(max(1, round(self.flop / flop / batch_size_of(config)))), flop


def batch_size_of(config: Config) -> int:
    """The batch size, which every trial names."""
    assert isinstance(config.training.batch_size, int)
    return config.training.batch_size


def trial_of(line: str) -> Trial:
    values = json.loads(line)
    given = {field.name: values[field.name] for field in fields(Trial) if field.name in values}
    return Trial(**{**given, "options": tuple(values["options"])})


def result(trial: Trial, folder: Path) -> dict[str, Any]:
    """Train and measure a trial."""
    config, flop = trial.settings_of()
    for _ in nevoa.fit(config, folder):
        pass
    run = Run(folder)
    lines = [json.loads(line) for line in run.metrics_file.read_text().splitlines()]
    training = run.plan().training
    tail = lines[-max(1, len(lines) // 20) :]
    return {
        "flop": trial.flop,
        "flop_per_image": flop,
        "source": trial.source,
        "seed": trial.seed,
        "options": list(trial.options),
        "steps": training.images // training.batch_size,
        "images": training.images,
        "precision": training.precision,
        "loss": sum(line["loss"] for line in tail) / len(tail),
        "seconds": lines[-1]["seconds"],
        "scores": scores(run),
    }


def scores(run: Run) -> dict[str, float]:
    """Distances of new images, and the loss on test images."""
    reference = Reference.of(run.plan().data)
    *_, samples = from_run(run, reference, COUNT, 0)
    assert isinstance(samples, Samples)
    *_, report = measure(samples, Protocol(reference, COUNT, sampler=samples.sampler), ["frechet"])
    assert isinstance(report, Report)
    return report.scores | {"loss": held_out_loss(run)}


@torch.no_grad()
def held_out_loss(run: Run) -> float:
    """The loss of flow on test images, each with the same timesteps and noise for every run."""
    made = run.plan()
    images = load_test_images(made.data, load_images(made.data))
    denoiser = training_denoiser(made, run.model("cpu").network.eval())
    rng, losses = torch.Generator().manual_seed(0), list[Tensor]()
    for _ in range(DRAWS):
        for first in range(0, len(images), 64):
            x_0 = to_unit(images.images[first : first + 64])
            t = torch.randint(1, made.diffusion.timesteps + 1, (len(x_0),), generator=rng)
            epsilon = torch.randn(x_0.shape, generator=rng)
            label = torch.from_numpy(images.labels[first : first + 64]) if made.classes else None
            losses.append(denoiser.loss(x_0, t, epsilon, loss_of(made.training), "flow", label))
    return torch.cat(losses).mean().item()


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Whether no other process holds this file."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def take_next(trials: list[Trial], out: Path) -> bool:
    """Run the first trial that is not done and that no other process runs. False if there is none."""
    for trial in trials:
        if trial.name in done(out):
            continue
        with claimed(out / f"{trial.name}.lock") as mine:
            if not mine or trial.name in done(out):
                continue
            start = time.perf_counter()
            row = {"name": trial.name} | result(trial, out / trial.name)
            with (out / "results.jsonl").open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(f"{trial.name}: {row['scores']} in {time.perf_counter() - start:.0f} s", flush=True)
            return True
    return False


def done(out: Path) -> set[str]:
    path = out / "results.jsonl"
    return {json.loads(line)["name"] for line in path.read_text().splitlines()} if path.exists() else set()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/scaling"))
    parser.add_argument("--trials", type=Path, default=HERE / "results.jsonl", help="read anew before each trial")
    wishes = parser.parse_args()
    torch.set_num_threads(1)
    wishes.out.mkdir(parents=True, exist_ok=True)
    while take_next([trial_of(line) for line in wishes.trials.read_text().splitlines() if line], wishes.out):
        pass


if __name__ == "__main__":
    main()
