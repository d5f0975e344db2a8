"""How much memory there is, and a sentence when there is not enough."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import torch

from nevoa.errors import MemoryShortage, NevoaError

# Limit and use of a container, by the two versions of Linux control groups.
CGROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)
# Parts of torch's out-of-memory messages: of a CPU, of any GPU, of Apple's, and of CUDA's library of matrices.
ALLOCATION_FAILED = "you tried to allocate", "out of memory", "Invalid buffer size", "STATUS_ALLOC_FAILED"
# Builds of torch for newer versions of CUDA leave out the older GPUs.
NO_KERNELS = "no kernel image is available"


def available_bytes(device: str = "cpu") -> int:
    """Bytes that this process may still take on a device, within the limits of its container and of `ulimit -v`."""
    if device == "cuda":
        kept = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()  # by torch, for its next tensors
        return torch.cuda.mem_get_info()[0] + kept
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
def device_errors_explained() -> Iterator[None]:
    """Turn an error of missing memory or kernels in the block into a NevoaError that says what to do."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if NO_KERNELS in str(error):
            raise NevoaError(
                "This torch does not know your GPU. Install torch for an older version of CUDA, or compute on the CPU: "
                "--device cpu, and in a training -o training.device=cpu."
            ) from error
        is_told = any(part in str(error) for part in ALLOCATION_FAILED)
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and not is_told:
            raise
        raise MemoryShortage(
            "There is not enough memory. Lower training.batch_size, the size of the images (--size) or the width of "
            "the network (network.dim)."
        ) from error
