"""Models that enlarge pictures: those of another model, or one of any size."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
from jaxtyping import UInt8
from torch import Tensor

from nevoa.conditions import CLASS, conditions_of
from nevoa.conditions.picture import Downscaled
from nevoa.data import WHITE, Picture, Size, labels_of, opened, pixels_of, size_in_words, to_bytes
from nevoa.data.decode import MOST_PIXELS
from nevoa.diffusion import AnyDenoiser, GaussianProcess, Window, Windowed, spans
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.sampling import ImageNoise, SamplingOptions, State, asked_in, last, trajectory
from nevoa.sampling.start import Process, Start, from_noise


def cascade(small: Model, large: Model, **options: Unpack[SamplingOptions]) -> Model:
    """Return a model that enlarges the images of another one (cascaded diffusion, Ho et al. 2021).

    Image n is what `large` makes of image n of `small`, with the same seed.

    Args:
        small: makes the pictures.
        large: was trained with `--condition downscaled:N`, on images N times as large.
        options: of the small model. What its images are asked to be, the large one is asked, too, for each kind of
            condition that both know.

    Raises:
        NevoaError: the models do not go together, or one cannot be asked for the options.

    Example:
        >>> images = cascade(nevoa.load("runs/clothes"), nevoa.load("runs/large"), labels="Dress").sample(8)
    """
    name, kind = _enlarger(large)
    if (needed := (large.shape[0], *kind.small)) != small.shape:
        height, width = kind.small
        raise NevoaError(
            f"{_named(large)} enlarges images of {size_in_words(*needed)}, and {_named(small)} makes images of "
            f"{size_in_words(*small.shape)}: choose models that fit, such as one that was trained with "
            f"--size {height}x{width} --channels {large.shape[0]}."
        )
    small.settings(**options)
    small.condition(1, **options)
    shared = _shared(small, large, name, options)

    def start(process: Process) -> Iterator[State]:
        maker = small.to(process.noise.device)
        made = to_bytes(last(maker.trajectory(process.count, process.noise.seed, process.first, **options)).x_t)
        # Pictures come in turn from image 0 on, and the first one here is that of another image.
        pictures = {name: np.roll(made, process.first, axis=0)}
        return from_noise(replace(process, options=_with(process.options, shared | pictures)))

    return replace(large, start=Start(start, all_classes=False))


def upscaling(model: Model, picture: Picture) -> Model:
    """Return a model that enlarges a picture of any size, N times.

    It enlarges overlapping windows of the picture, each of the size of its own images, and blends what it estimates
    of them in each step (`nevoa.diffusion.Windowed`). A picture smaller than a window is mirrored at its edges, and
    the result cropped.

    Args:
        model: was trained with `--condition downscaled:N`.
        picture: a file, a PIL image or uint8 `[H, W]` or `[H, W, C]`. Transparent pixels become white.

    Raises:
        NevoaError: the model was trained otherwise; or the result would have more than 64 million pixels.

    Example:
        >>> (enlarged,) = upscaling(nevoa.load("runs/large"), "photo.png").sample(1)
    """
    name, kind = _enlarger(model)
    factor, pixels = kind.plan.factor, pixels_of(opened(picture, WHITE), kind.colours)
    height, width = (factor * side for side in pixels.shape[:2])
    if height * width > MOST_PIXELS:
        raise NevoaError(
            f"Enlarged {factor} times, the picture would have {height * width / 1e6:,.0f} million pixels, and "
            f"{MOST_PIXELS / 1e6:.0f} million are the most: give a smaller one."
        )
    pixels = _mirrored(pixels, kind.small)
    sides = factor * pixels.shape[0], factor * pixels.shape[1]
    rows, columns = (spans(side, length, factor) for side, length in zip(sides, kind.size, strict=True))
    windows = [Window(above, beside) for above in rows for beside in columns]

    def start(process: Process) -> Iterator[State]:
        device = process.noise.device
        maker = model.to(device)
        _check_one_of_each(model, process.options)

        def denoiser(some: Sequence[Window]) -> AnyDenoiser:
            parts = [_part(pixels, window, factor) for window in some]
            return maker.asked(process.count * len(some), **_with(process.options, {name: parts}))

        def cropped(x: Tensor) -> Tensor:
            return x[..., :height, :width]

        noise = ImageNoise(process.noise.seed, process.first, process.count, (model.shape[0], *sides), device)
        windowed = Windowed(GaussianProcess(model.schedule), windows, denoiser, model.images_at_once)
        grid = maker.timesteps(maker.settings(**process.options))  # that of a window, which the model has learned
        for state in trajectory(windowed, process.sampler, noise(), grid, noise):
            yield State(cropped(state.x_t), state.t, cropped(state.x_0_hat))

    return replace(model, shape=(model.shape[0], height, width), start=Start(start, all_classes=False))


def _enlarger(model: Model) -> tuple[str, Downscaled]:
    """The condition by which a model enlarges. A NevoaError if it has none."""
    for name, kind in conditions_of(model.plan).kinds.items():
        if isinstance(kind, Downscaled):
            return name, kind
    raise NevoaError(
        f"{_named(model)} cannot enlarge pictures: use one that was trained with --condition downscaled:N."
    )


def _named(model: Model) -> str:
    return model.place or "This model"


def _shared(small: Model, large: Model, picture: str, options: SamplingOptions) -> dict[str, Any]:
    """Return the conditions of the small model that the large one knows, too."""
    asked = asked_in(small.plan, options)
    all_classes = not asked and not small.plan.conditions and small.classes and small.start.all_classes
    if CLASS in asked or all_classes:  # by name: the large model may have them in another order
        asked[CLASS] = [small.classes[label] for label in labels_of(small.classes, asked.get(CLASS))]
    shared = {kind: value for kind, value in asked.items() if kind in large.plan.kinds and kind != picture}
    try:
        large.condition(1, condition=shared)
    except NevoaError as error:
        raise NevoaError(f"{_named(large)} is asked for the same: {error}") from error
    return shared


def _with(options: SamplingOptions, conditions: Mapping[str, Any]) -> SamplingOptions:
    """The options with conditions besides. A NevoaError if one is asked for already."""
    others = options.get("condition") or {}
    if twice := " and ".join(others.keys() & conditions.keys()):
        raise NevoaError(f"The model that enlarges is asked for {twice} already: leave that out.")
    return {**options, "condition": {**others, **conditions}}


def _check_one_of_each(model: Model, options: SamplingOptions) -> None:
    """Raise a NevoaError if several things are asked in turn: windows would get different ones."""
    conditions = conditions_of(model.plan)
    for kind, value in asked_in(model.plan, options).items():
        if len(conditions.asked(kind, value)) > 1:
            raise NevoaError(f"A picture is enlarged with one {kind}: give one.")


def _mirrored(pixels: UInt8[np.ndarray, "h w C"], least: Size) -> UInt8[np.ndarray, "H W C"]:
    """Pixels of at least a size, mirrored at the right and at the bottom."""
    missing = [(0, max(0, side - now)) for side, now in zip(least, pixels.shape[:2], strict=True)]
    return np.pad(pixels, (*missing, (0, 0)), "reflect")


def _part(pixels: UInt8[np.ndarray, "H W C"], window: Window, factor: int) -> UInt8[np.ndarray, "h w C"]:
    """The part of a picture that a window shows enlarged."""
    rows, columns = (slice(span.pixels.start // factor, span.pixels.stop // factor) for span in window)
    return pixels[rows, columns]
