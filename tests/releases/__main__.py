"""Write the files of this version beside those of the releases before:

python -m tests.releases
"""

import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import numpy as np
import torch

import nevoa
from nevoa.config import Config
from tests.conftest import TINY
from tests.releases import ARCHIVES, COUNT, ENDING, IMAGES, MADE, MADE_RESUMED, PIPELINE, RUN

OPTIONS = (
    *(*TINY, "network.dim=4", "network.adaptive=true", "training.condition=class", "data.holdout=260"),
    *("training.device=cpu", "training.threads=1"),
    # So that the images differ after few steps.
    *("training.learning_rate=0.02", "training.warmup_images=0", "training.ema_decay=0.5"),
)
STOP, STEPS = 64, 16


def main() -> None:
    torch.set_num_threads(1)
    target = ARCHIVES / f"{nevoa.__version__}{ENDING}"
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        write()
        target.write_bytes(packed(Path()))
    print(f"{target}: {target.stat().st_size:,} bytes")


def write() -> None:
    """A run that stopped before its end, with a report; its model in diffusers; and what it makes."""
    np.savez_compressed(IMAGES, images=pictures(), labels=np.arange(400) % 2, classes=np.array(["tall", "wide"]))
    config = nevoa.configure(IMAGES, steps=STEPS, options=OPTIONS)
    train(config, RUN, STOP)
    nevoa.evaluate(RUN, count=128, metrics=["frechet", "memorisation", "overfitting"])
    nevoa.export(RUN, to="diffusers", out=PIPELINE)
    np.save(MADE, nevoa.load(RUN, "cpu").sample(COUNT))
    with tempfile.TemporaryDirectory() as elsewhere:
        resumed = shutil.copytree(RUN, Path(elsewhere) / "run")
        train(config, resumed)
        np.save(MADE_RESUMED, nevoa.load(resumed, "cpu").sample(COUNT))


def pictures() -> np.ndarray:
    """Bars of several grey values, high ones and wide ones: few bytes when they are compressed."""
    images = np.zeros((400, 8, 8, 1), np.uint8)
    for number, image in enumerate(images):
        image[number % 5 + 1 : number % 5 + 3] = 60 + number % 190
    images[::2] = images[::2].swapaxes(1, 2)
    return images


def train(config: Config, out: str | Path, stop: int | None = None) -> None:
    """Train until a number of images, or to the end."""
    steps = nevoa.fit(config, out)
    for step in steps:
        if step.images_seen == stop:
            break
    steps.close()


def packed(folder: Path) -> bytes:
    """The files that are read again: the newest checkpoint, no pictures."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:xz") as out:
        for path in kept(folder):
            about = tarfile.TarInfo(path.as_posix())
            about.size = path.stat().st_size
            out.addfile(about, io.BytesIO(path.read_bytes()))
    return archive.getvalue()


def kept(folder: Path) -> Iterator[Path]:
    *older, _ = sorted((folder / RUN / "checkpoints").iterdir())
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in (".png", ".py", ".lock") and not {*path.parents} & {*older}:
            yield path


if __name__ == "__main__":
    main()
