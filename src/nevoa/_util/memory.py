"""How much memory there is, and a sentence when there is not enough."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import torch

from nevoa.errors import NevoaError

# Limit and use of a container, by the two versions of Linux control groups.
CGROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)
# Parts of torch's messages when the allocator of the CPU fails, on every system, or that of Apple's GPU.
ALLOCATION_FAILED = "you tried to allocate", "MPS backend out of memory", "Invalid buffer size"


def available_bytes(device: str = "cpu") -> int:
    """Bytes that this process may still take on a device, within the limits of its container and of `ulimit -v`."""
    if device == "cuda":
        return torch.cuda.mem_get_info()[0]
    return max(0, min([psutil.virtual_memory().available, *_limits()]))


def _limits() -> Iterator[int]:
    process = psutil.Process()
    if hasattr(process, "rlimit"):  # Linux and FreeBSD
        soft, _ = process.rlimit(psutil.RLIMIT_AS)
        if soft != psutil.RLIM_INFINITY:
            yield soft - process.memory_info().vms
    for limit, used in CGROUPS:
        with suppress(OSError, ValueError):  # no such file, or no limit: "max"
            yield int(limit.read_text()) - int(used.read_text())


@contextmanager
def memory_errors_explained() -> Iterator[None]:
    """Turn an error for want of memory in the block into a NevoaError that says what to lower."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        is_told = any(part in str(error) for part in ALLOCATION_FAILED)
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and not is_told:
            raise
        raise NevoaError(
            "There is not enough memory. Lower training.batch_size, the size of the images (--size) or the width of "
            "the network (network.dim)."
        ) from error
