"""Show the forward process on one picture."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, SupportsIndex

from nevoa._util.arguments import one_or_more, whole
from nevoa._util.reserve import numbered, reserve_output
from nevoa.commands.output import ANIMATIONS
from nevoa.commands.written import PathLike, Written, check_outside, output_path
from nevoa.config.registry import SCHEDULES
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import UInt8

    from nevoa.data import Size
    from nevoa.diffusion import Schedule

    Schedules = Mapping[str, Schedule]

SIDE, SHOWN, FRAMES = 128, 10, 61


def noise(
    image: PathLike,
    *,
    schedule: str | Sequence[str] = "linear",
    at: "str | SupportsIndex | Sequence[str | SupportsIndex]" = (),
    size: "str | int | Size | None" = None,
    seed: int = 0,
    out: PathLike | None = None,
    force: bool = False,
) -> Written:
    """Draw an image with more and more noise: samples of q(x_t | x_0), in a row for each schedule.

    Below them are the curves of alpha_bar, the share of the image that is left, and of the ratio of signal to noise.

    Args:
        image: A picture file, or SOURCE:INDEX, such as shapes:7.
        schedule: Noise schedules, separated by commas.
        at: Timesteps from 0 (the image) to the last one of the schedule, separated by commas; for a picture.
            [default: ten, closest together where the image changes most]
        size: Resize and crop to this size, keeping proportions. [default: 128 for a file, else the image's own]
        seed: Seed of the noise.
        out: Name of the result: x.png, or x.gif, x.mp4, x.webm or x.html for an animation from t = 0 to T. [default:
            noise.png, then noise-2.png and so on]
        force: Replace the file that --out names.

    Example:
        >>> print(nevoa.noise("photo.png", at=[0, 100, 1000], out="noisy.png"))
        3 timesteps, linear schedule: noisy.png
    """
    path, wanted = output_path(out), one_or_more(at)
    check_outside(str(image).rpartition(":")[0], path or Path("noise.png"))
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    moving = _is_animation(path, bool(wanted))
    names = _names(schedule)
    pixels = _pixels(str(image), size)
    from nevoa.diffusion import named_schedule

    schedules = {name: named_schedule(name) for name in names}
    timesteps = _timesteps(wanted, schedules, moving)
    with reserve_output([path] if path else numbered("noise.png"), force and path is not None) as reserved:
        tiles = noised(pixels, list(schedules.values()), timesteps, seed)
        (_animate if moving else _draw)(reserved.temporary, tiles, schedules, timesteps)
    about = f"{len(timesteps)} timesteps, {', '.join(schedules)} schedule{'s' * (len(schedules) > 1)}"
    return Written(reserved.path, about)


def noised(
    pixels: "UInt8[np.ndarray, 'H W C']", schedules: "Sequence[Schedule]", timesteps: Sequence[int], seed: int = 0
) -> "UInt8[np.ndarray, 'schedule t H W C']":
    """Return x_t of each schedule at each timestep.

    The noise is the same everywhere, so that only its share differs.

    Example:
        >>> noised(images[0], [schedule], [0, 500, 1000]).shape
        (1, 3, 28, 28, 1)
    """
    import numpy as np
    import torch

    from nevoa._util.random import Stream, generator
    from nevoa.data import to_bytes, to_unit
    from nevoa.diffusion import GaussianProcess

    x_0 = to_unit(pixels[None]).repeat(len(timesteps), 1, 1, 1)
    rng = generator(whole("seed", seed), Stream.PICTURE, 0)
    epsilon = torch.from_numpy(rng.standard_normal(x_0.shape[1:], dtype=np.float32))
    t = torch.tensor(timesteps)
    return np.stack([to_bytes(GaussianProcess(one).forward(x_0, t, epsilon.expand_as(x_0))) for one in schedules])


def equal_changes(schedules: "Sequence[Schedule]", count: int) -> list[int]:
    """Return timesteps between which the images change equally.

    They are even steps of arctan(noise / signal), the mean of the schedules. Where `signal² + noise² = 1`, x_t moves
    along a quarter of a circle from x_0 to epsilon, and this is its angle.
    """
    import numpy as np

    angles = np.mean([np.arctan2(one.noise.numpy(), one.signal.numpy()) for one in schedules], axis=0)
    wanted = np.linspace(0, angles[-1], count)
    return np.interp(wanted, angles, np.arange(len(angles))).round().astype(int).tolist()


def _names(schedule: str | Sequence[str]) -> list[str]:
    """The names of the schedules, each once."""
    from nevoa.data.names import names_of

    names = [SCHEDULES.checked(name) for name in dict.fromkeys(names_of(schedule))]
    if not names:
        raise NevoaError("There is no schedule to draw: name one, such as linear.")
    return names


def _is_animation(out: Path | None, has_timesteps: bool) -> bool:
    """Whether the result is an animation, which can be saved here, and not a picture."""
    from nevoa.pictures import check_can_save

    kind = out.suffix.lower() if out else ".png"
    if kind not in (".png", *ANIMATIONS):
        raise NevoaError(f"--out must be a picture or an animation: choose a name in .png or .gif, not {out}.")
    if kind not in ANIMATIONS:
        return False
    if has_timesteps:
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


def _timesteps(at: Sequence[str | int], schedules: "Schedules", moving: bool) -> list[int]:
    """The timesteps of the frames, or of a picture: those in `at`, or those between which the images change equally."""
    from nevoa.diffusion import steps_of

    steps = steps_of(next(iter(schedules.values())))
    if moving:
        return [round(steps * frame / (FRAMES - 1)) for frame in range(FRAMES)]
    if not at:
        return equal_changes(list(schedules.values()), SHOWN)
    text = ",".join(map(str, at))
    try:
        timesteps = [int(part) for part in text.split(",")]
    except ValueError as error:
        raise NevoaError(f"--at must be a list of whole numbers such as 0,100,1000, not '{text}'.") from error
    for t in timesteps:
        if not 0 <= t <= steps:
            raise NevoaError(f"--at {t} is not a timestep: timesteps are 0 to {steps}.")
    return timesteps


def _pixels(image: str, size: "str | int | Size | None") -> "np.ndarray":
    from nevoa.config import parse
    from nevoa.data import CATALOG, fitted, image_at, picture_of, pixels_of, read_image, sides_of

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
