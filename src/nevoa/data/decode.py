"""Decode image files."""

import io
import warnings
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageColor, ImageOps, UnidentifiedImageError, features

from nevoa.errors import NevoaError, reason

# Recognised by content. Pillow knows forty more formats, some of which start other programs.
# AVIF came with Pillow 11.3, and a Pillow may be built without it.
AVIF = "avif" in features.modules and bool(features.check("avif"))
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", *["AVIF"] * AVIF)
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", *[".avif"] * AVIF}
# Formats of images that are not opened, unless they are in SUFFIXES; users would miss them.
PHOTOGRAPHS = {".heic": "HEIC", ".heif": "HEIF", ".avif": "AVIF", ".jp2": "JPEG 2000", ".jxl": "JPEG XL"}
DRAWINGS = {".svg": "SVG", ".svgz": "SVG"}
START_BYTES = 16
STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*")
MOST_PIXELS = 64_000_000
# A JPEG is decoded at reduced size, but at least so many times larger than needed: the pixels of six photographs
# differed by at most 2 of 255 (4 with a factor of 4), 0.1 on average. 12 megapixels take 23 ms instead of 157.
SPARE = 8
DEEP_MODES = {"I", "I;16", "I;16B", "I;16L", "I;16N"}
GRAY_MODES = {"1", "L", "LA", "La"} | DEEP_MODES
ORIENTATION, PHOTOMETRIC = 0x0112, 0x0106
WHITE = "white"

Size = tuple[int, int]


class Header(NamedTuple):
    """The (height, width) of an image after rotation, and whether it is gray on its background."""

    size: Size
    gray: bool


def is_picture(start: bytes) -> bool:
    """Whether a file that starts with these bytes has a format of FORMATS."""
    bmp = start[:2] == b"BM" and start[6:10] == bytes(4)
    webp, avif = start[:4] == b"RIFF" and start[8:12] == b"WEBP", start[4:12] in (b"ftypavif", b"ftypavis")
    return bmp or webp or (avif and AVIF) or start.startswith(STARTS)


def unopened(suffix: str) -> str | None:
    """Return what to do with a file of a format that is not opened, by its suffix; None for other files."""
    if kind := PHOTOGRAPHS.get(suffix.lower()):
        return f"nevoa does not open {kind}: save it as PNG or JPEG"
    if kind := DRAWINGS.get(suffix.lower()):
        return f"nevoa does not open {kind}: draw it as PNG, with rsvg-convert"
    return None


def header(content: bytes | np.ndarray, background: str = WHITE) -> Header:
    """Read the header of an image: of a file, or of pixels `[H, W, C]`. A ValueError says why that is impossible."""
    if isinstance(content, np.ndarray):
        height, width, channels = content.shape
        gray, clear = channels < 3, channels in (2, 4)
    else:
        with warnings.catch_warnings(action="ignore"), _opened(content) as image:
            height, width = image.size if _is_turned(image) else image.size[::-1]
            gray, clear = image.mode in GRAY_MODES, image.has_transparency_data
    return Header((height, width), gray and not (clear and is_coloured(background)))


def pixels_within(
    content: bytes | np.ndarray, background: str = WHITE, size: Size | None = None
) -> UInt8[np.ndarray, "H W C"]:
    """Return the gray or RGB pixels of an image, as `decoded` does; pixels of 2 or 4 channels lose their alpha."""
    if isinstance(content, bytes):
        return pixels_of(decoded(content, background, size))
    return content if content.shape[2] in (1, 3) else pixels_of(opaque(picture_of(content), background))


def decoded(data: bytes, background: str | None = WHITE, size: Size | None = None) -> Image.Image:
    """Decode the first frame of an image file to mode L if it is gray, else RGB, rotated as its EXIF says.

    A ValueError says why that is impossible.

    Args:
        background: the colour behind transparent pixels, by name or #rrggbb; None keeps them, in mode RGBA.
        size: the (height, width) that the image will be `fitted` to; a much larger JPEG is decoded at reduced size.
    """
    # Pillow's warnings do not matter here: what matters raises an error.
    with warnings.catch_warnings(action="ignore"), _opened(data) as image:
        try:
            if size:
                _decode_smaller(image, SPARE * max(size))
            image.load()
            image = _positive(image)
            with suppress(Exception):  # broken EXIF data
                image = ImageOps.exif_transpose(image)
            return opaque(image, background)
        except (NevoaError, ValueError):
            raise
        except Exception as error:  # damaged files make decoders raise errors of many kinds
            raise ValueError(reason(error)) from error


class FloatError(NevoaError, ValueError):
    """An image of floats: for a file a reason to leave it out, for an image in memory a sentence."""


def opaque(image: Image.Image, background: str | None = WHITE) -> Image.Image:
    """Convert an image of any mode to L if it is gray, else RGB, with a background behind transparent pixels.

    Without a background it is RGBA, which keeps them.

    Example:
        >>> opaque(Image.new("RGBA", (8, 8))).getpixel((0, 0))
        (255, 255, 255)
    """
    if image.mode == "F":
        raise FloatError("its pixels are floats; save it with 8 or 16 bits")
    gray = image.mode in GRAY_MODES
    if image.mode in DEEP_MODES:
        image = _eight_bits(image)
    if background is None:
        return image.convert("RGBA")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        behind = Image.new("RGBA", clear.size, colour(background))
        image = Image.alpha_composite(behind, clear)
        gray = gray and not is_coloured(background)
    return image.convert("L" if gray else "RGB")


