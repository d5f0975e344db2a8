"""Kill a training again and again at random moments, and see that it ends as one that was left alone.

python scripts/kill.py [--kills 1000] [--processes 1] [--seed 0] [--out runs/killed]
"""

import argparse
import random
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.cli.test_stopping import command, starts
from tests.processes import entered, started
from tests.small_runs import outcome

from nevoa.runs.run import Run

STEPS_PER_KILL = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=1, help="that train together; one of them is killed")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--out", type=Path, default=Path("runs/killed"))
    wish = parser.parse_args()
    shutil.rmtree(wish.out, ignore_errors=True)
    wish.out.mkdir(parents=True)
    rng, steps, early = random.Random(wish.seed), STEPS_PER_KILL * wish.kills, 0
    for kill in range(1, wish.kills + 1):
        early += killed_early(command(steps, "killed"), wish.out, wish.processes, rng)
        if kill % 50 == 0:
            lines = list(Run(wish.out / "killed").metrics())
            print(f"{kill} kills, {lines[-1]['images_seen'] if lines else 0:,} images", flush=True)
    for out in ("killed", "whole"):
        for process, _ in started(wish.processes, entered, command(steps, out), wish.out):
            process.join()
    killed, whole = (outcome(Run(wish.out / out)) for out in ("killed", "whole"))
    differing = [name for name in whole if killed.get(name) != whole[name]]
    litter = [path for path in wish.out.rglob("*") if path.name.startswith(".")]
    print(f"{wish.kills - early} kills while training.")
    print(f"Differing: {differing or 'nothing'}. Left over: {litter or 'nothing'}.")
    sys.exit(bool(differing or litter))


def killed_early(arguments: list[str], folder: Path, count: int, rng: random.Random) -> bool:
    """Kill one of the processes of a training at a random moment. Return whether it had ended before."""
    run = Run(folder / "killed")
    before = starts(run)
    pipes = started(count, entered, arguments, folder)
    group = [process for process, _ in pipes]
    while starts(run) == before and all(process.is_alive() for process in group):
        time.sleep(0.005)
    time.sleep(rng.uniform(0, 0.3 if count == 1 else 2.0))  # several first have to meet
    victim = rng.choice(group)
    ended = not victim.is_alive()
    victim.kill()
    for process in group:
        process.join()
    return ended


if __name__ == "__main__":
    main()
