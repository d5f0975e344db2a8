"""How many threads compute, and how they wait for one another. Imports no torch: it has to be loaded afterwards."""

import math
import os
from collections.abc import MutableMapping
from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")
CGROUP = Path("/sys/fs/cgroup")

# Rounds that an OpenMP thread spins before it sleeps; the measurements are in docs/experiments.md, "A busy machine".
SPINS = 10_000


def wait_politely(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let idle OpenMP threads sleep soon, unless the user has set how they wait.

    Only the command line calls this, in a process of its own: libgomp reads the variable once, when torch is imported.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & environment.keys():
        environment["GOMP_SPINCOUNT"] = str(SPINS)


def available_cores() -> int:
    """Number of physical cores that this process may use, by its CPU mask and the quota of its control group.

    loky's `cpu_count` would round the quota up, and count a core twice if the mask allows both of its threads.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    cores = {_read(CPUS / f"cpu{number}" / "topology" / "thread_siblings_list") or str(number) for number in allowed}
    return max(1, math.floor(min(len(cores), _quota())))


def _quota() -> float:
    """The CPU quota of the control group (version 1 or 2) in cores, or infinity."""
    version_1 = (_read(CGROUP / "cpu" / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    quota, _, period = (_read(CGROUP / "cpu.max") or " ".join(version_1)).partition(" ")
    try:
        return float(quota) / float(period) if float(quota) > 0 else math.inf
    except ValueError:
        return math.inf


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
