"""Which device computes, and in which precision."""

import ctypes
import statistics
import time
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from nevoa._util.threads import available_cores
from nevoa.errors import NevoaError
from nevoa.vocabulary import DeviceName, PrecisionName

# Names and numbers of <malloc.h>, and the values: blocks of up to a gigabyte come from one heap that is never trimmed.
MALLOC = {"M_ARENA_MAX": (-8, 1), "M_MMAP_THRESHOLD": (-3, 1 << 30), "M_TRIM_THRESHOLD": (-1, 2**31 - 1)}


def choose_device(wish: DeviceName | Literal["auto"] = "auto") -> DeviceName:
    """The device wished for, or the fastest there is. A NevoaError if it is not there."""
    there: dict[DeviceName, bool] = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wish == "auto":
        return next(name for name, is_there in there.items() if is_there)
    if not there[wish]:
        raise NevoaError(f"There is no {wish} device on this machine; use training.device=auto.")
    return wish


def choose_threads() -> int:
    """A thread for each core that this process may use, and no more than torch was told (`OMP_NUM_THREADS`)."""
    return min(torch.get_num_threads(), available_cores())


def prepare(device: DeviceName, threads: int | None = None) -> None:
    """Set this process up for work on the device: threads, memory, and TF32 for what CUDA does in float32."""
    torch.set_num_threads(threads or choose_threads())
    keep_memory()
    if device == "cuda":
        # For products; for convolutions it is torch's default.
        torch.set_float32_matmul_precision("high")


def keep_memory() -> bool:
    """Have the C library keep the memory of freed tensors for the next step; returns whether it can (glibc).

    glibc gives large blocks back to the kernel, which then clears their pages anew in every step: that took a quarter
    of a step of `classic`. What is kept is at most what a step needs at once.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl and macOS have no mallopt, Windows no CDLL(None)
        return False
    return min(mallopt(number, value) for number, value in MALLOC.values()) == 1


def choose_precision(device: DeviceName, seconds: Callable[[PrecisionName], float]) -> PrecisionName:
    """The precision that the device is fast in: on CUDA what it has units for, else the shorter `seconds(precision)`.

    Timed rather than looked up: without AVX-512 bf16 convolutions on a CPU are 10 times slower than float32 (measured
    on an AVX2 Zen 3, torch 2.13), with AMX they are faster.

    Args:
        seconds: of a piece of the work at hand.
    """
    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    return min(("float32", "bfloat16"), key=seconds)


def in_precision(network: Callable[..., Tensor], device: str, precision: PrecisionName) -> Callable[..., Tensor]:
    """The network as a function that computes in `precision`; weights, input and output stay float32."""
    if precision == "float32":
        return network

    def call(*inputs: Tensor) -> Tensor:
        # Every weight is used once a call: a cache of its rounded copies saves nothing, and threads would share it.
        with torch.autocast(device, getattr(torch, precision), cache_enabled=False):
            return network(*inputs).float()

    return call


def timed(work: Callable[[], object], device: str, at_least: float = 0.0) -> float:
    """Seconds that a call of `work` takes, the median of those that fill `at_least`; one call before them warms up."""
    work()
    _wait(device)
    calls: list[float] = []
    while not calls or sum(calls) < at_least:
        start = time.perf_counter()
        work()
        _wait(device)
        calls.append(time.perf_counter() - start)
    return statistics.median(calls)


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()
