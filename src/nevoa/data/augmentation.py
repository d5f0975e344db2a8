"""Random transformations of training images (Karras et al. 2022, appendix F.2): functions of (seed, images_seen).

A transformation is a function of an image and of numbers, which the network gets, too. Zeros leave the image as it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch.nn.functional import grid_sample

from nevoa._util.random import Blocks, Stream
from nevoa.config.augmentation import CONDITIONED, NUMBERS, Chances
from nevoa.data.decode import Size
from nevoa.data.store import ImageSet

Pixels = UInt8[np.ndarray, "B H W C"]
Numbers = Float[np.ndarray, "B numbers"]
ByName = Mapping[str, Float[np.ndarray, "B _"]]
# (C, H, W) of an image.
Shape = tuple[int, int, int]

# Of the sides, how far an image is shifted at most.
FARTHEST = 1 / 8
# Standard deviations, as powers of two: of the scale, of the squeeze along one axis, of contrast and saturation; and of
# the brightness, where black is -1 and white 1.
SCALE, SQUEEZE, CONTRAST, SATURATION, BRIGHTNESS = 0.2, 0.2, 0.5, 1.0, 0.2


def _mirror(rng: np.random.Generator, count: int, shape: Shape) -> Numbers:
    return np.ones((count, 1))


def _shift(rng: np.random.Generator, count: int, shape: Shape) -> Numbers:
    """Whole pixels down and to the right, as shares of the most."""
    most = _farthest(shape[1:])
    return rng.integers(-most, most + 1, (count, 2)) / most


def _scale(rng: np.random.Generator, count: int, shape: Shape) -> Numbers:
    return rng.standard_normal((count, 1))


def _rotate(rng: np.random.Generator, count: int, shape: Shape) -> Numbers:
    """Cosine - 1 and sine of any angle."""
    angle = rng.uniform(-np.pi, np.pi, count)
    return np.stack([np.cos(angle) - 1, np.sin(angle)], axis=1)


def _squeeze(rng: np.random.Generator, count: int, shape: Shape) -> Numbers:
    """The stretch along an axis, times cosine and sine of twice its angle: it is shorter along the other axis."""
    stretch, angle = rng.standard_normal(count), rng.uniform(0, np.pi, count)
    return stretch[:, None] * np.stack([np.cos(2 * angle), np.sin(2 * angle)], axis=1)


def _colour(rng: np.random.Generator, count: int, shape: Shape) -> Numbers:
    """Brightness, contrast, and saturation, which a gray image has not."""
    return rng.standard_normal((count, 3)) * [1, 1, shape[0] > 1]


DRAWS: dict[str, Callable[[np.random.Generator, int, Shape], Numbers]] = {
    "mirror": _mirror,
    "shift": _shift,
    "scale": _scale,
    "rotate": _rotate,
    "squeeze": _squeeze,
    "colour": _colour,
}


@dataclass(frozen=True)
class Augmentation:
    """Random transformations of the images of a stream.

    Args:
        chances: of each transformation.
        seed: of every random choice.
        shape: (C, H, W) of an image.

    Example:
        >>> augmentation = Augmentation({"shift": 0.5}, 0, (3, 32, 32))
        >>> augmentation.numbers(0, 4).shape
        (4, 2)
    """

    chances: Chances
    seed: int
    shape: Shape

    @cached_property
    def _flips(self) -> Blocks:
        return Blocks(self.seed, Stream.FLIP, lambda rng, count: rng.random(count) < self.chances.get("flip", 0))

    @cached_property
    def _numbers(self) -> Blocks:
        return Blocks(self.seed, Stream.AUGMENTATION, self._drawn)

    def _drawn(self, rng: np.random.Generator, count: int) -> Float32[np.ndarray, "B numbers"]:
        drawn = [np.zeros((count, 0))]
        for name in self._conditioned:
            happens = rng.random((count, 1)) < self.chances[name]
            drawn.append(np.where(happens, DRAWS[name](rng, count, self.shape), 0))
        return np.concatenate(drawn, axis=1).astype(np.float32)

    @property
    def _conditioned(self) -> list[str]:
        return [name for name in CONDITIONED if name in self.chances]

    def numbers(self, first: int, count: int) -> Float32[np.ndarray, "B numbers"]:
        """Return the numbers that describe what is done to the images at positions first … first + count - 1."""
        return self._numbers.take(first, count)

    def applied(self, images: ImageSet, first: int) -> ImageSet:
        """Return the images, which are at the positions from `first` on, as the network sees them.

        Their pictures are transformed as they are, but for the colours.
        """
        flipped, drawn = images, self.numbers(first, len(images))
        if "flip" in self.chances:
            flipped = _changed(images, lambda pixels: _flip(pixels, self._flips.take(first, len(images))))
        if not drawn.any():
            return flipped
        columns = np.cumsum([NUMBERS[name] for name in self._conditioned])[:-1]
        numbers = dict(zip(self._conditioned, np.split(drawn.astype(np.float64), columns, axis=1), strict=True))
        moved = _changed(flipped, lambda pixels: geometry(pixels, numbers))
        return replace(moved, images=colours(moved.images, numbers))


def geometry(pixels: Pixels, numbers: ByName) -> Pixels:
    """Return images that are mirrored and shifted, which is exact; then scaled, rotated and squeezed by interpolation.

    What comes into view is a reflection of the image.

    Example:
        >>> pixels = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1)
        >>> geometry(pixels, {"mirror": np.ones((1, 1))})[0, 0, :, 0]
        array([3, 2, 1, 0], dtype=uint8)
    """
    pixels, matrices = _placed(pixels, numbers), _matrices(numbers, len(pixels))
    some = (matrices != np.eye(2)).any((1, 2))
    if some.any():
        pixels = pixels.copy()
        pixels[some] = _interpolated(pixels[some], matrices[some])
    return pixels


def colours(pixels: Pixels, numbers: ByName) -> Pixels:
    """Return images of other brightness, contrast and saturation, in this order (Karras et al. 2020).

    Example:
        >>> colours(np.zeros((1, 4, 4, 1), np.uint8), {"colour": np.array([[1.0, 0, 0]])})[0, 0, 0]
        array([26], dtype=uint8)
    """
    own = _numbers_of(numbers, "colour", len(pixels))
    some = own.any(1)
    if not some.any():
        return pixels
    brightness, contrast, saturation = own[some].T.astype(np.float32)[:, :, None, None, None]
    x = (pixels[some] / np.float32(127.5) - 1 + BRIGHTNESS * brightness) * 2 ** (CONTRAST * contrast)
    gray = x.mean(3, keepdims=True)
    pixels = pixels.copy()
    pixels[some] = _bytes((gray + (x - gray) * 2 ** (SATURATION * saturation) + 1) * 127.5)
    return pixels


def _changed(images: ImageSet, change: Callable[[Pixels], Pixels]) -> ImageSet:
    """The images and their pictures, changed."""
    return replace(
        images, images=change(images.images), pictures=None if images.pictures is None else change(images.pictures)
    )


def _flip(pixels: Pixels, flipped: np.ndarray) -> Pixels:
    return np.where(flipped[:, None, None, None], pixels[:, :, ::-1], pixels)


def _farthest(size: Size) -> np.ndarray:
    return np.maximum(1, np.array(size) * FARTHEST).astype(np.int64)


def _numbers_of(numbers: ByName, name: str, count: int) -> Float[np.ndarray, "B _"]:
    return numbers.get(name, np.zeros((count, NUMBERS[name])))


def _placed(pixels: Pixels, numbers: ByName) -> Pixels:
    """The images mirrored, then shifted."""
    count, height, width, _ = pixels.shape
    mirror, shift = (_numbers_of(numbers, name, count) for name in ("mirror", "shift"))
    down, right = (shift * _farthest((height, width))).round().astype(np.int64).T
    rows, columns = (_reflected(np.arange(side) - by[:, None], side) for side, by in ((height, down), (width, right)))
    columns = np.where(mirror > 0, width - 1 - columns, columns)
    return pixels[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]


def _reflected(places: np.ndarray, side: int) -> np.ndarray:
    """Places on an image of so many pixels that is reflected at its edges."""
    places = places % (2 * side)
    return np.minimum(places, 2 * side - 1 - places)


def _matrices(numbers: ByName, count: int) -> Float[np.ndarray, "B 2 2"]:
    """From each place of the transformed image to the one that it shows, both (x, y) from the middle."""
    scale, turn, squeeze = (_numbers_of(numbers, name, count) for name in ("scale", "rotate", "squeeze"))
    cosine, sine = turn[:, 0] + 1, turn[:, 1]
    rotated = np.stack([cosine, sine, -sine, cosine], axis=1).reshape(count, 2, 2)
    # The exponential of a symmetric matrix [[a, b], [b, -a]], whose square is a multiple of the identity.
    a, b = (-np.log(2) * SQUEEZE * squeeze).T
    stretch = np.hypot(a, b)[:, None, None]
    axis = np.stack([a, b, b, -a], axis=1).reshape(count, 2, 2)
    squeezed = np.cosh(stretch) * np.eye(2) + np.sinh(stretch) / np.where(stretch, stretch, 1) * axis
    return 2 ** (-SCALE * scale)[:, :, None] * np.einsum("bij,bjk->bik", rotated, squeezed)


def _interpolated(pixels: Pixels, matrices: Float[np.ndarray, "B 2 2"]) -> Pixels:
    _, height, width, _ = pixels.shape
    y, x = np.arange(height)[:, None] - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    # Sums of products in a fixed order: a product of matrices may round differently in batches of another size.
    seen = (m[:, 0, None, None] * x + m[:, 1, None, None] * y for m in (matrices[:, 0], matrices[:, 1]))
    grid = np.stack([2 * place / side for place, side in zip(seen, (width, height), strict=True)], axis=-1)
    x_0 = torch.from_numpy(pixels.astype(np.float32)).permute(0, 3, 1, 2).contiguous()
    found = grid_sample(x_0, torch.from_numpy(grid.astype(np.float32)), "bicubic", "reflection", align_corners=False)
    return _bytes(found.permute(0, 2, 3, 1).numpy())


def _bytes(pixels: Float[np.ndarray, "B H W C"]) -> Pixels:
    return pixels.round().clip(0, 255).astype(np.uint8)
