"""float16 with its gradients scaled: trained on, kept in checkpoints, and left out where it overflows."""

import itertools
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from nevoa.config import Config
from nevoa.data import ImageSet
from nevoa.training.checkpoint import optimizer_tensors, restore, save_checkpoint
from nevoa.training.loop import training_steps
from nevoa.training.state import TrainingState
from tests.small_runs import first_batch, state_of, take_step


def scaled(config: Config, images: ImageSet) -> TrainingState:
    """A state whose scaler starts low and doubles every third step, so that a few steps change it."""
    state = state_of(config.updated("training", precision="float16", ema_decay=0.9), images)
    state.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=3)  # pyright: ignore
    return state


def tensors(state: TrainingState) -> dict[str, torch.Tensor]:
    average = {f"average/{name}": value for name, value in state.average.state_dict().items()}
    return {**state.network.state_dict(), **average, **dict(optimizer_tensors(state))}


@pytest.mark.slow
@pytest.mark.parametrize("after", [2, 3, 7])
def test_a_resumed_run_scales_as_an_uninterrupted_one(
    tiny: Config, few_images: ImageSet, tmp_path: Path, after: int
) -> None:
    whole, parts, resumed = (scaled(tiny, few_images) for _ in range(3))
    losses = [step.loss for step in training_steps(whole, few_images)]
    list(itertools.islice(training_steps(parts, few_images), after))
    restore(resumed, save_checkpoint(parts, tmp_path))
    assert resumed.scaler.state_dict() == parts.scaler.state_dict()
    assert [step.loss for step in training_steps(resumed, few_images)] == losses[after:]
    assert resumed.scaler.state_dict() == whole.scaler.state_dict()
    assert whole.scaler.get_scale() > 2.0**10
    torch.testing.assert_close(tensors(resumed), tensors(whole), rtol=0, atol=0)


@pytest.mark.slow
@pytest.mark.numerical
def test_the_scale_does_not_change_the_step(tiny: Config, few_images: ImageSet) -> None:
    """Powers of two are divided out exactly, but for what is too small for float16 without them."""
    losses = []
    for scale in (2.0**6, 2.0**12):
        state = scaled(tiny, few_images)
        state.scaler = torch.amp.GradScaler("cpu", init_scale=scale)  # pyright: ignore
        losses.append([step.loss for step in training_steps(state, few_images)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-2)


def test_a_step_that_overflows_is_left_out(tiny: Config, few_images: ImageSet) -> None:
    """Neither weights nor moments nor average move, and the next step is scaled by half."""
    state = scaled(tiny, few_images)
    list(itertools.islice(training_steps(state, few_images), 2))
    state.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**100)  # pyright: ignore
    before = {name: value.clone() for name, value in tensors(state).items()}
    _, _, grad_norm = take_step(state, first_batch(state, few_images), 1e-3)
    assert not math.isfinite(grad_norm)
    torch.testing.assert_close(tensors(state), before, rtol=0, atol=0)
    assert state.scaler.get_scale() == 2.0**99


def test_other_precisions_are_not_scaled(tiny: Config, few_images: ImageSet) -> None:
    state = state_of(tiny, few_images)
    assert not state.scaler.is_enabled()
    assert state.scaler.get_scale() == 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("precision", "compiled"), [("float16", False), ("bfloat16", False), ("bfloat16", True)])
def test_a_gpu_trains(tiny: Config, few_images: ImageSet, precision: str, compiled: bool) -> None:
    """And compiling leaves the weights' names as they were."""
    update: dict[str, Any] = {"device": "cuda", "precision": precision, "compile": compiled}
    state = state_of(tiny.updated("training", **update), few_images)
    names = set(state.network.state_dict())
    assert all(math.isfinite(step.loss) for step in training_steps(state, few_images))
    assert set(state.network.state_dict()) == names
