"""Make images with a model, and write them as they are made."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from math import lcm
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from nevoa._util.arguments import Classes, Spoken, counted, one_or_more, whole
from nevoa._util.reserve import Reservation, check_free, numbered, reserve_output
from nevoa.commands.batches import sampled, sampling_steps
from nevoa.commands.opening import BETWEEN, FRAMES, OTHERS, STARTS, opened
from nevoa.commands.output import MOST_TILES, Output
from nevoa.commands.written import PathLike, Written, check_outside, output_path
from nevoa.config.options import SamplerOptions, given
from nevoa.errors import NevoaError, reason
from nevoa.parallel.environment import rank

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import numpy as np

    from nevoa.commands.opening import AnyModel
    from nevoa.data import Picture, Size
    from nevoa.model import Model

DEFAULT_SIDE = 8
# Images of text-to-image models take long.
PROMPTED_COUNT = 1
# With many classes, a grid shows fewer images of each, and a trajectory not all classes.
MOST_ROWS = 20


class SampleOptions(SamplerOptions, total=False):
    """Options of `sample` besides those of sampling: images that start from others, or that a text describes.

    A model with classes works without them when it starts from images, unless labels are given.

    Attributes:
        from_: Make variations of this image.
        strength: How far variations may differ: near 0 keeps the image, 1 keeps hardly anything. [default: 0.6]
        inpaint: Paint a part of this image anew, and keep the rest.
        mask: Which part of --inpaint: white is painted anew, black is kept.
        interpolate: Lead from the first of these two images to the second; the same for any --seed.
        blend: Lead from the first of these two prompts to the second, out of the same noise; for a model without
            prompts, two lists of tags or two classes.
        frames: Number of images from one to the other. [default: 9]
        prompt: What the images show, in words, for a model that learned from captions or a text-to-image pipeline of
            diffusers; may be repeated: the prompts come in turn. @FILE reads one prompt from each line of a file.
        not_: What the images do not show: a prompt or, for a model without prompts, tags or a class; needs a guidance
            above 1.
        tags: What the images show, as words with commas between, for a model of tags; may be repeated.
        picture: A file that the images are made from, for a model of pictures: a small photo for downscaled, a photo or
            drawing in gray or of white edges on black, an image whose missing part is transparent for masked; may be
            repeated: the pictures come in turn.
        numbers: A number that the images are asked to have, as in age=30; may be repeated.
        condition: What else the images are asked to be, for kinds of condition that a plugin registers; may be
            repeated.
        size: Size of the images of a text-to-image pipeline. [default: the pipeline's own]
        upscale: Enlarge the images with this run, of a model that was trained with --condition downscaled:N on images
            N times as large. It gets the classes, prompts and so on that it knows, and samples as it does by default.
    """

    from_: "Picture | None"
    strength: float | None
    inpaint: "Picture | None"
    mask: "Picture | None"
    interpolate: "tuple[Picture, Picture] | None"
    blend: tuple[Spoken, Spoken] | None
    frames: int | None
    prompt: str | Sequence[str] | None
    not_: Spoken | None
    tags: str | Sequence[str | Sequence[str]] | None
    picture: "Picture | Sequence[Picture] | None"
    numbers: Mapping[str, Any] | None
    condition: Mapping[str, Any] | None
    size: "str | int | Size | None"
    upscale: PathLike | None


def sample(
    run: PathLike | None = None,
    *,
    count: int | None = None,
    label: Classes | None = None,
    seed: int = 0,
    trajectory: int | None = None,
    out: PathLike | None = None,
    force: bool = False,
    **options: Unpack[SampleOptions],
) -> Written:
    """Make new images with a trained model.

    Args:
        run: Run folder, folder of diffusers, hf:OWNER/NAME, or avatars or emoji, models of prompts that come with
            nevoa.
            [default: a model of clothes that comes with nevoa]
        count: Number of images. [default: 64, or up to 8 of each class or prompt; with --trajectory 8, or one of each;
            from an image 8; by a text-to-image pipeline 1]
        label: Classes to make in turn, by name or index, separated by commas; quote a name that contains a comma. A
            picture groups the images by class and names each class. [default: all]
        seed: Seed of the noise. With the same seed, image n is the same for any --count.
        trajectory: Draw each image as a row of K states, from noise to image.
        out: Name of the result: x.png for a grid, x.npy for an array uint8 [N, H, W, C], x for a folder of PNGs; x.gif,
            x.mp4, x.webm or x.html for an animation from noise to images. [default: RUN/images/0001.png, then 0002.png
            and so on; without a run images.png, then images-2.png and so on]
        force: Replace the file that --out names.

    Example:
        >>> print(nevoa.sample("runs/clothes", count=4, out="four.png"))
        4 images of ..., dpm_solver, 4 steps: four.png
        >>> print(nevoa.sample("avatars", prompt=["red hair", "cabelo preto"], out="avatars.png"))
        16 images of red hair, cabelo preto in turn, by the model avatars of nevoa, dpm_solver, ... steps: avatars.png
    """
    path, typed = output_path(out), one_or_more(() if label is None else label)
    typed = typed if isinstance(typed, tuple) else (typed,)
    trajectory = None if trajectory is None else whole("trajectory", trajectory)
    prompts = _prompts(options.pop("prompt", None))
    output = Output(path or Path("images.png"), trajectory)
    if path:
        check_free(path, force)
    chosen = given(sample, options, SampleOptions)
    model = opened(run, typed, prompts, chosen)
    sampling = {name: value for name, value in chosen.items() if name in SamplerOptions.__annotations__}
    titles, asked = _asked(model, typed, prompts, chosen)
    total = _count(count, chosen, len(titles), trajectory is not None, prompted=not asked)
    _check_outside(model, run, path)
    how = {**sampling, **asked}
    steps, about = sampling_steps(model, how)
    about = f"{counted(total, 'image')}{_about(titles[:total], run)}, {about}"
    if "upscale" in chosen:
        model, how = _enlarged(model, chosen["upscale"], how), {}
        _check_outside(model, chosen["upscale"], path)
        steps, enlarged = sampling_steps(model, how)
        about = f"{about}, enlarged by {chosen['upscale']}, {enlarged}"
    output.check(total, steps, model.shape)
    batches = sampled(model, total, output.moments, steps, {**how, "seed": seed})
    return Written(_write(output, batches, total, titles, _reserved(run, path, force)), about)


def _enlarged(model: "AnyModel", upscale: PathLike, options: dict[str, Any]) -> "Model":
    """The model that enlarges the images of another."""
    from nevoa.commands.enlarging import cascade
    from nevoa.commands.load import load
    from nevoa.model import Model

    if not isinstance(model, Model):
        raise NevoaError("--upscale does not apply to a text-to-image pipeline: leave it out.")
    return cascade(model, load(upscale), **options)


def _prompts(given: Any) -> tuple[str, ...]:
    """The prompts, with the lines of a file for each @FILE."""
    from nevoa.data.sources.metadata import decoded

    prompts: list[str] = []
    for one in one_or_more(() if given is None else given):
        if not isinstance(one, str):
            raise NevoaError(f"A prompt must be a text, such as 'a red circle', not {one!r:.60}.")
        if not one.startswith("@"):
            prompts.append(one)
            continue
        if one == "@":
            raise NevoaError(
                "Write the name of a file after @: @prompts.txt are the prompts in prompts.txt, one a line."
            )
        try:
            lines = [line for line in decoded(Path(one[1:]).read_bytes()).splitlines() if line.strip()]
        except (OSError, ValueError) as error:
            raise NevoaError(f"Cannot read the prompts in {one[1:]}: {reason(error)}.") from error
        if not lines:
            raise NevoaError(f"There are no prompts in {one[1:]}: write one into each line.")
        prompts += lines
    return tuple(prompts)


def _asked(
    model: "AnyModel", typed: Sequence[Any], prompts: Sequence[str], chosen: Mapping[str, Any]
) -> tuple[Sequence[str], dict[str, Any]]:
    """Titles of the images, and what a model is asked for, as options of sampling. Pipelines have their prompt already.

    A NevoaError for what it cannot be asked for.
    """
    from nevoa.model import Model

    if not isinstance(model, Model):
        return (), {}
    others = {word: chosen[word] for word in OTHERS if word in chosen}
    labels = _labels(model.classes, typed, bool(prompts or others or chosen.keys() & STARTS))
    asked = {"labels": labels or None, "prompt": prompts or None, "not_": chosen.get("not_"), **others}
    model.condition(1, **asked)
    said = prompts or _tags(chosen.get("tags")) or [model.classes[label] for label in labels]
    return said or _numbers(chosen.get("numbers") or {}) or _files(chosen.get("picture")), asked


def _tags(tags: Any) -> list[str]:
    """The tags that images have in turn, such as red, hat."""
    return [one if isinstance(one, str) else ", ".join(one) for one in one_or_more(tags) or ()]


def _numbers(numbers: Mapping[str, Any]) -> list[str]:
    """The numbers that images have in turn, such as age=30."""
    given = {name: one_or_more(value) for name, value in numbers.items() if value is not None}
    several = {name: (one,) if isinstance(one, float) else one for name, one in given.items()}
    each = [[f"{name}={value}" for value in values] for name, values in several.items()]
    turns = lcm(*map(len, each)) if each else 0
    return [", ".join(of[turn % len(of)] for of in each) for turn in range(turns)]


def _files(pictures: Any) -> list[str]:
    """The names of pictures if all are files."""
    several = pictures if isinstance(pictures, tuple | list) else [pictures]
    return [Path(one).name for one in several] if all(isinstance(one, str | Path) for one in several) else []


def _labels(classes: Sequence[str], typed: Sequence[Any], unless: bool) -> Sequence[int]:
    """The labels of the classes named, else of all, unless something else says what to make.

    A whole text may be the name of one class.
    """
    from nevoa.data import labels_of
    from nevoa.data.names import names_of

    if not typed and unless:
        return []
    whole_names = (not isinstance(text, str) or text in classes for text in typed)
    split = [[text] if is_one else names_of(text) for text, is_one in zip(typed, whole_names, strict=True)]
    return labels_of(classes, [name for names in split for name in names] or None)


def _count(count: int | None, options: Mapping[str, Any], titles: int, trajectory: bool, prompted: bool) -> int:
    """How many images to make; few by a text-to-image pipeline, which is slow."""
    for name in BETWEEN:
        if name in options:
            if count is not None:
                raise NevoaError(f"--{name} makes as many images as it has frames: give --frames, not --count.")
            return options.get("frames", FRAMES)
    if count is not None:
        return whole("count", count, 1)
    if prompted:
        return PROMPTED_COUNT
    return DEFAULT_SIDE if options.keys() & STARTS else default_count(titles, trajectory)


def default_count(titles: int, trajectory: bool) -> int:
    """A row for each of several classes or prompts; otherwise a square grid."""
    if titles > 1:
        each = max(1, min(DEFAULT_SIDE, MOST_TILES // titles))
        return min(titles, MOST_ROWS) if trajectory else min(titles * each, MOST_TILES)
    return DEFAULT_SIDE if trajectory else DEFAULT_SIDE**2


def _check_outside(model: "AnyModel", run: PathLike | None, out: Path | None) -> None:
    """Raise a NevoaError if the result would become a training image of the model; images in its run would not."""
    from nevoa.model import Model

    if run and out and isinstance(model, Model) and not out.resolve().is_relative_to(Path(run).resolve()):
        check_outside(model.plan.data.source, out)


def _reserved(run: PathLike | None, out: Path | None, force: bool) -> "AbstractContextManager[Reservation]":
    """The place of the result: as named, else the next one in the run or in the current folder."""
    from nevoa.runs import Run

    default = Run(Path(run)).picture_names() if run and Run(Path(run)).exists else numbered("images.png")
    return reserve_output([out] if out else default, force and out is not None)


def _write(
    output: Output,
    batches: "Iterator[list[np.ndarray]]",
    total: int,
    classes: Sequence[str],
    reservation: "AbstractContextManager[Reservation]",
) -> Path:
    """Write the images as they are made. Of several processes the first writes."""
    from nevoa.parallel.group import process_group

    place, group = output.path, process_group()
    with group.sharing_errors():
        if rank():
            deque(batches, maxlen=0)
        else:
            with reservation as named:
                output.write(named.temporary, batches, total, classes)
            place = named.path
    return group.broadcast(lambda: place)


def _about(titles: Sequence[str], run: PathLike | None) -> str:
    """The classes or prompts, and a model of nevoa that is named: a folder of the same name might have been meant."""
    from nevoa.runs import is_packaged

    named = ", ".join(titles) if len(titles) <= MOST_ROWS else f"{len(titles)} classes or prompts"
    of = f" of {named}{' in turn' * (len(titles) > 1)}" if titles else ""
    return f"{of}, by the model {run} of nevoa" if run and is_packaged(run) else of
