"""Keyword options of functions. Their docstrings are also the help texts of the options of the same names.

Imports neither torch nor pydantic, so that `nevoa --help` waits for nothing.
"""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, Protocol, SupportsFloat, SupportsIndex, TypedDict

from nevoa._util.arguments import Classes
from nevoa.config.names import SpacingName, VarianceName
from nevoa.errors import unknown


class HasStep(Protocol):
    """Any object with a method `step`, as `nevoa.sampling.Sampler` describes it."""

    @property
    def step(self) -> Callable[..., Any]:
        """Make one step."""
        ...


class DataOptions(TypedDict, total=False):
    """Which images of a source to use, and how to prepare them; None means not given.

    Attributes:
        split: Split to use: train, test or another. [default: train]
        only: Use only these classes, by name or index, separated by commas: cat,dog. [default: all]
        limit: Use at most this many images, chosen at random but always the same.
        min_size: Leave out images with a side of fewer pixels than this.
        size: Resize to this size, 4 to 1024, keeping proportions. [default: the images' own; 64 if they differ or
            exceed 128]
        fit: Crop the edges of images of other proportions, or pad these images with the background. [default: crop]
        channels: 1 = gray, 3 = colour. [default: the images' own]
        background: Colour behind transparent pixels and around padded images: a name or #rrggbb. [default: white]
        strict: Fail if any image is unusable.
    """

    split: str | None
    only: Classes | None
    limit: SupportsIndex | None
    min_size: SupportsIndex | None
    size: SupportsIndex | str | tuple[SupportsIndex, SupportsIndex] | None
    fit: str | None
    channels: SupportsIndex | None
    background: str | None
    strict: bool | None


class SamplerOptions(TypedDict, total=False):
    """How a model makes images; None means as the model does by default. A sampler may also be an object with `step`.

    Attributes:
        sampler: Sampling method.
        steps: Sampling steps, each one network evaluation (two with heun). If another sampler is chosen, its own.
        spacing: How timesteps are spaced. If another sampler is chosen, trailing.
        variance: Variance of a ddpm step: beta_tilde (small) or beta (large).
        eta: Fresh noise in each ddim step: 0 = none, 1 = as much as ddpm.
        clip: Clip x_0 to [-1, 1] at every step.
        guidance: Weight of what is asked: 0 = ignore it, 1 = as in the data, more = exaggerate it. KIND=W, as in
            text=3, is the weight of one kind of several; may be repeated.
        autoguidance: Weight of the model against its guide, if it has one: 1 = the model alone, which is faster.
    """

    sampler: str | HasStep | None
    steps: SupportsIndex | None
    spacing: SpacingName | None
    variance: VarianceName | None
    eta: SupportsFloat | None
    clip: bool | None
    guidance: SupportsFloat | Mapping[str, SupportsFloat] | None
    autoguidance: SupportsFloat | None


def given(function: Callable[..., object], options: Mapping[str, Any], known: type) -> dict[str, Any]:
    """Return the keyword options of a function that are not None. A NevoaError for one that is not in `known`.

    Args:
        known: the TypedDict of the options; the function has keywords besides them.
    """
    for name in options:
        if name not in known.__annotations__:
            parameters = signature(function).parameters.values()
            own = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]
            raise unknown("keyword", name, [*own, *known.__annotations__])
    return {name: value for name, value in options.items() if value is not None}
