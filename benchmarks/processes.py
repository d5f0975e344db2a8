"""Several processes with one core each against one process with as many threads, and what their sums cost.

    .venv/bin/python benchmarks/processes.py [--processes 2] [--seconds 8] [--rounds 3] [--widths 16 32 64]

Each row trains `quick` at one width. One process and several alternate, so that other work slows both alike, and the
best of the rounds counts. `sum` is the time that a step waits in the all-reduce of the gradients: for the bytes that
travel, and for the slowest process.
"""

import argparse
import json
import os
import subprocess
import sys

WORKER = """
import json, sys, time
import nevoa
from nevoa.parallel.group import Group, process_group
width, batch, seconds, threads = map(int, sys.argv[1:])
options = (f"network.dim={width}", f"training.batch_size={batch}", f"training.threads={threads}")
waited, add = [0.0], Group.add
def timed(self, tensors):
    start = time.perf_counter()
    add(self, tensors)
    waited[0] += time.perf_counter() - start
Group.add = timed
steps = nevoa.fit(nevoa.configure("fashion_mnist_10k", steps=100_000, options=options))
for _ in range(5):
    first = next(steps)
waited[0], start = 0.0, time.perf_counter()
for step in steps:
    took = time.perf_counter() - start
    if process_group().broadcast(lambda: took > seconds):
        break
done = (step.images_seen - first.images_seen) // step.batch_size
bytes_ = 4 * sum(weight.numel() for weight in step.model.network.parameters())
row = {"images_per_second": done * batch / took, "step": took / done, "sum": waited[0] / done, "bytes": bytes_}
if process_group().rank == 0:
    print("row", json.dumps(row), flush=True)
"""


def measured(processes: int, threads: int, width: int, batch: int, seconds: int) -> dict[str, float]:
    arguments = ["-c", WORKER, *map(str, (width, batch, seconds, threads))]
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "--no-python"]
    command = [sys.executable, *launcher, sys.executable, *arguments] if processes > 1 else [sys.executable, *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "GOMP_SPINCOUNT": "10000"}
    out = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    return json.loads(next(line for line in out.splitlines() if line.startswith("row")).removeprefix("row"))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--widths", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--batches", type=int, nargs="+", default=[32, 64])
    wish = parser.parse_args()
    print("width batch   MB | one process: images/s | several: images/s   ratio | ms a step, of it the sum")
    for width in wish.widths:
        for batch in wish.batches:
            rows: list[list[dict[str, float]]] = [[], []]
            for _ in range(wish.rounds):
                rows[0].append(measured(1, wish.processes, width, batch, wish.seconds))
                rows[1].append(measured(wish.processes, 1, width, batch, wish.seconds))
            one, several = (max(row, key=lambda each: each["images_per_second"]) for row in rows)
            ratio = several["images_per_second"] / one["images_per_second"]
            print(
                f"{width:5} {batch:5} {one['bytes'] / 1e6:4.1f} | {one['images_per_second']:21.0f} | "
                f"{several['images_per_second']:17.0f} {ratio:7.2f} | "
                f"{1000 * several['step']:9.1f} {1000 * several['sum']:8.1f} {several['sum'] / several['step']:5.0%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
