"""`nevoa sample`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.types import NonNegativeInt, PositiveInt

from nevoa.cli.options import Names, Out, SamplerFlags, Size, options_named
from nevoa.cli.processes import ProcessFlags
from nevoa.commands.sample import SampleOptions


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ResultFlags:
    """The result.

    Attributes:
        trajectory: Draw each image as a row of K states, from noise to image.
        out: Name of the result: x.png for a grid, x.npy for an array uint8 [N, H, W, C], x for a folder of PNGs; x.gif,
            x.mp4, x.webm or x.html for an animation from noise to images. [default: RUN/images/0001.png, then 0002.png
            and so on; without a run images.png, then images-2.png and so on]
        force: Replace the file that --out names.
    """

    trajectory: Annotated[int | None, Parameter(metavar="K")] = None
    out: Out = None
    force: bool = False


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ChoiceFlags:
    """Which images to make.

    Attributes:
        count: Number of images. [default: 64, or up to 8 of each class; with --trajectory 8, or one of each class; from
            an image 8; with --prompt 1]
        label: Classes to make in turn, by name or index, separated by commas; quote a name that contains a comma. A
            picture groups the images by class and names each class. [default: all]
        seed: Seed of the noise. With the same seed, image n is the same for any --count.
    """

    count: PositiveInt | None = None
    label: Names = ()
    seed: NonNegativeInt = 0


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class StartFlags:
    __doc__ = SampleOptions.__doc__

    from_: Annotated[Path | None, Parameter(name="--from")] = None
    strength: float | None = None
    inpaint: Path | None = None
    mask: Path | None = None
    interpolate: tuple[Path, Path] | None = None
    frames: int | None = None
    prompt: str | None = None
    size: Size = None


def sample(
    run: str | None = None,
    /,
    *,
    images: ChoiceFlags = ChoiceFlags(),
    start: StartFlags = StartFlags(),
    sampling: SamplerFlags = SamplerFlags(),
    processes: ProcessFlags = ProcessFlags(),
    result: ResultFlags = ResultFlags(),
) -> None:
    """Make new images with a trained model.

    Args:
        run: Run folder, folder of diffusers, or hf:OWNER/NAME. [default: a model of clothes that comes with nevoa]
    """
    from nevoa.commands.sample import sample

    given = sampling.keywords()
    processes.start()
    with options_named(given):
        print(sample(run, **vars(images), **vars(start), **vars(result), **given))
