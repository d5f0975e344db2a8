"""Models that start from images instead of pure noise: variations, in-painting and interpolation.

Each function returns a model, which makes images like any other. A model with classes works without them unless labels
are given.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Bool, Float
from PIL import Image
from torch import Tensor

from nevoa._util.arguments import share, whole
from nevoa.config import ModelPlan
from nevoa.data import Picture, fitted, opened, pixels_of, to_unit
from nevoa.diffusion import Guided
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.sampling import DDPM, State, trajectory
from nevoa.sampling.editing import Inpainting, inverted, slerp, varied
from nevoa.sampling.start import Process, Start, from_noise

MOST_FRAMES = 10_000
# RePaint draws each step ten times, so few steps are enough; more made the halves of clothes no more alike.
INPAINTING_STEPS = 10
# Images of the packaged model come back from their noise with a mean error of 3.4 of 255; in 50 steps 11, in 100 5.7.
INTERPOLATION_STEPS = 200
# A mask is white from here on.
HALF = 128


def variations(model: Model, image: Picture, strength: float = 0.6) -> Model:
    """Return a model that makes variations of an image (SDEdit, Meng et al. 2022).

    Args:
        image: a file, a PIL image or uint8 `[H, W]` or `[H, W, C]`; resized and cropped to the model's images.
        strength: above 0 to 1. Little keeps the image, 1 keeps hardly anything.

    Example:
        >>> images = variations(model, "photo.png", strength=0.5).sample(8)
    """
    x_0 = _unit(model, image)

    def start(process: Process) -> Iterator[State]:
        images = x_0.to(process.noise.device).expand(process.count, *model.shape)
        return varied(process.denoiser, process.sampler, images, process.grid, process.noise)

    return replace(model, start=Start(start, share("strength", strength), all_classes=False))


def inpainting(model: Model, image: Picture, mask: Picture) -> Model:
    """Return a model that paints the masked part of an image anew and keeps the rest (RePaint, Lugmayr et al. 2022).

    Args:
        image: as in `variations`.
        mask: of the size of the image, or bool `[H, W]`: white (above half) where it is painted anew, black or
            transparent where it stays.

    Raises:
        NevoaError: the mask has another size, a file is no image, or the model was distilled.

    Example:
        >>> images = inpainting(model, "photo.png", "mask.png").sample(8)
    """
    _refuse_distilled(model)
    painted, masked = opened(image, model.plan.data.background), opened(mask, background="black")
    if painted.size != masked.size:
        sizes = [f"{one.width}x{one.height}" for one in (masked, painted)]
        raise NevoaError(f"The mask is {sizes[0]} pixels and the image {sizes[1]}: give a mask of the image's size.")
    x_0, known = _unit(model, painted), _known(model, masked)

    def start(process: Process) -> Iterator[State]:
        device = process.noise.device
        return from_noise(replace(process, sampler=Inpainting(process.sampler, x_0.to(device), known.to(device))))

    plan = _with_sampling(model, sampler="ddpm", steps=INPAINTING_STEPS)
    return replace(model, plan=plan, start=Start(start, all_classes=False))


def interpolation(model: Model, first: Picture, last: Picture, frames: int = 9) -> Model:
    """Return a model whose images 0 to `frames - 1` lead from one image to another.

    DDIM, run backwards, finds the noise of both images; the images between come from the noise on the arc between these
    (Song et al. 2021, section 5.3). A model with classes works without them here.

    Args:
        first, last: as in `variations`.
        frames: 2 or more; sample as many images.

    Raises:
        NevoaError: also while sampling, if the sampler adds noise of its own.

    Example:
        >>> images = interpolation(model, "a.png", "b.png", frames=9).sample(9)
    """
    _refuse_distilled(model)
    count = whole("frames", frames, 2, MOST_FRAMES)
    ends = torch.stack([_unit(model, first), _unit(model, last)])
    plan = _with_sampling(model, sampler="euler", steps=INTERPOLATION_STEPS, clip=False, guidance=1.0, autoguidance=1.0)

    def refused() -> Tensor:
        raise NevoaError("To interpolate, the sampler must add no noise: use euler, dpm_solver or heun.")

    def start(process: Process) -> Iterator[State]:
        denoiser = process.denoiser
        if isinstance(denoiser, Guided):
            raise NevoaError(
                "An interpolation has what its two images show: leave out the labels, the prompt and all else that is "
                "asked."
            )
        if isinstance(process.sampler, DDPM) or getattr(process.sampler, "eta", 0):
            refused()
        shares = shares_of(process, count, "interpolation")
        a, b = inverted(denoiser, ends.to(process.noise.device), process.grid)
        x_T = torch.stack([slerp(a, b, share) for share in shares])
        yield from trajectory(denoiser, process.sampler, x_T, process.grid, refused)

    return replace(model, plan=plan, start=Start(start, all_classes=False))


def shares_of(process: Process, frames: int, function: str) -> list[float]:
    """The share of the last of so many frames in each image of a process, from 0 to 1.

    A NevoaError if more images are asked for than `function` has frames.
    """
    if (asked := process.first + process.count) > frames:
        raise NevoaError(
            f"This {function} has {frames} frames, and you asked for {asked} images: pass frames={asked} to "
            f"{function}(), or sample fewer."
        )
    return [n / (frames - 1) for n in range(process.first, asked)]


def _refuse_distilled(model: Model) -> None:
    """A NevoaError if the model cannot take the small steps that editing takes."""
    if model.plan.distilled_from:
        raise NevoaError(
            "This model was distilled to make images in a few steps, and editing takes many: use its teacher, "
            f"{model.plan.distilled_from}."
        )


def _with_sampling(model: Model, steps: int, **values: Any) -> ModelPlan:
    """The model's plan with other sampling options by default."""
    steps = min(steps, model.plan.diffusion.timesteps)
    sampling = model.plan.sampling.model_copy(update={"steps": steps, "spacing": "trailing", "eta": 0.0, **values})
    return model.plan.model_copy(update={"sampling": sampling})


def _unit(model: Model, picture: Picture) -> Float[Tensor, "C H W"]:
    """The picture as x_0 of the model's shape."""
    channels, *size = model.shape
    image = fitted(opened(picture, model.plan.data.background), (size[0], size[1]))
    return to_unit(pixels_of(image, channels)[None])[0]


def _known(model: Model, mask: Image.Image) -> Bool[Tensor, "1 H W"]:
    """True where the image stays."""
    _, height, width = model.shape
    known = torch.from_numpy(pixels_of(fitted(mask, (height, width)), 1)[:, :, 0] < HALF)
    if bool(known.all()):
        what = "no white part"
        if (pixels_of(mask, 1) >= HALF).any():
            what = f"no white part in its middle, to which nevoa crops it for images of {width}x{height}"
        raise NevoaError(
            f"The mask has {what}, so nothing would be painted: make it white where the image is to change."
        )
    return known[None]
