"""Turn the files of a listing into pixels of one shape."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from nevoa.config import DataConfig
from nevoa.data.decode import WHITE, Header, Size, decoded, fitted, header, opaque, picture_of, pixels_of
from nevoa.data.listing import Listing
from nevoa.data.parallel import each
from nevoa.data.selection import sides_of
from nevoa.errors import reason

# Images that differ in size, or are larger than LARGEST_OWN_SIDE, become squares of USUAL_SIDE.
USUAL_SIDE, LARGEST_OWN_SIDE = 64, 128


@dataclass(frozen=True)
class ImageShape:
    """The (height, width) and channels of all images of a store."""

    size: Size
    channels: int

    @property
    def array(self) -> tuple[int, int, int]:
        return (*self.size, self.channels)


@dataclass(frozen=True)
class Read:
    """One file: its original size and its pixels, or the reason why it is left out."""

    file: str
    sha256: str = ""
    reason: str = ""
    size: Size | None = None
    pixels: UInt8[np.ndarray, "H W C"] | None = None

    @property
    def line(self) -> dict[str, Any]:
        """What a store records about the file."""
        parts = {"file": self.file, "sha256": self.sha256, "reason": self.reason, "size": self.size}
        return {name: part for name, part in parts.items() if part}


def read(listing: Listing, number: int, shape: ImageShape, background: str) -> Read:
    """Read file `number` of a listing as an image of that shape."""
    file, digest = listing.file(number), ""
    try:
        content = listing.read(number)
        digest = hashlib.sha256(content if isinstance(content, bytes) else content.tobytes()).hexdigest()
        pixels = _conformed(whole(content, background, shape.size), shape)
        return Read(file, digest, size=_header(content).size, pixels=pixels)
    except MemoryError:
        return Read(file, digest, "it needs more memory than there is")
    except (OSError, ValueError) as error:
        return Read(file, digest, reason(error))


def shape_of(listing: Listing, numbers: Int64[np.ndarray, " N"], data: DataConfig) -> ImageShape:
    """Return the shape for some files: the chosen one, else the listing's, else what their headers suggest."""
    own = _usual({listing.size}) if listing.size else None
    size, channels = sides_of(data) or own, data.channels or listing.channels
    if size and channels:
        return ImageShape(size, channels)
    found = [head for head in each(lambda number: _header_in(listing, number), numbers.tolist()) if head is not None]
    gray = bool(found) and all(head.gray_on(data.background) for head in found)
    return ImageShape(size or _usual({head.size for head in found}), channels or (1 if gray else 3))


def _usual(sizes: set[Size]) -> Size:
    own = next(iter(sizes)) if len(sizes) == 1 else None
    return own if own and max(own) <= LARGEST_OWN_SIDE else (USUAL_SIDE, USUAL_SIDE)


def whole(content: bytes | np.ndarray, background: str = WHITE, size: Size | None = None) -> UInt8[np.ndarray, "h w c"]:
    """Decode the content of a file to gray or RGB pixels. A ValueError says why that is impossible.

    Args:
        size: (height, width) that the pixels will be `fitted` to; much larger JPEGs are decoded at reduced size.
    """
    if isinstance(content, bytes):
        return pixels_of(decoded(content, background, size))
    return content if content.shape[2] in (1, 3) else pixels_of(opaque(picture_of(content), background))


def _conformed(pixels: UInt8[np.ndarray, "h w c"], shape: ImageShape) -> UInt8[np.ndarray, "H W C"]:
    if pixels.shape == shape.array:
        return np.array(pixels)
    return pixels_of(fitted(picture_of(pixels), shape.size), shape.channels)


def _header_in(listing: Listing, number: int) -> Header | None:
    """None for an unreadable file, which `read` reports later."""
    try:
        return _header(listing.read(number))
    except (OSError, ValueError, MemoryError):
        return None


def _header(content: bytes | np.ndarray) -> Header:
    if isinstance(content, np.ndarray):
        return Header(content.shape[:2], content.shape[2] < 3, content.shape[2] in (2, 4))
    return header(content)
