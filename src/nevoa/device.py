"""Which device computes, and in which precision."""

import time
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from nevoa.errors import NevoaError

DeviceName = Literal["cpu", "cuda", "mps"]
PrecisionName = Literal["float32", "bfloat16"]


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


def choose_precision(seconds: Callable[[PrecisionName], float]) -> PrecisionName:
    """The precision in which `seconds(precision)`, a timed piece of the work at hand, is shorter.

    Timed rather than looked up: without AVX-512 bf16 convolutions on a CPU are 10 times slower than float32 (measured
    on an AVX2 Zen 3, torch 2.13), with AMX they are faster.
    """
    return min(("float32", "bfloat16"), key=seconds)


def in_precision(network: nn.Module, device: str, precision: PrecisionName) -> Callable[..., Tensor]:
    """The network as a function that computes in `precision`; weights, input and output stay float32."""
    if precision == "float32":
        return network

    def call(*inputs: Tensor) -> Tensor:
        with torch.autocast(device, torch.bfloat16):
            return network(*inputs).float()

    return call


def timed(work: Callable[[], object], device: str, at_least: float = 0.0) -> float:
    """Seconds that a call of `work` takes, the mean of those that fill `at_least`; one call before them warms up."""
    work()
    _wait(device)
    calls, start = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - start < at_least:
        work()
        _wait(device)
        calls += 1
    return (time.perf_counter() - start) / calls


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()
