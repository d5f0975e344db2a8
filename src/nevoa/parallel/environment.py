"""The variables that torchrun, or another launcher, sets in the environment. Imports no torch."""

import os


def world_size() -> int:
    """Number of processes of this job; 1 without a launcher."""
    return _number("WORLD_SIZE", 1)


def rank() -> int:
    """Number of this process in its job; 0 without a launcher."""
    return _number("RANK", 0) if world_size() > 1 else 0


def _number(name: str, default: int) -> int:
    try:
        return int(os.environ[name])
    except (KeyError, ValueError):
        return default