def colour(name: str) -> tuple[int, int, int, int]:
    """Return RGBA of a colour. A NevoaError if there is no such colour."""
    try:
        return *ImageColor.getrgb(name)[:3], 255
    except ValueError as error:
        raise NevoaError(f"'{name}' is not a colour: give a name such as white, or #rrggbb.") from error


def is_coloured(background: str) -> bool:
    """Whether a colour is not a shade of gray."""
    return len(set(colour(background)[:3])) > 1


def read_image(path: Path, background: str | None = WHITE) -> Image.Image:
    """Read an image file, with a colour behind transparent pixels. A NevoaError if it is missing or not an image.

    Without a background it is RGBA, which keeps them.

    Example:
        >>> read_image(Path("photo.png")).size
        (28, 28)
    """
    try:
        return decoded(path.read_bytes(), background)
    except FileNotFoundError as error:
        raise NevoaError(f"There is no file {path}.") from error
    except OSError as error:
        raise NevoaError(f"Cannot read {path} as an image: {reason(error)}.") from error
    except ValueError as error:
        raise NevoaError(f"Cannot read {path} as an image: {unopened(path.suffix) or reason(error)}.") from error


def fitted(image: Image.Image, size: Size) -> Image.Image:
    """Resize an image (antialiased) and crop its centre to `size` (height, width), keeping its proportions.

    Example:
        >>> fitted(Image.new("RGB", (640, 480)), (64, 64)).size
        (64, 64)
    """
    height, width = size
    if image.size == (width, height):
        return image
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def padded(image: Image.Image, size: Size, background: str = WHITE) -> Image.Image:
    """Resize an image (antialiased) to lie within `size` (height, width), and surround it with the background."""
    height, width = size
    if image.size == (width, height):
        return image
    scale = min(width / image.width, height / image.height)
    inner = max(1, round(scale * image.width)), max(1, round(scale * image.height))
    around = Image.new(image.mode, (width, height), ImageColor.getcolor(background, image.mode))
    around.paste(image.resize(inner, Image.Resampling.LANCZOS), ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return around


def pixels_of(image: Image.Image, channels: int | None = None) -> UInt8[np.ndarray, "H W C"]:
    """Return the pixels with 1 channel (luminance) or 3 (RGB); None keeps the channels of the image.

    Example:
        >>> pixels_of(Image.new("RGB", (32, 28)), channels=1).shape
        (28, 32, 1)
    """
    if channels is not None:
        image = image.convert("L" if channels == 1 else "RGB")
    array = np.asarray(image)
    return array[:, :, None] if array.ndim == 2 else array


def picture_of(pixels: UInt8[np.ndarray, "H W C"]) -> Image.Image:
    """Return the image of pixels; 2 channels are gray and alpha, 4 are RGB and alpha.

    Example:
        >>> picture_of(np.zeros((28, 32, 1), np.uint8)).size
        (32, 28)
    """
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def size_in_words(channels: int, height: int, width: int) -> str:
    """Format a shape for users: `28x28 with 1 channel`.

    Example:
        >>> size_in_words(1, 28, 28)
        '28x28 with 1 channel'
    """
    return f"{height}x{width} with {channels} channel{'s' * (channels > 1)}"


def _is_turned(image: Image.Image) -> bool:
    """Whether rotation swaps width and height; found without decoding the image."""
    if image.format == "TIFF":  # Pillow has swapped them already
        return False
    exif = Image.Exif()
    with suppress(Exception):  # broken EXIF data does not make the image unusable
        exif.load(image.info.get("exif", b""))
        return exif.get(ORIENTATION) in (5, 6, 7, 8)
    return False


def _decode_smaller(image: Image.Image, side: int) -> None:
    """Decode a JPEG at 1/8, 1/4 or 1/2, if its sides divide evenly and stay at least `side` long."""
    for scale in 8, 4, 2:
        if not image.width % scale and not image.height % scale and min(image.size) >= scale * side:
            image.draft(None, (image.width // scale, image.height // scale))
            return


def _opened(data: bytes) -> Image.Image:
    if not data:
        raise ValueError("it is empty")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.mode == "P" and image.palette is None:
            raise ValueError("it has no palette")
        if image.width * image.height <= MOST_PIXELS:
            return image
    except Image.DecompressionBombError:
        pass
    except UnidentifiedImageError as error:
        raise ValueError("it is not an image of a known format") from error
    except Exception as error:
        raise ValueError(reason(error)) from error
    raise ValueError(f"it has more than {MOST_PIXELS / 1e6:.0f} million pixels")


def _positive(image: Image.Image) -> Image.Image:
    """Invert a 16-bit TIFF in which 0 is white, which Pillow leaves undone; refuse pixels without a known white."""
    if image.format != "TIFF" or image.mode not in DEEP_MODES:
        return image
    if image.mode == "I":
        raise ValueError("its pixels are signed or have 32 bits; save it with 8 or 16 bits")
    white_is_zero = image.tag_v2.get(PHOTOMETRIC) == 0  # pyright: ignore[reportAttributeAccessIssue]
    return Image.fromarray(65_535 - np.asarray(image)) if white_is_zero else image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Convert 16 bits to L, or to LA if one shade stands for transparent pixels."""
    values, clear = np.asarray(image).astype(np.int64), image.info.get("transparency")
    gray = Image.fromarray((values.clip(0, 65_535) >> 8).astype(np.uint8))
    if not isinstance(clear, int):
        return gray
    return Image.merge("LA", (gray, Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8))))
