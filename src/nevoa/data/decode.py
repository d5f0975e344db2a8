"""From what is in an image file to pixels."""

import io
import warnings
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageColor, ImageOps

from nevoa.errors import NevoaError, reason

# By content, not by name. Pillow knows forty more formats, some of which start other programs.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*")
MOST_PIXELS = 64_000_000
# A JPEG is unpacked at least so many times larger than wanted: the pixels of six photographs came out 2 of 255 off at
# the most (4 with 4 times), 0.1 in the mean. One of 12 million pixels takes 23 ms instead of 157 to become 64x64.
SPARE = 8
DEEP_MODES = {"I", "I;16", "I;16B", "I;16L", "I;16N"}
GRAY_MODES = {"1", "L", "LA", "La"} | DEEP_MODES
ORIENTATION, PHOTOMETRIC = 0x0112, 0x0106
WHITE = "white"

Size = tuple[int, int]


@dataclass(frozen=True)
class Header:
    """What an image file says of itself: height and width as it is seen, whether it is gray, or in part transparent."""

    size: Size
    gray: bool
    clear: bool = False

    def gray_on(self, background: str) -> bool:
        """Whether it is gray when it lies on a background of that colour."""
        return self.gray and not (self.clear and _is_coloured(background))


def is_picture(start: bytes) -> bool:
    """Whether a file that starts so claims to be an image of a format that is opened here."""
    bmp = start[:2] == b"BM" and start[6:10] == bytes(4)
    return bmp or start.startswith(STARTS) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")


def header(data: bytes) -> Header:
    """The header of an image file's content. A ValueError says why there is none."""
    with _quiet(), _opened(data) as image:
        height, width = image.size if _lies(image) else image.size[::-1]
        return Header((height, width), image.mode in GRAY_MODES, image.has_transparency_data)


def decoded(data: bytes, background: str = WHITE, size: Size | None = None) -> Image.Image:
    """The first frame of an image file's content, L where it is gray, else RGB, turned as the camera says.

    A ValueError says why there is no picture.

    Args:
        background: a colour by name or #rrggbb, behind what is transparent.
        size: (height, width) that it is to be `fitted` to; a much larger JPEG is then unpacked smaller.
    """
    with _quiet(), _opened(data) as image:
        try:
            if size:
                _unpack_smaller(image, SPARE * max(size))
            image.load()
            return opaque(_upright(_positive(image)), background)
        except (NevoaError, ValueError):
            raise
        except Exception as error:  # what decoders raise for damaged files is not a closed list
            raise ValueError(_reason(error)) from error


def opaque(image: Image.Image, background: str = WHITE) -> Image.Image:
    """An image of any mode as L where it is gray, else RGB, on a background where it is transparent."""
    if image.mode == "F":
        raise ValueError("its pixels are fractions; save it with 8 or 16 bits")
    gray = image.mode in GRAY_MODES
    if image.mode in DEEP_MODES:
        image = _eight_bits(image)
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        behind = Image.new("RGBA", clear.size, colour(background))
        image = Image.alpha_composite(behind, clear)
        gray = gray and not _is_coloured(background)
    return image.convert("L" if gray else "RGB")


def colour(name: str) -> tuple[int, int, int, int]:
    """RGBA of a colour. A NevoaError if there is none of that name."""
    try:
        red, green, blue, *_ = ImageColor.getrgb(name)
    except ValueError as error:
        raise NevoaError(f"'{name}' is no colour: give a name such as white, or #rrggbb.") from error
    return red, green, blue, 255


def _is_coloured(background: str) -> bool:
    return len(set(colour(background)[:3])) > 1


def read_image(path: Path) -> Image.Image:
    """An image file as `decoded` has it, on white. A NevoaError if it is missing or no picture."""
    try:
        return decoded(path.read_bytes())
    except FileNotFoundError as error:
        raise NevoaError(f"There is no file {path}.") from error
    except (OSError, ValueError) as error:
        raise NevoaError(f"{path} cannot be read as a picture: {reason(error)}.") from error


def fitted(image: Image.Image, size: Size) -> Image.Image:
    """The centre of an image as `size` (height, width): resized (antialiased) without squashing, then cropped."""
    height, width = size
    if image.size == (width, height):
        return image
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def pixels_of(image: Image.Image, channels: int | None = None) -> UInt8[np.ndarray, "H W C"]:
    """The pixels; 1 channel is luminance, 3 are RGB, None is as the image has it."""
    if channels is not None:
        image = image.convert("L" if channels == 1 else "RGB")
    array = np.asarray(image)
    return array[:, :, None] if array.ndim == 2 else array


def picture_of(pixels: UInt8[np.ndarray, "H W C"]) -> Image.Image:
    """The other way round: 1 channel is gray, 2 are gray and alpha, 3 are RGB, 4 are RGB and alpha."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def size_in_words(channels: int, height: int, width: int) -> str:
    """As users read it: `28x28 with 1 channel`."""
    return f"{height}x{width} with {channels} channel{'s' * (channels > 1)}"


def _quiet() -> AbstractContextManager[object]:
    """Pillow warns of much that is no matter here; what is, is refused in our own words."""
    return warnings.catch_warnings(action="ignore")


def _lies(image: Image.Image) -> bool:
    """Whether width and height change places when it is turned; only for that, no picture is unpacked."""
    if image.format == "TIFF":  # Pillow has turned the size by itself
        return False
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
        return exif.get(ORIENTATION) in (5, 6, 7, 8)
    except Exception:  # a camera's notes may be rubbish on a picture that is not
        return False


def _unpack_smaller(image: Image.Image, side: int) -> None:
    """Let a JPEG be unpacked at 1/8, 1/4 or 1/2, if no side becomes less than that and none would be rounded."""
    for scale in 8, 4, 2:
        if not image.width % scale and not image.height % scale and min(image.size) >= scale * side:
            image.draft(None, (image.width // scale, image.height // scale))
            return


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        return image


def _opened(data: bytes) -> Image.Image:
    if not data:
        raise ValueError("it is empty")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise ValueError("its pixels are too many") from error
    except Exception as error:
        raise ValueError(_reason(error)) from error
    if image.width * image.height > MOST_PIXELS:
        raise ValueError("its pixels are too many")
    return image


def _positive(image: Image.Image) -> Image.Image:
    """Of 16 bits in a TIFF Pillow leaves open whether 0 is white; of 32, or with a sign, nobody knows what is."""
    if image.format != "TIFF" or image.mode not in DEEP_MODES:
        return image
    if image.mode == "I":
        raise ValueError("its pixels have a sign or 32 bits; save it with 8 or 16")
    white_is_zero = image.tag_v2.get(PHOTOMETRIC) == 0  # pyright: ignore[reportAttributeAccessIssue]
    return Image.fromarray(65_535 - np.asarray(image)) if white_is_zero else image


def _eight_bits(image: Image.Image) -> Image.Image:
    """L, or LA where one shade stands for what is transparent."""
    values, clear = np.asarray(image).astype(np.int64), image.info.get("transparency")
    gray = Image.fromarray((values.clip(0, 65_535) >> 8).astype(np.uint8))
    if not isinstance(clear, int):
        return gray
    return Image.merge("LA", (gray, Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8))))


def _reason(error: Exception) -> str:
    text = reason(error)
    return "it is no picture of a known format" if text.startswith("cannot identify") else text
