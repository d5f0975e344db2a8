"""Images that lead from one prompt to another."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from nevoa._util.arguments import Spoken, whole
from nevoa.commands.from_images import MOST_FRAMES, shares_of
from nevoa.conditions import conditions_of
from nevoa.diffusion import AnyDenoiser, Blended
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.sampling import ImageNoise, State, asked_in, trajectory
from nevoa.sampling.start import Process, Start


def blending(model: Model, first: Spoken, last: Spoken, frames: int = 9) -> Model:
    """Return a model whose images 0 to `frames - 1` lead from one prompt to another, out of the same noise.

    Image i follows `(1 - a) D(first) + a D(last)`, where `a = i / (frames - 1)`: at each level of noise the geometric
    mean of both densities, not their mixture (`nevoa.diffusion.Blended`). At the ends this is image 0 of each prompt.

    Args:
        first, last: prompts, for a model that takes prompts, else tags, else classes.
        frames: 2 or more; sample as many images.

    Raises:
        NevoaError: the model knows none of these, or was distilled; and while sampling, if a prompt is given, too.

    Example:
        >>> images = blending(nevoa.load(), "Bag", "Dress", frames=9).sample(9)
    """
    count, kind = whole("frames", frames, 2, MOST_FRAMES), _kind(model)
    conditions_of(model.plan).asked(kind, [first, last])

    def start(process: Process) -> Iterator[State]:
        others = {**(process.options.get("condition") or {})}
        if kind in asked_in(model.plan, process.options):
            raise NevoaError(f"A blend has a {kind} at each end: leave out the third.")

        def asked(end: Spoken) -> AnyDenoiser:
            return process.asked({**process.options, "condition": {**others, kind: [end]}})

        def same_noise() -> Tensor:
            return noise().repeat(process.count, 1, 1, 1)

        noise = ImageNoise(process.noise.seed, 0, 1, model.shape, process.noise.device)
        shares = torch.tensor(shares_of(process, count, "blending"))
        denoiser = Blended(asked(first), asked(last), shares)
        return trajectory(denoiser, process.sampler, same_noise(), process.grid, same_noise)

    return replace(model, start=Start(start, all_classes=False))


def _kind(model: Model) -> str:
    """The kind of both ends. A NevoaError if the model cannot blend."""
    if model.plan.distilled_from:
        raise NevoaError(
            "This model was distilled to make images in a few large steps, which do not add up to a blend: use its "
            f"teacher, {model.plan.distilled_from}."
        )
    if model.plan.spoken is None:
        known = " and ".join(model.plan.kinds) or "no conditions"
        raise NevoaError(f"A blend has two prompts, lists of tags or classes, and this model knows {known}.")
    return model.plan.spoken
