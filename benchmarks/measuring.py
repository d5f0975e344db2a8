"""How long measuring takes, and how much memory, besides making the images.

    .venv/bin/python benchmarks/measuring.py [--count 10000] [RUN]

Measured are training images in place of a model's: all scores by default, with the model of RUN or the packaged one.
Printed: seconds by stage, their sum, and the peak of resident memory.
"""

import argparse
import resource
import sys
import time
from pathlib import Path

import nevoa
from nevoa.config import DataConfig
from nevoa.evaluation import Protocol, Reference, Report, Samples, measure

# The unit of ru_maxrss, in bytes.
UNIT = 1 if sys.platform == "darwin" else 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", nargs="?", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    wish = parser.parse_args()
    model = nevoa.load(wish.run) if wish.run else nevoa.load()
    reference = Reference.of(DataConfig(source="fashion_mnist"))
    samples = Samples("training images", reference.train.images[: wish.count], model=model, mirrored=True)
    start = since = time.perf_counter()
    stage = "checking"
    for item in measure(samples, Protocol(reference, wish.count)):
        now = time.perf_counter()
        print(f"{stage:28}{now - since:6.1f} s", flush=True)
        stage, since = "" if isinstance(item, Report) else item.name, now
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT
    print(f"{'in all':28}{time.perf_counter() - start:6.1f} s, at most {peak / 2**20:,.0f} MiB")


if __name__ == "__main__":
    main()
