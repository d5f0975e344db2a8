"""Which caption is it? A model that follows prompts denoises an image best with the image's own caption.

Li et al. 2023, "Your Diffusion Model is Secretly a Zero-Shot Classifier": no other network takes part.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from nevoa._util.random import Stream, generator
from nevoa.config.names import DeviceName
from nevoa.data import ImageSet, to_unit
from nevoa.diffusion import AnyDenoiser, steps_of
from nevoa.errors import NevoaError

# So many captions for each image, of which one is its own: chance is a tenth. With 200 images a share of a half has a
# standard error of 0.035.
CAPTIONS, IMAGES, LEVELS = 10, 200, 8

Indices = Int64[np.ndarray, " N"]
# From captions to the denoiser of images with these captions.
Denoise = Callable[[Sequence[str]], AnyDenoiser]


def right_captions(
    denoise: Denoise, images: ImageSet, device: DeviceName = "cpu", seed: int = 0, at_once: int = 256
) -> Bool[np.ndarray, " N"]:
    """Return for up to 200 images whether their own caption leads to the lowest error among ten.

    The other nine are captions of other images, of the same class if it has so many. The error is that of the noise,
    at 8 evenly spaced timesteps, with the same noise for all captions.

    Raises:
        NevoaError: there are fewer than ten captions.
    """
    chosen, offered, own = offers(images, seed)
    x_0, each = to_unit(images.images[chosen]), max(1, at_once // CAPTIONS)
    parts = [slice(first, first + each) for first in range(0, len(x_0), each)]
    found = [_errors(denoise, x_0[part].to(device), offered[part], seed, part.start).argmin(1) for part in parts]
    return np.concatenate(found) == own


def check_captions(images: ImageSet) -> None:
    """Raise a NevoaError if images have too few different captions to tell that of each from nine others."""
    captions = [of for of in images.captions if of]
    different = {of[0] for of in captions}
    if not captions or min(len(different) - len(different.intersection(of)) for of in captions) < CAPTIONS - 1:
        raise NevoaError(
            f"Each caption is compared with {CAPTIONS - 1} others, and the held-out images of {images.name} have "
            "fewer: hold out more images with different captions."
        )


def offers(images: ImageSet, seed: int) -> tuple[Indices, list[list[str]], Indices]:
    """Return some images with captions, ten captions for each, and the place of its own among them, which is random."""
    check_captions(images)
    rng, captions = generator(seed, Stream.EVALUATION, 8), images.captions
    described = np.array([index for index, of in enumerate(captions) if of], np.int64)
    chosen = np.sort(rng.permutation(described)[:IMAGES])
    offered, own = [], []
    for index in chosen.tolist():
        alike = described[images.labels[described] == images.labels[index]]
        pools = ({captions[other][0]: None for other in of.tolist()} for of in (alike, described))
        others = next(pool for one in pools if len(pool := [*(one.keys() - {*captions[index]})]) >= CAPTIONS - 1)
        ten = rng.choice(np.array(sorted(others), object), CAPTIONS - 1, replace=False).tolist()
        place = int(rng.integers(CAPTIONS))
        offered.append([*ten[:place], captions[index][0], *ten[place:]])
        own.append(place)
    return chosen, offered, np.array(own, np.int64)


@torch.no_grad()
def _errors(
    denoise: Denoise, x_0: Tensor, offered: Sequence[Sequence[str]], seed: int, first: int
) -> Float64[np.ndarray, "N ten"]:
    """The mean error of the noise of each image with each of its captions."""
    denoiser = denoise([caption for ten in offered for caption in ten])
    timesteps = 1 + ((np.arange(LEVELS) + 0.5) / LEVELS * steps_of(denoiser.process.schedule)).astype(np.int64)
    rng, errors = generator(seed, Stream.EVALUATION, 9 + first), torch.zeros(len(x_0), CAPTIONS, dtype=torch.float64)
    for t in timesteps.tolist():
        epsilon = torch.from_numpy(rng.standard_normal(x_0.shape, np.float32)).to(x_0.device)
        clean, noise = (each.repeat_interleave(CAPTIONS, 0) for each in (x_0, epsilon))
        at = torch.full((len(clean),), t, device=x_0.device)
        estimate = denoiser(denoiser.process.forward(clean, at, noise), at)
        errors += ((estimate.epsilon - noise) ** 2).flatten(1).mean(1).unflatten(0, (-1, CAPTIONS)).double().cpu()
    return errors.numpy()
