"""How many threads compute, and how they wait for one another. Knows nothing of torch, which must be loaded after."""

import math
import os
from collections.abc import MutableMapping
from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")
CGROUP = Path("/sys/fs/cgroup")

# Rounds that an OpenMP thread spins before it sleeps; what decided it is in docs/experiments.md, "A busy machine".
SPINS = 10_000


def wait_politely(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have OpenMP's idle threads sleep soon, unless the user has said how they wait.

    libgomp reads this once, when torch is first imported; after that it changes nothing.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & environment.keys():
        environment["GOMP_SPINCOUNT"] = str(SPINS)


def available_cores(allowed: set[int] | None = None, cpus: Path = CPUS, cgroup: Path = CGROUP) -> int:
    """Physical cores among the `allowed` processors, or as many as the control group's quota is worth if that is less.

    Not loky's `cpu_count`: it rounds a quota up, and counts two processors of one core twice where a mask allows both.

    Args:
        allowed: numbers of the processors that the process may run on; asked of the system if None.
        cpus: where Linux describes processors; those that share a core count once.
        cgroup: where control groups of version 1 or 2 are mounted; in a container that is its own.
    """
    if allowed is None:
        allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = {_read(cpus / f"cpu{number}" / "topology" / "thread_siblings_list") or str(number) for number in allowed}
    return max(1, math.floor(min(len(cores), _quota(cgroup))))


def _quota(cgroup: Path) -> float:
    """How many cores' time a control group may use; infinite where nothing limits it."""
    version_1 = (_read(cgroup / "cpu" / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    quota, _, period = (_read(cgroup / "cpu.max") or " ".join(version_1)).partition(" ")
    try:
        return float(quota) / float(period) if float(quota) > 0 else math.inf
    except ValueError:
        return math.inf


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
