"""Batches come in order, ahead of time where that helps; a step makes the CPU wait for the device once."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from nevoa.config import Config
from nevoa.data import ImageSet
from nevoa.diffusion import Denoiser, NoiseSchedule
from nevoa.errors import NevoaError
from nevoa.training import Job
from nevoa.training.feed import Batch, batches_of, drawn_ahead, on_device
from nevoa.training.gradient import Gradient
from nevoa.training.loop import training_steps
from nevoa.training.state import TrainingState
from tests.small_runs import first_batch, replanned, state_of, take_step

SEEN = "x_0", "t", "epsilon", "condition"
# In Python, and below it: what makes the CPU wait until a device has computed a number.
WAITING = {"cpu", "item", "tolist", "numpy", "nonzero", "__bool__", "__float__", "__int__", "__index__"}
WAITING_BELOW = {"aten::_local_scalar_dense", "aten::nonzero"}


@pytest.fixture
def state(job: Job) -> TrainingState:
    plan = replanned(job.plan, label_dropout=0.3).model_copy(update={"classes": job.images.classes})
    return TrainingState.fresh(plan, job.images.shape)


def same(some: Batch, others: Batch) -> bool:
    return all(torch.equal(getattr(some, name).cpu(), getattr(others, name).cpu()) for name in SEEN)


def test_batches_drawn_ahead_are_the_same_in_the_same_order(state: TrainingState, few_images: ImageSet) -> None:
    ahead = drawn_ahead(batches_of(state, few_images, Gradient(state).share), lambda batch: batch.moved(torch.clone))
    for one, other in zip(ahead, islice(batches_of(state, few_images, Gradient(state).share), 9), strict=False):
        assert same(one, other)
        assert torch.equal(one.log_snr, other.log_snr)


def test_a_thread_draws_a_few_ahead_and_ends_with_its_reader(state: TrainingState, few_images: ImageSet) -> None:
    moved = threading.Semaphore(0)

    def move(batch: Batch) -> Batch:
        assert threading.current_thread() is not threading.main_thread()
        moved.release()
        return batch

    before, ahead = threading.active_count(), drawn_ahead(batches_of(state, few_images, Gradient(state).share), move)
    next(ahead)
    for _ in range(3):  # that one, and two more
        assert moved.acquire(timeout=20)
    assert not moved.acquire(timeout=0.1)
    ahead.close()
    assert threading.active_count() == before


def test_an_error_in_the_thread_is_raised_where_the_batch_is_taken() -> None:
    def broken() -> Iterator[Batch]:
        raise NevoaError("The disk is gone.")
        yield

    with pytest.raises(NevoaError, match="disk is gone"):
        next(drawn_ahead(broken(), lambda batch: batch))


def test_all_that_the_network_sees_is_moved(state: TrainingState, few_images: ImageSet) -> None:
    batch = first_batch(state, few_images).moved(lambda tensor: tensor.to("meta"))
    assert {getattr(batch, name).device.type for name in SEEN} == {"meta"}
    assert batch.log_snr.device.type == "cpu"
    assert batch.x_0.is_contiguous(memory_format=torch.channels_last)


class Reads(TorchFunctionMode):
    """Counts the calls that read numbers back."""

    def __init__(self) -> None:
        self.found = Counter[str]()

    def __torch_function__(self, function: Callable, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
        name = getattr(function, "__name__", "")
        self.found.update({name} & WAITING)
        return function(*arguments, **(keywords or {}))


class ReadsBelow(TorchDispatchMode):
    """Counts the operations that do."""

    def __init__(self) -> None:
        super().__init__()
        self.found = Counter[str]()

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
        self.found.update({function.name().partition(".")[0]} & WAITING_BELOW)
        return function(*arguments, **(keywords or {}))


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "muon"])
@pytest.mark.parametrize("weighting", ["simple", "min_snr"])
def test_a_step_waits_for_the_device_once(tiny: Config, few_images: ImageSet, optimizer: str, weighting: str) -> None:
    """And reads all its numbers then: one copy to the CPU, and what is read from there."""
    config = tiny.updated("training", optimizer=optimizer, weighting=weighting, threads=1, ema_decay=0.9)
    state = state_of(config, few_images)
    batch = first_batch(state, few_images)
    gradient = Gradient(state)
    take_step(state, batch, 1e-3, gradient)
    with Reads() as reads, ReadsBelow() as below:
        losses, loss, _ = take_step(state, batch, 1e-3, gradient)
    assert reads.found == {"cpu": 1, "tolist": 1}
    assert not below.found
    assert loss == pytest.approx(losses.mean().item())


def test_the_count_would_find_another_one() -> None:
    with Reads() as reads, ReadsBelow() as below:
        ones = torch.ones(3)
        float(ones.sum())
        ones[ones > 0].sum().item()
    assert reads.found == {"__float__": 1, "item": 1}
    assert below.found == {"aten::_local_scalar_dense": 2}


class Copies(TorchDispatchMode):
    """Counts copies between devices."""

    count = 0

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
        result = function(*arguments, **(keywords or {}))
        source = next((each for each in arguments if isinstance(each, Tensor)), result)
        self.count += isinstance(result, Tensor) and source.device != result.device
        return result


def test_the_tables_of_a_schedule_are_copied_to_a_device_once() -> None:
    """On the meta device, which computes nothing."""
    denoiser = Denoiser(lambda x_t, t: x_t, NoiseSchedule.cosine(), "v")
    x, t = torch.empty(4, 1, 2, 2, device="meta"), torch.empty(4, dtype=torch.int64, device="meta")
    with Copies() as copies:
        denoiser.loss(x, t, x, weighting="min_snr")
        assert copies.count == 3  # signal, noise and weights
        denoiser.loss(x, t, x, weighting="min_snr")
    assert copies.count == 3


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_the_batches_are_those_of_the_cpu(state: TrainingState, few_images: ImageSet) -> None:
    batches = on_device(batches_of(state, few_images, Gradient(state).share), "cuda")
    for one, other in zip(batches, islice(batches_of(state, few_images, Gradient(state).share), 20), strict=False):
        assert one.x_0.is_cuda
        assert same(one, other)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_nothing_waits_but_the_one_read(
    tiny: Config, few_images: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = state_of(tiny.updated("training", device="cuda", precision="bfloat16"), few_images)
    steps = training_steps(state, few_images)
    next(steps)
    cpu, waits = Tensor.cpu, Counter[str]()

    def counted(tensor: Tensor) -> Tensor:
        waits["cpu"] += 1
        torch.cuda.set_sync_debug_mode("default")
        try:
            return cpu(tensor)
        finally:
            torch.cuda.set_sync_debug_mode("error")

    monkeypatch.setattr(Tensor, "cpu", counted)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            next(steps)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert waits["cpu"] == 3
