"""Whether the cost stays flat: images per second early and late in a run, memory by steps and by size of the data.

    .venv/bin/python benchmarks/flat.py

A run is put to image 100,000 or 1,000,000 rather than trained to there. The network is tiny, so that the data's part of
a step is not lost in it. The stores are sparse files of zeros, memory-mapped as real ones are. Memory is all that is
resident (Linux's VmRSS), pages of the store that were read included.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import numpy as np

from nevoa.config.presets import configure
from nevoa.data import ImageSet
from nevoa.training import plan
from nevoa.training.loop import training_steps
from nevoa.training.state import TrainingState

IMAGES, FIRST = (1_000, 1_000_000), (100_000, 1_000_000)
STEPS = (100, 1_000, 2_000)
OPTIONS = (
    *("network.dim=8", "network.multipliers=[1]", "network.blocks=1", "network.attention=[false]", "network.patch=4"),
    *("training.batch_size=64", "training.precision=float32", "training.threads=1", "training.condition=none"),
)


def store(folder: Path, images: int) -> ImageSet:
    pixels = np.lib.format.open_memmap(folder / "images.npy", mode="w+", dtype=np.uint8, shape=(images, 32, 32, 3))
    pixels.flush()
    mapped = np.load(folder / "images.npy", mmap_mode="r")
    return ImageSet("zeros", mapped, np.zeros(images, np.int64), ("zero",), "")


def resident_megabytes() -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def measure(images: int, first: int) -> dict[str, float | int]:
    """In this process: train from image `first` on, with a look at the memory after some steps."""
    config = configure(steps=10**9, options=OPTIONS)
    with TemporaryDirectory() as folder:
        data = store(Path(folder), images)
        state = TrainingState.fresh(plan(config, data, records=False).plan, data.shape)
        state.images_seen = first
        steps = training_steps(state, data)
        result: dict[str, float | int] = {"data": images, "first": first}
        seconds = []
        for step in range(1, STEPS[-1] + 1):
            start = time.perf_counter()
            next(steps)
            seconds.append(time.perf_counter() - start)
            if step in STEPS:
                result[f"MB after {step}"] = round(resident_megabytes())
    return {**result, "images/s": round(state.plan.training.batch_size / fmean(seconds[STEPS[0] :]))}


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
        return
    for number, (images, first) in enumerate((images, first) for images in IMAGES for first in FIRST):
        command = [sys.executable, __file__, str(images), str(first)]
        row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        if not number:
            print(f"| {' | '.join(row)} |\n|{' --- |' * len(row)}")
        print(f"| {' | '.join(f'{value:,}' for value in row.values())} |", flush=True)


if __name__ == "__main__":
    main()
