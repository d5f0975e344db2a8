"""The leaderboard: the same images, minutes and machine for all trainers, each with its authors' settings.

    .venv/bin/python benchmarks/leaderboard/run.py [--minutes 10] [--sampling-minutes 4] [--count 2048]
                                                   [--source SOURCE --size S]
                                                   [--width W] [--only NAME ...] [--out runs/leaderboard]

The images are clothes, or those of a source in colour, resized to squares. One after the other, each in an environment
of its own. The minutes are of training only; installing, importing and laying out the data are not counted. Drawing has
minutes of its own: where the authors' number of steps does not fit them, as many are made as fit. With --width each
library trains nevoa's network by its own method. The same command again goes on with the contenders that are missing.
Leaves results.json, table.md, receipt.json for docs/benchmarks and each contender's images in --out.
"""

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from contenders.common import ASKED
from environments import python_of
from scoring import score
from table import markdown, receipt

from nevoa.data import load_images

HERE, CLOTHES = Path(__file__).parent, "fashion_mnist"


@dataclass(frozen=True)
class Contender:
    """A script, what it needs installed, and what it trains on; no requirements: nevoa, which is where this runs."""

    name: str
    script: str
    requirements: str | None = None
    clothes: bool = True
    others: bool = True
    widths: bool = True

    def takes(self, wish: argparse.Namespace) -> bool:
        """Whether it trains on these images, and on nevoa's network of a width if that is asked for."""
        return (self.others if wish.size else self.clothes) and (self.widths or not wish.width)


CONTENDERS = (
    Contender("classic", "classic.py", others=False),
    Contender("denoising-diffusion-pytorch", "with_denoising_diffusion_pytorch.py", "denoising-diffusion-pytorch.txt"),
    Contender("smalldiffusion", "with_smalldiffusion.py", "smalldiffusion.txt"),
    Contender("diffusers", "with_diffusers.py", "diffusers.txt"),
    Contender("nanodiffusion", "with_nanodiffusion.py", "diffusers.txt", others=False),
    Contender("course", "with_course.py", "diffusers.txt", others=False),
    Contender("nevoa", "with_nevoa.py"),
    Contender("nevoa-enlarged", "with_nevoa_enlarged.py", clothes=False, widths=False),
)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10, help="of training, each (default: 10)")
    parser.add_argument("--sampling-minutes", type=float, default=4, help="for all images, each (default: 4)")
    parser.add_argument("--count", type=int, default=2048, help="images to draw and score (default: 2048)")
    parser.add_argument("--source", default=CLOTHES, help=f"of the images (default: {CLOTHES})")
    parser.add_argument("--size", type=int, help="of images in colour: the side that they are resized to")
    parser.add_argument("--width", type=int, help="nevoa's network of this width for all, without classes")
    parser.add_argument("--only", nargs="+", choices=[each.name for each in CONTENDERS], help="not all of them")
    parser.add_argument("--out", type=Path, default=Path("runs/leaderboard"), help="(default: runs/leaderboard)")
    wish = parser.parse_args()
    if (wish.source == CLOTHES) == bool(wish.size):
        parser.error("Give --source and --size together, or neither of them for clothes.")
    if unable := [each.name for each in CONTENDERS if each.name in (wish.only or ()) and not each.takes(wish)]:
        parser.error(f"These do not train on such images, or not on another network: {', '.join(unable)}.")
    return wish


def training_images(wish: argparse.Namespace) -> Path:
    """All training images, and their classes beside them, in files that numpy alone reads."""
    colour = {"size": wish.size, "channels": 3, "holdout": "auto"} if wish.size else {}
    data = load_images(wish.source, **colour)
    folder = wish.out / f"images-{data.fingerprint:.8}"
    path, labels, partial = (folder / name for name in ("train.npy", "labels.npy", "train.part.npy"))
    if not path.is_file():
        folder.mkdir(exist_ok=True)
        np.save(labels, data.labels)
        np.save(partial, data.images)
        partial.replace(path)
    return path


def work(contender: Contender, data: Path, wish: argparse.Namespace) -> dict[str, Any]:
    """What a contender says of itself; it trains and draws first unless it has."""
    folder = wish.out / contender.name
    about = folder / "about.json"
    asked = {key: getattr(wish, key) for key in ASKED}
    if not (about.is_file() and (folder / "images.npy").is_file()):
        requirements = HERE / "requirements" / contender.requirements if contender.requirements else None
        also = [HERE.parents[1]] if wish.width else []
        python = python_of(contender.name, requirements, wish.out / "environments", also)
        print(f"{contender.name}: {wish.minutes:g} minutes of training", flush=True)
        options = [str(word) for key, value in asked.items() if value for word in (f"--{key.replace('_', '-')}", value)]
        script = HERE / "contenders" / contender.script
        quiet = {**os.environ, "TQDM_DISABLE": "1"}  # the peers' progress bars: thousands of lines in a log
        subprocess.run([python, script, "--data", data, *options, "--out", folder], check=True, env=quiet)
    said = json.loads(about.read_text(encoding="utf-8"))
    if said["asked"] != asked:
        raise SystemExit(f"{folder} was made with {said['asked']}. Choose another --out, or remove that folder.")
    return said


def machine() -> dict[str, Any]:
    """Where and when this was measured."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8").splitlines() if about.is_file() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)
    said = {"CPU": model or platform.processor() or platform.machine(), "cores": os.cpu_count()}
    if torch.cuda.is_available():
        said["GPU"] = torch.cuda.get_device_name()
    return said | {"torch": torch.__version__, "date": datetime.now(UTC).date().isoformat()}


def main() -> None:
    wish = arguments()
    wish.out.mkdir(parents=True, exist_ok=True)
    data, where = training_images(wish), machine()
    able = [contender for contender in CONTENDERS if contender.takes(wish)]
    chosen = [contender for contender in able if wish.only is None or contender.name in wish.only]
    done = {wish.out / contender.name: work(contender, data, wish) for contender in chosen}
    scored = {place: asdict(score(place / "images.npy", wish.count, wish.source)) for place in done}
    results = [about | scored[place] for place, about in done.items()]
    written = json.dumps({"machine": where, "results": results}, indent=2)
    (wish.out / "results.json").write_text(written + "\n", encoding="utf-8")
    shown = markdown(where, results)
    (wish.out / "table.md").write_text(shown, encoding="utf-8")
    command = shlex.join([".venv/bin/python", "benchmarks/leaderboard/run.py", *sys.argv[1:]])
    written = json.dumps(receipt(command, where, results), indent=2, ensure_ascii=False)
    (wish.out / "receipt.json").write_text(written + "\n", encoding="utf-8")
    print(shown)


if __name__ == "__main__":
    main()
