"""What the commands take from Enter to their end: CPU seconds, wall-clock seconds and memory.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/starting.py [SRC ...] [--rounds 7]

Each SRC is a folder that contains `nevoa`, by default this one's; several are compared in alternation. The CPU seconds
are user and system time, the median over the rounds: with one thread they hardly depend on what else the machine
does. The wall-clock seconds are the shortest. ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 stands for an AVX2 CPU.
A round before the others is not counted: Python compiles in it what it imports, and keeps that, as pip does.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

DRY = ("--steps", "1", "--dry-run", "-o", "training.precision=float32", "--out", "run")
COMMANDS = {
    "python -c pass": ("-c", "pass"),
    "python -c 'import torch'": ("-c", "import torch"),
    "nevoa --help": ("-m", "nevoa", "--help"),
    "nevoa runs": ("-m", "nevoa", "runs"),
    "nevoa data list": ("-m", "nevoa", "data", "list"),
    "nevoa sample --count 1 --steps 1": ("-m", "nevoa", "sample", "--count", "1", "--steps", "1"),
    "nevoa sample": ("-m", "nevoa", "sample"),
    "nevoa train fashion_mnist_10k --steps 1 --dry-run": ("-m", "nevoa", "train", "fashion_mnist_10k", *DRY),
}
Cost = tuple[float, float, float]


def cost(arguments: tuple[str, ...], source: Path, folder: str) -> Cost:
    """CPU seconds, wall-clock seconds and megabytes of one process."""
    # An empty PYTHONDONTWRITEBYTECODE counts as none.
    bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": f"{folder}/bytecode"}
    environment, start = {**os.environ, **bytecode, "PYTHONPATH": str(source)}, time.perf_counter()
    null, command = subprocess.DEVNULL, [sys.executable, *arguments]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=null, stderr=null)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(arguments)} fails: run it yourself to see why.")
    return used.ru_utime + used.ru_stime, time.perf_counter() - start, used.ru_maxrss / 1024


def row(name: str, costs: list[Cost]) -> str:
    cpu, wall, memory = zip(*costs, strict=True)
    return f"| `{name}` | {statistics.median(cpu):.2f} | {min(wall):.2f} | {max(memory):.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs="*", default=[Path(__file__).parents[1] / "src"])
    parser.add_argument("--rounds", type=int, default=7)
    wishes = parser.parse_args()
    sources = [source.resolve() for source in wishes.sources]
    print("| command | CPU s | wall-clock s | MB |\n| --- | --- | --- | --- |")
    with TemporaryDirectory() as folder:
        (Path(folder) / "runs").mkdir()
        for name, arguments in COMMANDS.items():
            compared = sources if name.startswith("nevoa") else sources[:1]
            rounds = [[cost(arguments, source, folder) for source in compared] for _ in range(wishes.rounds + 1)][1:]
            for source, costs in zip(compared, zip(*rounds, strict=True), strict=True):
                print(row(f"{name}` of `{source}" if len(compared) > 1 else name, list(costs)), flush=True)


if __name__ == "__main__":
    main()
