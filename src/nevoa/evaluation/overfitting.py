"""The loss by noise level on held-out images against training images: the gap is the overfitting."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from nevoa._util.random import Stream, generator
from nevoa.config.names import DeviceName
from nevoa.data import ImageSet, to_unit
from nevoa.diffusion import AnyDenoiser, steps_of

# 5,000 evaluations of the network at most. Twice as many levels would not make the standard error of the gap smaller.
IMAGES, LEVELS = 500, 5

# From labels to the denoiser of images with these labels.
Denoise = Callable[[Tensor], AnyDenoiser]


@dataclass(frozen=True)
class Overfitting:
    """Mean squared errors of the predicted noise, on images of both kinds.

    Attributes:
        timesteps: the noise levels.
        training, held_out: error of each image at each level; image i of both gets the same noise.
    """

    timesteps: Int64[np.ndarray, " L"]
    training: Float64[np.ndarray, "N L"]
    held_out: Float64[np.ndarray, "N L"]

    @property
    def gap(self) -> float:
        """The error on held-out images divided by that on training images, minus 1; about 0 without overfitting."""
        return float(self.held_out.mean() / self.training.mean() - 1)

    @property
    def gap_error(self) -> float:
        """The standard error of the gap, from the spread over pairs of images, which share their noise."""
        training, held_out = self.training.mean(1), self.held_out.mean(1)
        apart = held_out / held_out.mean() - training / training.mean()
        return float((1 + self.gap) * apart.std(ddof=1) / np.sqrt(len(apart)))


def overfitting(
    denoise: Denoise,
    training: ImageSet,
    held_out: ImageSet,
    device: DeviceName = "cpu",
    seed: int = 0,
    at_once: int = 256,
) -> Overfitting:
    """Compare as many images of both kinds, up to 500, at 5 evenly spaced timesteps.

    Args:
        denoise: the denoiser of images with these labels.
        at_once: as many images are evaluated together.
    """
    steps = steps_of(denoise(torch.zeros(1, dtype=torch.int64)).process.schedule)
    timesteps = 1 + ((np.arange(LEVELS) + 0.5) / LEVELS * steps).astype(np.int64)
    count = min(IMAGES, len(training), len(held_out))

    def errors(images: ImageSet) -> Float64[np.ndarray, "N L"]:
        return _errors(denoise, _some(images, count, seed), timesteps, device, seed, at_once)

    return Overfitting(timesteps, errors(training), errors(held_out))


def _some(images: ImageSet, count: int, seed: int) -> ImageSet:
    chosen = np.sort(generator(seed, Stream.EVALUATION, 7).permutation(len(images))[:count])
    return images.take(chosen)


@torch.no_grad()
def _errors(
    denoise: Denoise,
    images: ImageSet,
    timesteps: Int64[np.ndarray, " L"],
    device: DeviceName,
    seed: int,
    at_once: int,
) -> Float64[np.ndarray, "N L"]:
    rng = generator(seed, Stream.EVALUATION, 6)
    errors = torch.empty(len(images), len(timesteps), dtype=torch.float64)
    for first in range(0, len(images), at_once):
        part = slice(first, first + at_once)
        x_0, denoiser = to_unit(images.images[part]).to(device), denoise(torch.from_numpy(images.labels[part]))
        for level, t in enumerate(timesteps.tolist()):
            epsilon = torch.from_numpy(rng.standard_normal(x_0.shape, np.float32)).to(device)
            t = torch.full((len(x_0),), t, device=device)
            estimate = denoiser(denoiser.process.forward(x_0, t, epsilon), t)
            errors[part, level] = ((estimate.epsilon - epsilon) ** 2).flatten(1).mean(1).cpu()
    return errors.numpy()
