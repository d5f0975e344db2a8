"""What a busy machine costs: training alone, beside another training, and beside one endless loop.

    .venv/bin/python benchmarks/busy.py [--preset quick] [--seconds 4] [--spins 0 --spins 300000] [--option KEY=VALUE]

Every line trains for some seconds in processes of its own. "ours" is what nevoa does: a part of the batch on each
thread, OpenMP's idle threads soon asleep. "torch" is torch left alone: one batch, all threads in every operation,
waiting as libgomp does by default. "ours, N spins" waits longer or shorter. A fair share is 1/2 beside another training
(two programs on all cores), and beside the loop what one core less leaves. `others` is the time that strangers took of
the machine meanwhile, in cores: where it is not near 0 the line says little.
"""

import argparse
import os
import subprocess
import sys
import time

import psutil

COUNT = "while True: pass"
WORKER = """
import sys, time
variant, preset, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
if variant == "torch":
    import torch
import nevoa
from nevoa.training import threads
if variant == "torch":
    threads.MOST_PARTS = 1
options = ("training.precision=" + sys.argv[4], "training.batch_size=32", *sys.argv[5:])
config = nevoa.configure("fashion_mnist_10k", preset, steps=5_000, options=options)
steps = nevoa.fit(config)
for _ in range(2):
    next(steps)
print("ready", flush=True)
sys.stdin.readline()
count, start, computed = 0, time.perf_counter(), time.process_time()
while time.perf_counter() - start < seconds:
    next(steps)
    count += 1
took = time.perf_counter() - start
print(count * config.training.batch_size / took, (time.process_time() - computed) / took, flush=True)
for _ in steps:
    pass
"""


def worker(variant: str, spins: int | None, *arguments: str) -> subprocess.Popen[str]:
    hidden = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    if spins is not None:
        environment["GOMP_SPINCOUNT"] = str(spins)
    command = [sys.executable, "-c", WORKER, variant, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def line(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def measure(beside: str, variant: str, spins: int | None, *arguments: str) -> tuple[float, float]:
    """Images per second, of the slower where there are two, and the cores' worth of time that strangers took."""
    workers = [worker(variant, spins, *arguments) for _ in range(2 if beside == "training" else 1)]
    loops: list[subprocess.Popen[str]] = []
    try:
        assert [line(process) for process in workers] == [["ready"]] * len(workers), "a training did not start"
        if beside == "loop":
            loops = [subprocess.Popen([sys.executable, "-c", COUNT], text=True)]
        start, busy = time.perf_counter(), busy_seconds()
        for process in workers:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        speeds, cores = zip(*(map(float, line(process)) for process in workers), strict=True)
        ours = sum(sum(psutil.Process(loop.pid).cpu_times()[:2]) for loop in loops)
        strangers = (busy_seconds() - busy - ours) / (time.perf_counter() - start) - sum(cores)
        return min(speeds), strangers
    finally:
        for process in workers + loops:
            process.kill()
            process.wait()


def busy_seconds() -> float:
    """Seconds that all cores together have worked since the machine started (Linux)."""
    with open("/proc/stat") as file:  # noqa: PTH123
        user, nice, system, _, _, irq, soft, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--seconds", default="4")
    parser.add_argument("--spins", type=int, action="append", default=[])
    parser.add_argument("--option", action="append", default=[])
    wishes = parser.parse_args()
    cores, options = os.cpu_count() or 1, (wishes.precision, *wishes.option)
    shares = {"nothing": 1.0, "training": 1 / 2, "loop": max(1 / 2, (cores - 1) / cores)}
    print(f"{wishes.preset}, {', '.join(options)}, {cores} cores\n")
    print("| how | beside | images/s | of alone | of its share | others |\n| --- | --- | --- | --- | --- | --- |")
    variants = [("ours", None), ("torch", None), *(("ours", spins) for spins in wishes.spins)]
    for variant, spins in variants:
        alone = None
        for beside, share in shares.items():
            speed, others = measure(beside, variant, spins, wishes.preset, wishes.seconds, *options)
            alone = alone or speed
            name = variant if spins is None else f"{variant}, {spins:,} spins"
            row = f"{speed:.0f} | {speed / alone:.2f} | {speed / alone / share:.2f} | {others:.2f}"
            print(f"| {name} | {beside} | {row} |", flush=True)


if __name__ == "__main__":
    main()
