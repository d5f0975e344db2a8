"""How quickly the studio answers while a training takes both cores, and what its polling costs the training.

    .venv/bin/python benchmarks/studio.py [--seconds 60] [--pages 1]

Trains preset `quick` on fashion_mnist_10k, in turns with and without pages that ask for the progress as often as an
open page does. Prints the times of the answers, the computing time of the server as a share of all cores, which is what
polling takes from the training, and the ratio of the speeds, which is noisy.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from threading import Event
from urllib.request import urlopen

import psutil
from gradio_client import Client

from nevoa.runs import Run
from nevoa.studio.watch import POLL_SECONDS

PORT = 7999
TURNS = 4


@contextmanager
def server(workspace: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The studio: its address and its process."""
    options = ["--workspace", str(workspace), "--port", str(PORT), "--no-browser"]
    process = subprocess.Popen([sys.executable, "-m", "nevoa", "studio", *options])
    address = f"http://127.0.0.1:{PORT}/en/"
    try:
        while True:
            with suppress(OSError), urlopen(address, timeout=5):
                break
            time.sleep(0.2)
        yield address, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def ask(address: str, end: Event) -> list[float]:
    """Ask for the progress as an open page does, until the end; seconds of each answer."""
    client, seconds = Client(address, verbose=False), []
    while not end.wait(POLL_SECONDS):
        start = time.perf_counter()
        client.predict("speed", api_name="/watch")
        seconds.append(time.perf_counter() - start)
    return seconds


def speed(run: Run, since: int) -> float:
    """Images per second of the reports since a number of images: their median."""
    return median(line["images_per_second"] for line in run.metrics() if line["images_seen"] > since)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="of each turn (default: 60)")
    parser.add_argument("--pages", type=int, default=1, help="that are open (default: 1)")
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as (address, studio):
        run = Run(Path(folder, "runs", "speed"))
        arguments = ["train", "fashion_mnist_10k", "--minutes", "600", "--out", "runs/speed"]
        trainer = subprocess.Popen([sys.executable, "-m", "nevoa", *arguments], cwd=folder, stderr=subprocess.DEVNULL)
        try:
            while not any(run.metrics()):
                time.sleep(1)
            found: dict[bool, list[float]] = {True: [], False: []}
            answers: list[float] = []
            computed = 0.0
            for turn in range(2 * TURNS):
                watched, since = turn % 2 == 0, list(run.metrics())[-1]["images_seen"]
                end, before = Event(), sum(studio.cpu_times()[:2])
                with ThreadPoolExecutor(wish.pages) as threads:
                    asked = [threads.submit(ask, address, end) for _ in range(wish.pages * watched)]
                    time.sleep(wish.seconds)
                    end.set()
                computed += watched * (sum(studio.cpu_times()[:2]) - before)
                answers += [seconds for one in asked for seconds in one.result()]
                found[watched].append(speed(run, since))
        finally:
            trainer.kill()
            trainer.wait()
    ratio = median(found[True]) / median(found[False])
    print(f"answers: median {median(answers):.3f} s, slowest {max(answers):.3f} s of {len(answers)}")
    share = computed / (TURNS * wish.seconds * (psutil.cpu_count() or 1))
    print(f"computing time of the server: {share:.1%} of all cores")
    print(f"images per second with {wish.pages} page(s) open / without: {ratio:.3f}")


if __name__ == "__main__":
    main()
