"""The held-out loss: when it rises, more training only memorises."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nevoa._util.random import Stream, generator
from nevoa.conditions import conditions_of
from nevoa.config import Plan
from nevoa.data import ImageSet, choosing_and_scoring, load_test_images, to_unit
from nevoa.diffusion import mapped
from nevoa.objects import loss_of
from nevoa.parallel.device import computing
from nevoa.training.gradient import training_denoiser
from nevoa.training.objective import keeps_best
from nevoa.training.state import TrainingState

# Each image with as many timesteps, evenly spaced, and its own noise. They are the same each time, so two losses differ
# by the weights alone.
DRAWS = 4
# Twice in a row, because a single report may be worse by chance.
RISE, IN_A_ROW = 0.01, 2


@dataclass(frozen=True)
class HeldOut:
    """Images that are trained on, and as many that are held out to choose the model."""

    training: ImageSet
    held_out: ImageSet

    @classmethod
    def of(cls, plan: Plan, images: ImageSet) -> "HeldOut | None":
        """Those of a training; None if no images are held out."""
        if not (images.notes.held_out and keeps_best(plan)):
            return None
        choosing, _ = choosing_and_scoring(load_test_images(plan.data, images), plan.data.division)
        if not len(choosing):
            return None
        return cls(_some(images, len(choosing), plan.training.seed), choosing)

    def losses(self, state: TrainingState) -> dict[str, float]:
        """The mean loss of the averaged weights: on training images and on held-out ones."""
        with computing(state.device, state.plan.training.threads):
            found = {"training_loss": self.training, "held_out_loss": self.held_out}
            return {name: _loss(state, images) for name, images in found.items()}


def memorises_since(metrics: Iterable[Mapping[str, Any]]) -> int | None:
    """Return `images_seen` at the lowest held-out loss, once it has risen by more than 1 % in two reports in a row.

    None if it has not.

    Args:
        metrics: lines of a run's metrics, of the same held-out images; those without a held-out loss are skipped.
    """
    points = [(line["held_out_loss"], line["images_seen"]) for line in metrics if line.get("held_out_loss") is not None]
    if not points:
        return None
    best, seen = min(points)
    return seen if all(loss > (1 + RISE) * best for loss, _ in points[-IN_A_ROW:]) else None


def _some(images: ImageSet, count: int, seed: int) -> ImageSet:
    rng = generator(seed, Stream.HELD_OUT, 0)
    chosen = np.sort(rng.permutation(len(images))[:count])
    return images.take(chosen)


@torch.no_grad()
def _loss(state: TrainingState, images: ImageSet) -> float:
    plan, losses, timesteps = state.plan, list[Tensor](), state.plan.diffusion.timesteps
    denoiser = training_denoiser(plan, state.average.eval(), state.objects)
    loss, at_once = loss_of(plan.training, state.objects), state.model().images_at_once
    x_0, condition = to_unit(images.images), conditions_of(plan).as_in(images)
    rng = generator(plan.training.seed, Stream.HELD_OUT, 1)
    for draw in range(DRAWS):
        moments = (np.arange(len(x_0)) / len(x_0) + draw) / DRAWS
        t = torch.from_numpy(1 + (moments * timesteps).astype(np.int64))
        epsilon = torch.from_numpy(rng.standard_normal(x_0.shape, np.float32))
        for first in range(0, len(x_0), at_once):

            def part(tensor: Tensor, first: int = first) -> Tensor:
                return tensor[first : first + at_once].to(state.device)

            asked = None if condition is None else mapped(part, condition)
            own = part(x_0), part(t), part(epsilon)
            losses.append(denoiser.loss(*own, loss, plan.training.weighting, asked))
    return torch.cat(losses).cpu().double().mean().item()
