"""The loss on images that are not trained on: when it rises, more training only memorises."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nevoa._util.random import Stream, generator
from nevoa.config import Config
from nevoa.data import ImageSet, load_test_images, to_unit
from nevoa.objects import loss_of
from nevoa.parallel.device import computing
from nevoa.training.loop import training_denoiser
from nevoa.training.state import TrainingState

# Each image with as many timesteps, evenly spaced, and its own noise. They are the same each time, so two losses differ
# by the weights alone.
COUNT, DRAWS = 128, 4
# Twice in a row, because a single report may be worse by chance.
RISE, IN_A_ROW = 0.01, 2


@dataclass(frozen=True)
class Unseen:
    """Images that are trained on, and as many that are not."""

    training: ImageSet
    unseen: ImageSet

    @classmethod
    def of(cls, config: Config, images: ImageSet) -> "Unseen | None":
        """Those of a training; None if no images are set aside."""
        if not (images.notes.held_out and config.data.holdout) or config.training.is_distillation:
            return None
        return cls(_some(images, config), _some(load_test_images(config.data, images), config))

    def losses(self, state: TrainingState) -> dict[str, float]:
        """The mean loss of the averaged weights: on training images and on unseen ones."""
        with computing(state.device, state.config.training.threads):
            found = {"training_loss": self.training, "unseen_loss": self.unseen}
            return {name: _loss(state, images) for name, images in found.items()}


def memorises_since(metrics: Iterable[Mapping[str, Any]]) -> int | None:
    """Return `images_seen` at the lowest unseen loss, once it has risen by more than 1 % in two reports in a row.

    None if it has not.

    Args:
        metrics: lines of a run's metrics; those without an unseen loss are skipped.
    """
    points = [(line["unseen_loss"], line["images_seen"]) for line in metrics if line.get("unseen_loss") is not None]
    if not points:
        return None
    best, seen = min(points)
    return seen if all(loss > (1 + RISE) * best for loss, _ in points[-IN_A_ROW:]) else None


def _some(images: ImageSet, config: Config) -> ImageSet:
    rng = generator(config.training.seed, Stream.UNSEEN, 0)
    chosen = np.sort(rng.permutation(len(images))[:COUNT])
    return replace(images, images=images.images[chosen], labels=images.labels[chosen])


@torch.no_grad()
def _loss(state: TrainingState, images: ImageSet) -> float:
    config, losses, timesteps = state.config, list[Tensor](), state.config.diffusion.timesteps
    denoiser = training_denoiser(config, state.average.eval(), state.device, state.objects)
    loss, at_once = loss_of(config.training, state.objects), state.model().images_at_once
    x_0, label = to_unit(images.images), torch.from_numpy(images.labels)
    rng = generator(config.training.seed, Stream.UNSEEN, 1)
    for draw in range(DRAWS):
        moments = (np.arange(len(x_0)) / len(x_0) + draw) / DRAWS
        t = torch.from_numpy(1 + (moments * timesteps).astype(np.int64))
        epsilon = torch.from_numpy(rng.standard_normal(x_0.shape, np.float32))
        every = (each.to(state.device).split(at_once) for each in (x_0, t, epsilon, label))
        for images_part, t_part, noise, labels in zip(*every, strict=True):
            known = labels if config.classes else None
            losses.append(denoiser.loss(images_part, t_part, noise, loss, label=known))
    return torch.cat(losses).cpu().double().mean().item()
