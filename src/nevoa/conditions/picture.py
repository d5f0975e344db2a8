"""Pictures of the image's own size: those of the data, or the image downscaled, gray, its edges, or a part of it.

A picture has gray or RGB and then alpha, of which 0 means missing. No picture is one that is missing everywhere.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64, Shaped, UInt8
from numpy.random import default_rng
from PIL import Image, ImageOps
from torch import Tensor

from nevoa.config.condition import PicturePlan
from nevoa.data import WHITE, ImageSet, Size, fitted, opened, picture_of, pixels_of, to_unit
from nevoa.errors import NevoaError

# A step in brightness of so many of 255 is an edge.
EDGE = 40
# A transparent pixel is missing if its alpha is below.
HALF = 128

# Of red, green and blue (ITU-R 601-2), as Pillow has it.
LUMINANCE = 0.299, 0.587, 0.114

Pixels = UInt8[np.ndarray, "B H W C"]
# With alpha.
Pictures = UInt8[np.ndarray, "B H W D"]
One = UInt8[np.ndarray, "H W D"]


class Picture(ABC):
    """Base of all pictures.

    Example:
        >>> plan = PicturePlan(kind="gray", channels=3, height=32, width=32)
        >>> Gray(plan).tensor(Gray(plan).values(shapes, np.array([0, 1]), np.zeros(2))).shape
        torch.Size([2, 2, 32, 32])
    """

    words = "pictures"

    def __init__(self, plan: PicturePlan):
        self.plan, self.size = plan, (plan.height, plan.width)

    @property
    def channels(self) -> int:
        """Channels of the tensor, the last of which says where there is a picture."""
        return self.colours + 1

    @property
    def colours(self) -> int:
        """1 for gray, 3 for RGB."""
        return self.plan.channels

    @abstractmethod
    def values(
        self, images: ImageSet, indices: Int64[np.ndarray, " B"], chance: Shaped[np.ndarray, " B"]
    ) -> Sequence[One | None]:
        """Return the picture of each image; None where it has none."""

    def measurement(self) -> Float[Tensor, "said numbers"] | None:
        """Return what the picture says of a square of `factor` pixels a side: orthonormal rows of weights; None if it
        says nothing exactly."""
        return None

    def several(self, asked: Any) -> Sequence[Any]:
        """Return the pictures in what a user asks for: a list or an array `[N, H, W, C]` of them, or one."""
        some = isinstance(asked, tuple | list) or (isinstance(asked, np.ndarray) and asked.ndim == 4)
        return [*asked] if some else [asked]

    def asked(self, value: Any) -> One:
        """Return a file, a PIL image or an array as a picture, resized and cropped. A NevoaError if it is none."""
        return _there(pixels_of(fitted(opened(value, WHITE), self.size), self.colours))

    def tensor(self, values: Sequence[One | None]) -> Float[Tensor, "B channels H W"]:
        """Return gray or RGB in [-1, 1], with 0 where they are missing, then 1 where they are not."""
        none = np.zeros((*self.size, self.channels), np.uint8)
        x = to_unit(np.stack([none if value is None else value for value in values]), torch.channels_last)
        there = (x[:, -1:] + 1) / 2
        x *= there
        x[:, -1:] = there
        return x


class Paired(Picture):
    """The picture that the data give with each image."""

    @classmethod
    def found(cls, images: ImageSet, detail: str | None) -> PicturePlan | None:
        """Return the plan; None if the data give no pictures."""
        if detail:
            raise NevoaError("The condition picture takes nothing after a colon: write --condition picture.")
        if images.pictures is None:
            return None
        _, height, width, channels = images.pictures.shape
        return PicturePlan.model_validate({"kind": "picture", "channels": channels, "height": height, "width": width})

    def values(
        self, images: ImageSet, indices: Int64[np.ndarray, " B"], chance: Shaped[np.ndarray, " B"]
    ) -> Sequence[One | None]:
        """Return the picture of each image, gray or RGB as the model knows them; None if the images have none."""
        if images.pictures is None:
            return [None] * len(indices)
        pixels = images.pictures[indices]
        if pixels.shape[3] != self.colours:  # of a split whose files are all gray, or not
            pixels = _luminance(pixels) if self.colours == 1 else pixels.repeat(3, axis=3)
        return [*_there(pixels)]


class Made(Picture):
    """Base of the pictures that are made of images."""

    @classmethod
    def found(cls, images: ImageSet, detail: str | None) -> PicturePlan | None:
        """Return the plan; None if nobody asked for a picture, of which any image could be made."""
        if detail is None:
            return None
        channels, height, width = images.shape
        kind = cls.__name__.lower()
        plan = {"kind": kind, "channels": channels, "height": height, "width": width}
        found = PicturePlan.model_validate(plan | cls._options(kind, detail, images))
        return found.model_copy(update={"consistent": cls(found).measurement() is not None})

    @classmethod
    def _options(cls, kind: str, detail: str, images: ImageSet) -> dict[str, int]:
        """The rest of the plan. A NevoaError if it does not suit the images."""
        if detail:
            raise NevoaError(f"The condition {kind} takes nothing after a colon: write --condition {kind}.")
        return {}

    def values(self, images: ImageSet, indices: Int64[np.ndarray, " B"], chance: Shaped[np.ndarray, " B"]) -> list[One]:
        """Return the picture that is made of each image."""
        return [*self.made(images.images[indices], chance)]

    @abstractmethod
    def made(self, pixels: Pixels, chance: Shaped[np.ndarray, " B"]) -> Pictures:
        """Return the picture that is made of each image."""


class Downscaled(Made):
    """The mean of each square of pixels, a picture of fewer pixels for its model to enlarge.

    If the plan has noise, training adds up to as much to a picture, by chance, so that a model that enlarges the images
    of another one takes less of their faults for detail (conditioning augmentation, Ho et al. 2021).
    """

    @classmethod
    def _options(cls, kind: str, detail: str, images: ImageSet) -> dict[str, int]:
        _, height, width = images.shape
        divisors = [str(one) for one in range(2, math.gcd(height, width) + 1) if math.gcd(height, width) % one == 0]
        if not divisors:
            raise NevoaError(f"No whole factor divides {height}x{width}: choose another --size for {kind}.")
        factor, colon, noise = detail.partition(":")
        if factor not in divisors:
            raise NevoaError(
                f"{kind} needs a factor that divides {height}x{width}: {', '.join(divisors)}, as in "
                f"--condition {kind}:{divisors[0]}."
            )
        if colon and not (noise.isdecimal() and int(noise) < 256):
            raise NevoaError(
                f"After the factor, {kind} takes a deviation of noise from 0 to 255, as in --condition "
                f"{kind}:{factor}:20."
            )
        return {"factor": int(factor), "noise": int(noise or 0)}

    @property
    def small(self) -> Size:
        """(height, width) before the picture is enlarged."""
        return self.size[0] // self.plan.factor, self.size[1] // self.plan.factor

    def made(self, pixels: Pixels, chance: Shaped[np.ndarray, " B"]) -> Pictures:
        (height, width), factor = self.small, self.plan.factor
        squares = pixels.reshape(len(pixels), height, factor, width, factor, self.colours)
        means = squares.mean((2, 4), dtype=np.float32)
        if self.plan.noise:
            means += np.stack([self._noise(one) for one in chance.tolist()])
        return self._enlarged((means + 0.5).clip(0, 255).astype(np.uint8))

    def _noise(self, chance: float) -> Float[np.ndarray, "h w C"]:
        """Noise of as large a share of the deviation, none for a chance of 0."""
        rng = default_rng(int(chance * 2**53))
        return chance * self.plan.noise * rng.standard_normal((*self.small, self.colours), dtype=np.float32)

    def asked(self, value: Any) -> One:
        height, width = self.small
        image = ImageOps.fit(opened(value, WHITE), (width, height), Image.Resampling.BOX)  # the mean of squares
        return self._enlarged(pixels_of(image, self.colours)[None])[0]

    def measurement(self) -> Float[Tensor, "said numbers"] | None:
        """The mean of each channel, times the factor."""
        if self.plan.noise:
            return None
        factor = self.plan.factor
        return torch.eye(self.plan.channels).kron(torch.full((1, factor**2), 1 / factor))

    def _enlarged(self, pixels: UInt8[np.ndarray, "B h w C"]) -> Pictures:
        return _there(pixels.repeat(self.plan.factor, 1).repeat(self.plan.factor, 2))


class Gray(Made):
    """The luminance of an image in colour."""

    @property
    def colours(self) -> int:
        return 1

    @classmethod
    def _options(cls, kind: str, detail: str, images: ImageSet) -> dict[str, int]:
        if images.shape[0] == 1:
            raise NevoaError(
                f"{images.name} is gray, so a gray picture would be the image itself: train on images in colour, or "
                "on --condition downscaled:2, edges or masked."
            )
        return super()._options(kind, detail, images)

    def made(self, pixels: Pixels, chance: Shaped[np.ndarray, " B"]) -> Pictures:
        return _there(_luminance(pixels))

    def measurement(self) -> Float[Tensor, "said numbers"]:
        """The luminance of a pixel, with weights of norm 1."""
        weights = torch.tensor([LUMINANCE])
        return weights / weights.norm()


class Edges(Made):
    """White where the luminance changes by a step (Sobel's operator), else black."""

    @property
    def colours(self) -> int:
        return 1

    def made(self, pixels: Pixels, chance: Shaped[np.ndarray, " B"]) -> Pictures:
        x = np.pad(_luminance(pixels)[..., 0].astype(np.int32), ((0, 0), (1, 1), (1, 1)), "edge")
        across, down = x[:, :, 2:] - x[:, :, :-2], x[:, 2:] - x[:, :-2]
        across = across[:, :-2] + 2 * across[:, 1:-1] + across[:, 2:]
        down = down[:, :, :-2] + 2 * down[:, :, 1:-1] + down[:, :, 2:]
        return _there(255 * (across**2 + down**2 >= (4 * EDGE) ** 2).astype(np.uint8)[..., None])


class Masked(Made):
    """The image without a rectangle of a third to two thirds of each side, which chance chooses."""

    def measurement(self) -> Float[Tensor, "said numbers"]:
        """Each number, where there is a picture."""
        return torch.eye(self.plan.channels)

    def made(self, pixels: Pixels, chance: Shaped[np.ndarray, " B"]) -> Pictures:
        pictures = _there(pixels)
        for picture, one in zip(pictures, chance.tolist(), strict=True):
            rng = default_rng(int(one * 2**53))
            picture[tuple(_part(rng, side) for side in self.size)] = 0
        return pictures

    def asked(self, value: Any) -> One:
        """Return an image with transparent pixels, which are missing. A NevoaError if there are none."""
        clear = pixels_of(fitted(opened(value, None), self.size))
        there = clear[:, :, 3] >= HALF
        if there.all():
            raise NevoaError(
                "The picture has no transparent pixels, so nothing of it is missing: erase what the model is to paint, "
                "and save it as PNG."
            )
        picture = _there(pixels_of(picture_of(clear[:, :, :3]), self.colours))
        picture[~there] = 0
        return picture


def _there(pixels: Shaped[np.ndarray, "*B H W C"]) -> Shaped[np.ndarray, "*B H W D"]:
    """Pixels with an alpha of 255."""
    return np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], axis=-1)


def _luminance(pixels: Pixels) -> UInt8[np.ndarray, "B H W 1"]:
    """Gray as Pillow makes it of a file; images stand one below the other."""
    count, height, width, channels = pixels.shape
    return pixels_of(picture_of(pixels.reshape(count * height, width, channels)), 1).reshape(count, height, width, 1)


def _part(rng: np.random.Generator, side: int) -> slice:
    """A third to two thirds of a side."""
    length = rng.integers(-(-side // 3), 2 * side // 3 + 1)
    start = rng.integers(0, side - length + 1)
    return slice(start, start + length)
