"""`nevoa noise`: show the forward process."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.types import NonNegativeInt

from nevoa.cli.loading import load_torch
from nevoa.cli.options import Force, Names, Out, Plugin, Size, names_of, options_named
from nevoa.config.registry import SCHEDULES
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    import numpy as np

    from nevoa.diffusion import Schedule

    Schedules = Mapping[str, Schedule]

SIDE, SHOWN, FRAMES = 128, 10, 61
SCHEDULE_HELP = Parameter(help=f"Noise schedules, separated by commas: {', '.join(SCHEDULES.own)}.")


def noise(
    image: str,
    /,
    *,
    schedule: Annotated[Names, SCHEDULE_HELP] = ("linear",),
    at: Names = (),
    size: Size = None,
    seed: NonNegativeInt = 0,
    plugin: Plugin = (),
    out: Out = None,
    force: Force = False,
) -> None:
    """Draw an image with more and more noise: samples of q(x_t | x_0), in a row for each schedule.

    Below them are the curves of alpha_bar, the share of the image that is left, and of the ratio of signal to noise.

    Args:
        image: A picture file, or SOURCE:INDEX, such as shapes:7.
        at: Timesteps from 0 (the image) to the last one of the schedule, separated by commas; for a picture.
            [default: ten, closest together where the image changes most]
        size: Resize and crop to this size, keeping proportions. [default: 128 for a file, else the image's own]
        seed: Seed of the noise.
        out: Name of the result: x.png, or x.gif, x.mp4, x.webm or x.html for an animation from t = 0 to T. [default:
            noise.png, then noise-2.png and so on]
    """
    from nevoa._util.claim import claimed, numbered
    from nevoa.cli.output import check_outside

    check_outside(image.rpartition(":")[0], out or Path("noise.png"))
    moving = _is_animation(out, at)
    names, pixels = [SCHEDULES.checked(name) for name in names_of(schedule)], _pixels(image, size)
    load_torch()
    from nevoa.diffusion import named_schedule
    from nevoa.forward import noised

    schedules = {name: named_schedule(name) for name in names}
    timesteps = _timesteps(at, schedules, moving)
    with claimed([out] if out else numbered("noise.png"), force) as claim:
        tiles = noised(pixels, list(schedules.values()), timesteps, seed)
        (_animate if moving else _draw)(claim.temporary, tiles, schedules, timesteps)
    print(f"{len(timesteps)} timesteps, {', '.join(schedules)} schedule{'s' * (len(schedules) > 1)}: {claim.path}")


def _is_animation(out: Path | None, at: Sequence[str]) -> bool:
    """Whether the result is an animation, which can be saved here, and not a picture."""
    from nevoa.cli.output import ANIMATIONS
    from nevoa.pictures import check_can_save

    kind = out.suffix.lower() if out else ".png"
    if kind not in (".png", *ANIMATIONS):
        raise NevoaError(f"--out is a picture or an animation: choose a name in .png or .gif, not {out}.")
    if kind not in ANIMATIONS:
        return False
    if at:
        raise NevoaError("--at is for a picture; an animation goes from t = 0 to T: leave it out.")
    check_can_save(kind)
    return True


def _animate(path: Path, tiles: "np.ndarray", schedules: "Schedules", timesteps: Sequence[int]) -> None:
    """Save a frame for each timestep: the image under each schedule, side by side."""
    from nevoa.pictures import enlargement, save_animation, titled_grid

    # One sheet, so that all titles have the same size; a frame is a row of it.
    titles = [f"{name}, t = {t}" for t in timesteps for name in schedules]
    images = tiles.swapaxes(0, 1).reshape(-1, *tiles.shape[2:])
    sheet = titled_grid(images, titles, len(schedules), enlargement(images[:1], SIDE))
    height = sheet.height // len(timesteps)
    save_animation([sheet.crop((0, top, sheet.width, top + height)) for top in range(0, sheet.height, height)], path)


def _draw(path: Path, tiles: "np.ndarray", schedules: "Schedules", timesteps: Sequence[int]) -> None:
    """Save a row for each schedule, and the curves of all below."""
    from nevoa.pictures import above, enlargement, named_rows, schedule_curves, titled_grid

    titles = [f"t = {t}" for _ in schedules for t in timesteps]
    images = tiles.reshape(-1, *tiles.shape[2:])
    sheet = titled_grid(images, titles, len(timesteps), enlargement(images[:1], SIDE))
    rows = named_rows(sheet, list(schedules))
    tables = {name: (one.signal.numpy(), one.noise.numpy()) for name, one in schedules.items()}
    above(rows, schedule_curves(tables, rows.width)).save(path)


def _timesteps(at: Sequence[str], schedules: "Schedules", moving: bool) -> list[int]:
    """The timesteps of the frames, or of a picture: those in `at`, or telling ones."""
    from nevoa.diffusion import steps_of
    from nevoa.forward import telling

    steps = steps_of(next(iter(schedules.values())))
    if moving:
        return [round(steps * frame / (FRAMES - 1)) for frame in range(FRAMES)]
    if not at:
        return telling(list(schedules.values()), SHOWN)
    try:
        timesteps = [int(part) for part in ",".join(at).split(",")]
    except ValueError as error:
        raise NevoaError(f"--at is a list of whole numbers such as 0,100,1000, not '{','.join(at)}'.") from error
    for t in timesteps:
        if not 0 <= t <= steps:
            raise NevoaError(f"--at {t} is not a timestep: timesteps are 0 to {steps}.")
    return timesteps


def _pixels(image: str, size: str | None) -> "np.ndarray":
    from nevoa.config import parse
    from nevoa.data import CATALOG, fitted, image_at, picture_of, pixels_of, read_image, sides_of

    with options_named({"size": size}):
        sides, path = sides_of(parse({"data": {"size": size}}).data), Path(image)
    pixels = None if path.exists() else image_at(image)
    if pixels is None:
        if image.strip() and (path.is_dir() or image in CATALOG):
            first = shlex.quote(f"{image}:0")
            raise NevoaError(f"{image} holds many images: name one of them, such as {first}, the first.")
        if not path.is_file():
            raise NevoaError(f"There is no picture '{image}'. Give a file, or SOURCE:INDEX, such as shapes:7.")
        return pixels_of(fitted(read_image(path), sides or (SIDE, SIDE)))
    return pixels_of(fitted(picture_of(pixels), sides)) if sides else pixels
