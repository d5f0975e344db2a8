"""Whether `nevoa train --minutes M` takes M minutes: alone, and while other work on all cores begins or ends half-way.

    .venv/bin/python benchmarks/minutes.py [--minutes 1 5] [--source fashion_mnist_10k]

Each row is a new process, timed from its start to its end. The other work is an endless loop on each core. `images` is
the number that was planned before training, and the number that was seen.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nevoa.runs import Run, journal

LOOP = [sys.executable, "-c", "while True: pass"]
# When other work begins and ends, as shares of the minutes.
LOADS = {"none": (0.0, 0.0), "begins half-way": (0.5, 2.0), "ends half-way": (0.0, 0.5), "first 8 seconds": (0.0, 8.0)}


@contextmanager
def other_work(begin: float, end: float) -> Iterator[None]:
    """Run an endless loop on each core from `begin` to `end` seconds from now, or until the block ends."""
    stop = threading.Event()

    def work() -> None:
        if stop.wait(begin):
            return
        loops = [subprocess.Popen(LOOP) for _ in range(os.cpu_count() or 1)]
        stop.wait(end - begin)
        for loop in loops:
            loop.kill()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def timed(source: str, minutes: float, begin: float, end: float) -> tuple[float, int, int]:
    """Seconds of a training, the images that were planned, and those that were seen."""
    with tempfile.TemporaryDirectory() as folder, other_work(begin, end):
        run = Run(Path(folder) / "run")
        command = [sys.executable, "-m", "nevoa", "train", source, "--minutes", str(minutes), "--out", str(run.folder)]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - start
        made = [entry.horizon.images for entry in journal.read(run) if entry.horizon]
        return seconds, made[0], made[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", nargs="+", type=float, default=[1.0, 5.0])
    parser.add_argument("--source", default="fashion_mnist_10k")
    wishes = parser.parse_args()
    print("| minutes | other work | seconds | of the minutes | images planned | seen |")
    print("| --- | --- | --- | --- | --- | --- |")
    for minutes in wishes.minutes:
        for name, (begin, end) in LOADS.items():
            unit = 1 if name == "first 8 seconds" else 60 * minutes
            seconds, planned, seen = timed(wishes.source, minutes, begin * unit, end * unit)
            share = f"{seconds / 60 / minutes:.1%}"
            print(f"| {minutes:g} | {name} | {seconds:.1f} | {share} | {planned:,} | {seen:,} |", flush=True)


if __name__ == "__main__":
    main()
