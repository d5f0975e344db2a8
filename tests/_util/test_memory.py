"""Available memory, and out-of-memory errors."""

from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from nevoa._util import memory
from nevoa._util.memory import available_bytes, device_errors_explained
from nevoa.errors import NevoaError

FAR_TOO_MANY = 2**45


def test_a_container_limits_what_is_available(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit, used = tmp_path / "memory.max", tmp_path / "memory.current"
    monkeypatch.setattr(memory, "CGROUPS", ((limit, used), (tmp_path / "none", tmp_path / "none")))
    free = available_bytes()
    limit.write_text("5000\n")
    used.write_text("3000\n")
    assert available_bytes() == 2000 < free
    limit.write_text("max\n")
    assert available_bytes() > 2000
    limit.write_text("2000\n")
    assert available_bytes() == 0


@pytest.mark.skipif(not hasattr(psutil.Process, "rlimit"), reason="this system has no limits of a process")
def test_a_limit_of_the_process_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = psutil.Process().memory_info().vms + 1_000_000
    monkeypatch.setattr(psutil.Process, "rlimit", lambda self, kind: (limit, limit))
    assert available_bytes() <= 1_000_000


def test_allocations_that_fail_say_what_to_lower() -> None:
    for allocate in (lambda: torch.empty(FAR_TOO_MANY), lambda: np.empty(FAR_TOO_MANY)):
        with pytest.raises(NevoaError, match=r"not enough memory.*training\.batch_size"), device_errors_explained():
            allocate()


def test_what_torch_keeps_for_its_next_tensors_is_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (1000, 8000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 6000)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 500)
    assert available_bytes("cuda") == 6500


@pytest.mark.parametrize(
    "message",
    [
        "MPS backend out of memory (MPS allocated: 9 GB). Tried to allocate 2 GB",
        "Invalid buffer size: 90 GB",
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ],
)
def test_so_do_those_on_gpus(message: str) -> None:
    with pytest.raises(NevoaError, match="not enough memory"), device_errors_explained():
        raise RuntimeError(message)


def test_a_gpu_that_is_too_old_is_a_sentence() -> None:
    with pytest.raises(NevoaError, match=r"does not know your GPU.*training\.device=cpu"), device_errors_explained():
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device")


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="shapes"), device_errors_explained():
        raise RuntimeError("shapes differ")
