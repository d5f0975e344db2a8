"""Write images as they are made: a grid, an array, an animation or a folder."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nevoa.errors import NevoaError, unknown

if TYPE_CHECKING:
    import numpy as np

    Batches = Iterable[list[np.ndarray]]

ANIMATIONS = (".gif", ".mp4", ".webm", ".html")
SUFFIXES = (".png", ".npy", *ANIMATIONS)
# Images of a trajectory or an animation, and the frames of an animation.
MOST_TILES, FRAMES = 256, 60
LARGEST_GRID = 10_000
LARGEST_FOLDER = 1_000_000
# Bytes of a block of a common disk: a PNG takes at least one.
BLOCK = 4096


class Output:
    """Where images go; the suffix of `path` decides the format, and no suffix means a folder of PNGs.

    Args:
        trajectory: draw each image as a row of so many states, from noise to image.
    """

    def __init__(self, path: Path, trajectory: int | None = None) -> None:
        self.path, self.kind, self.trajectory = path, path.suffix.lower(), trajectory
        if self.kind and self.kind not in SUFFIXES:
            raise unknown("output format", self.kind, SUFFIXES)
        if trajectory is not None and self.kind != ".png":
            raise NevoaError("--trajectory draws a picture: choose an --out that ends in .png.")

    @property
    def animated(self) -> bool:
        """Whether the result moves from noise to images."""
        return self.kind in ANIMATIONS

    @property
    def moments(self) -> int:
        """The number of states of each image that are drawn."""
        return self.trajectory or (FRAMES if self.animated else 1)

    def check(self, count: int, steps: int, shape: tuple[int, int, int]) -> None:
        """Refuse what no picture can show, no sampler makes or the disk cannot hold."""
        from nevoa._util.files import check_room
        from nevoa.pictures import check_can_save

        row = self.trajectory
        if count > MOST_TILES and (row or self.animated):
            raise NevoaError(
                f"A trajectory or animation shows {MOST_TILES} images at most, not {count:,}: lower --count."
            )
        if row is not None and not 2 <= row <= steps + 1:
            raise NevoaError(f"With {steps} steps, --trajectory must be between 2 and {steps + 1}, not {row}.")
        if self.animated:
            check_can_save(self.kind)
        most = {".png": LARGEST_GRID, "": LARGEST_FOLDER}.get(self.kind, count)
        if count > most:
            what, instead = ("grid", "a folder or .npy") if self.kind else ("folder", ".npy")
            raise NevoaError(f"A {what} holds up to {most:,} images, not {count:,}: choose {instead} for --out.")
        if self.kind in ("", ".npy"):
            check_room(self.path.parent, count * (math.prod(shape) + (0 if self.kind else BLOCK)), str(self.path))

    def write(self, temporary: Path, batches: "Batches", count: int, classes: Sequence[str] = ()) -> None:
        """Write `count` images.

        Args:
            temporary: where to write them; the caller moves it to `path`.
            batches: for each batch its states uint8 `[B, H, W, C]` from noise to image, as many as there are frames.
            classes: names of the images' classes, which come in turn; a picture shows them.
        """
        if self.kind == ".npy":
            _write_array(temporary, batches, count)
        elif not self.kind:
            _write_folder(temporary, batches, count)
        else:
            self._draw(temporary, batches, classes)

    def _draw(self, temporary: Path, batches: "Batches", classes: Sequence[str]) -> None:
        import numpy as np

        from nevoa.pictures import LARGE_FRAME, class_grid, enlargement, grid, save_animation, titled_rows

        frames = [np.concatenate(frame) for frame in zip(*batches, strict=True)]
        if self.trajectory:
            states, columns = np.stack(frames, axis=1), len(frames)
            names = [classes[n % len(classes)] for n in range(len(states))] if classes else []
            picture = titled_rows(list(states), names, columns) if names else grid(np.concatenate(states), columns)
            picture.save(temporary)
        elif self.animated:
            scale = enlargement(frames[0], largest=LARGE_FRAME)
            save_animation([class_grid(frame, classes, scale) for frame in frames], temporary)
        else:
            class_grid(frames[-1], classes).save(temporary)


def _write_array(path: Path, batches: "Batches", count: int) -> None:
    """Write an .npy file batch by batch, so that memory stays flat."""
    from numpy.lib import format as npy

    with path.open("wb") as file:
        for first, (*_, images) in enumerate(batches):
            if not first:
                shape = (count, *images.shape[1:])
                npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            file.write(images.tobytes())


def _write_folder(path: Path, batches: "Batches", count: int) -> None:
    """Write a PNG for each image, numbered so that names sort."""
    from nevoa.data import picture_of

    path.mkdir()
    digits = max(6, len(str(count - 1)))
    images = (image for *_, batch in batches for image in batch)
    for number, image in enumerate(images):
        picture_of(image).save(path / f"{number:0{digits}d}.png")
