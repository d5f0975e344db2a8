"""Which device computes, and in which precision."""

import ctypes
import statistics
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, TypeVar

import torch
from torch import Tensor

from nevoa._util.arguments import device_name
from nevoa._util.memory import device_errors_explained
from nevoa._util.threads import available_cores
from nevoa.config.names import DeviceName, PrecisionName
from nevoa.errors import NevoaError

Item = TypeVar("Item")
# A `cuda:0` or `torch.device` means the first device of its kind.
DeviceWish = DeviceName | Literal["auto"] | str | torch.device

# glibc's mallopt parameters by their numbers in <malloc.h>. While computing, blocks of up to a gigabyte come from one
# heap that is never trimmed; afterwards the documented defaults hold again.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
KEEPING = {M_ARENA_MAX: 1, M_MMAP_THRESHOLD: 1 << 30, M_TRIM_THRESHOLD: 2**31 - 1}
DEFAULTS = {M_ARENA_MAX: 0, M_MMAP_THRESHOLD: 128 << 10, M_TRIM_THRESHOLD: 128 << 10}


def devices() -> tuple[DeviceName, ...]:
    """The devices of this machine, the fastest first."""
    present: dict[DeviceName, bool] = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return (*filter(present.get, present), "cpu")


def choose_device(wanted: DeviceWish = "auto") -> DeviceName:
    """The device asked for, or the fastest one. A NevoaError if this machine lacks it."""
    present, name = devices(), device_name(wanted)
    if name == "auto":
        return present[0]
    for device in present:
        if device == name:
            return device
    raise NevoaError(f"This machine has no {name} device. Choose one of: auto, {', '.join(present)}.")


def choose_threads() -> int:
    """One thread per core that this process may use, at most torch's own number (`OMP_NUM_THREADS`)."""
    return min(torch.get_num_threads(), available_cores())


@contextmanager
def computing(device: DeviceName, threads: int | None = None) -> Iterator[None]:
    """Set threads, and TF32 on CUDA, while the block runs; restore both afterwards. Explains a lack of memory."""
    threads_before, precision_before = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(threads or choose_threads())
    if device == "cuda":
        # For matrix products; convolutions use TF32 by default.
        torch.set_float32_matmul_precision("high")
    try:
        with device_errors_explained():
            yield
    finally:
        torch.set_num_threads(threads_before)
        torch.set_float32_matmul_precision(precision_before)


def within(
    context: Callable[[], AbstractContextManager[object]], stream: Iterator[Item]
) -> Generator[Item, None, None]:
    """Advance a stream inside a context that is left again before each item is handed on."""
    while True:
        with context():
            try:
                item = next(stream)
            except StopIteration:
                return
        yield item


_keeping = 0


@contextmanager
def keeping_memory() -> Iterator[None]:
    """Let glibc keep the memory of freed tensors for the next step while the block runs; blocks may be nested.

    glibc returns large blocks to the kernel, which clears their pages anew in every step: that took a quarter of a step
    of `classic`. What is kept is at most what one step needs.
    """
    global _keeping
    _keeping += 1
    _mallopt(KEEPING)
    try:
        yield
    finally:
        _keeping -= 1
        if not _keeping:
            _mallopt(DEFAULTS)


def _mallopt(values: dict[int, int]) -> None:
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl and macOS have no mallopt, Windows has no CDLL(None)
        return
    for number, value in values.items():
        mallopt(number, value)


def choose_precision(device: DeviceName) -> PrecisionName:
    """The 16-bit precision that the device has units for, or float32 if it has none.

    It is not timed, because on a busy machine the same command would train in bf16 now and in float32 later. CPUs with
    matrix units (AMX) also have AVX-512 for bf16; docs/experiments.md compares the speeds.
    """
    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    has_units = device == "cpu" and torch.cpu._is_avx512_bf16_supported()  # pyright: ignore[reportPrivateUsage]
    return "bfloat16" if has_units else "float32"


def in_precision(network: Callable[..., Tensor], device: str, precision: PrecisionName) -> Callable[..., Tensor]:
    """The network as a function that computes in `precision`; weights, input and output stay float32."""
    if precision == "float32":
        return network

    def call(*inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        # Each weight is used once per call: caching its rounded copy saves nothing, and threads would share the cache.
        with torch.autocast(device, getattr(torch, precision), cache_enabled=False):
            return network(*inputs).float()

    return call


def timed(work: Callable[[], object], device: str, at_least: float = 0.0) -> float:
    """Median seconds of a call of `work`, over calls that fill `at_least` seconds, after one call to warm up."""
    work()
    _synchronize(device)
    calls: list[float] = []
    while not calls or sum(calls) < at_least:
        start = time.perf_counter()
        work()
        _synchronize(device)
        calls.append(time.perf_counter() - start)
    return statistics.median(calls)


def _synchronize(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()
