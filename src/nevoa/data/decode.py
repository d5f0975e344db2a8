"""From an image file to pixels."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from nevoa.errors import NevoaError

MOST_PIXELS = 64_000_000


def read_image(path: Path) -> Image.Image:
    """An image file as RGB, or as L where it is gray: turned as the camera says, on white where it is transparent.

    A NevoaError if it is missing or no picture.
    """
    try:
        with Image.open(path) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError(f"{image.width:,}x{image.height:,} pixels are too many")
            upright = ImageOps.exif_transpose(image)
            if upright.has_transparency_data:
                clear = upright.convert("RGBA")
                return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
            return upright.convert("L" if upright.mode in ("1", "L") else "RGB")
    except FileNotFoundError as error:
        raise NevoaError(f"There is no file {path}.") from error
    except Exception as error:  # what decoders raise for damaged files is not a closed list
        raise NevoaError(f"{path} cannot be read as a picture: {error}.") from error


def square(image: Image.Image, size: int) -> Image.Image:
    """The centre of an image as `size x size`: shorter side resized (antialiased), longer side cropped."""
    scale = size / min(image.size)
    width, height = (max(size, round(side * scale)) for side in image.size)
    left, top = (width - size) // 2, (height - size) // 2
    resized = image.resize((width, height), Image.Resampling.LANCZOS)
    return resized.crop((left, top, left + size, top + size))


def pixels_of(image: Image.Image) -> UInt8[np.ndarray, "H W C"]:
    """The pixels, gray images with one channel."""
    array = np.asarray(image)
    return array[:, :, None] if array.ndim == 2 else array


def size_in_words(channels: int, height: int, width: int) -> str:
    """As users read it: `28x28 with 1 channel`."""
    return f"{height}x{width} with {channels} channel{'s' * (channels > 1)}"


def picture_of(pixels: UInt8[np.ndarray, "H W C"]) -> Image.Image:
    """The other way round: one channel is gray, three are RGB."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
