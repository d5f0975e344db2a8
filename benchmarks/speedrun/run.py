"""The speedrun: how soon two cores make clothes with a distance of at most 0.5.

    .venv/bin/python benchmarks/speedrun/run.py --minutes 8 --idea "a guide" [-- --preset quick -o training.guide=0.2]

What follows `--` goes to `nevoa train`. Appends the run to results.jsonl and writes the table of README.md, which has
the rules. `--table` only writes the table.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from nevoa.parallel.device import timed

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "results.jsonl", HERE / "README.md"
MARKER = "<!-- table -->\n"
CORES, GOAL, COUNT, SIDE = 2, 0.5, 10_000, 2048
SCORES = "fd_fashion", "precision", "recall", "near_copies"
COLUMNS = "minutes", "distance", "recall", "near copies", "idea", "machine", "GFLOP/s", "date", "commit"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--idea", default="", help="what is new, in a few words")
    parser.add_argument("--table", action="store_true", help="only write the table")
    parser.add_argument("options", nargs="*", help="of nevoa train, after --")
    given = parser.parse_args()
    if not given.table:
        cores = sorted(os.sched_getaffinity(0))[:CORES]
        os.sched_setaffinity(0, cores)
        torch.set_num_threads(CORES)
        result = entry(given.minutes, given.idea, given.options)
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_table(page, RESULTS.read_text(encoding="utf-8")), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8").partition(MARKER)[2])


def entry(minutes: float, idea: str, options: list[str]) -> dict[str, Any]:
    """Train and measure; the time is that of the command `nevoa train`, from its start to its end."""
    rates = {str(dtype).removeprefix("torch."): rate(dtype) for dtype in (torch.float32, torch.bfloat16)}
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        start = time.perf_counter()
        nevoa("train", "fashion_mnist", "--minutes", str(minutes), "--out", str(run), *options)
        seconds = time.perf_counter() - start
        metrics = "--metrics", "frechet,manifold,memorisation"
        report = json.loads(nevoa("evaluate", str(run), "--count", str(COUNT), *metrics, "--json"))
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=HERE, check=True, capture_output=True, text=True
        ).stdout.strip(),
        "idea": idea,
        "options": options,
        "seconds": seconds,
        "scores": {name: report["scores"][name] for name in SCORES},
        "machine": report["receipt"]["facts"]["cpu"],
        "torch": torch.__version__,
        "platform": platform.platform(),
        "gflop_per_second": rates,
    }


def nevoa(*arguments: str) -> str:
    """Run a command on these cores; return what it prints."""
    command = [sys.executable, "-m", "nevoa", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def rate(dtype: torch.dtype) -> float:
    """GFLOP/s of the product of two matrices."""
    a, b = (torch.randn(SIDE, SIDE).to(dtype) for _ in range(2))
    return 2 * SIDE**3 / timed(lambda: a @ b, "cpu", at_least=1.0) / 1e9


def with_table(page: str, results: str) -> str:
    """Return the page with a row for each result, the newest first."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *map(row, reversed([json.loads(line) for line in results.splitlines()]))]
    return page.partition(MARKER)[0] + MARKER + "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def row(result: dict[str, Any]) -> list[str]:
    """The cells of a result; the minutes are bold if they reached the goal."""
    scores, minutes = result["scores"], f"{result['seconds'] / 60:.1f}"
    rates = " / ".join(f"{each:,.0f}" for each in result["gflop_per_second"].values())
    return [
        f"**{minutes}**" if scores["fd_fashion"] <= GOAL else minutes,
        f"{scores['fd_fashion']:.3f}",
        f"{scores['recall']:.3f}",
        f"{scores['near_copies']:.4f}",
        result["idea"],
        result["machine"],
        rates,
        result["date"],
        result["commit"],
    ]


if __name__ == "__main__":
    main()
