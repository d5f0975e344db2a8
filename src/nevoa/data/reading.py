"""From the files of a listing to pixels of one shape."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from nevoa.data.decode import WHITE, Header, Size, decoded, fitted, header, opaque, picture_of, pixels_of
from nevoa.data.listing import Listing
from nevoa.data.parallel import each
from nevoa.data.selection import Selection
from nevoa.errors import reason

# Images that differ in size, or are large, are made so large; those that are alike keep their own up to twice that.
USUAL_SIDE, LARGEST_OWN_SIDE = 64, 128


@dataclass(frozen=True)
class Shape:
    """What all images of a store are: height, width, channels."""

    size: Size
    channels: int

    @property
    def array(self) -> tuple[int, int, int]:
        return (*self.size, self.channels)


@dataclass(frozen=True)
class Read:
    """What came of one file: its own size and its pixels, or the reason why there are none."""

    file: str
    sha256: str = ""
    reason: str = ""
    size: Size | None = None
    pixels: UInt8[np.ndarray, "H W C"] | None = None

    @property
    def line(self) -> dict[str, Any]:
        """What a store keeps of it."""
        parts = {"file": self.file, "sha256": self.sha256, "reason": self.reason, "size": self.size}
        return {name: part for name, part in parts.items() if part}


def read(listing: Listing, number: int, shape: Shape, background: str) -> Read:
    """File `number` of a listing as an image of that shape."""
    file, digest = listing.file(number), ""
    try:
        content = listing.read(number)
        digest = hashlib.sha256(content if isinstance(content, bytes) else content.tobytes()).hexdigest()
        pixels = _alike(whole(content, background, shape.size), shape)
        return Read(file, digest, size=_header(content).size, pixels=pixels)
    except MemoryError:
        return Read(file, digest, "there is not enough memory for it")
    except (OSError, ValueError) as error:
        return Read(file, digest, reason(error))


def shape_of(listing: Listing, numbers: Int64[np.ndarray, " N"], choice: Selection) -> Shape:
    """The shape for some files of a listing: as chosen, else as the listing has it, else as their headers suggest."""
    own = _usual({listing.size}) if listing.size else None
    size, channels = choice.size or own, choice.channels or listing.channels
    if size and channels:
        return Shape(size, channels)
    found = [head for head in each(lambda number: _header_in(listing, number), numbers.tolist()) if head is not None]
    gray = bool(found) and all(head.gray_on(choice.background) for head in found)
    return Shape(size or _usual({head.size for head in found}), channels or (1 if gray else 3))


def _usual(sizes: set[Size]) -> Size:
    own = next(iter(sizes)) if len(sizes) == 1 else None
    return own if own and max(own) <= LARGEST_OWN_SIDE else (USUAL_SIDE, USUAL_SIDE)


def whole(content: bytes | np.ndarray, background: str = WHITE, size: Size | None = None) -> UInt8[np.ndarray, "h w c"]:
    """What a listing has read, as gray or RGB pixels; of its own size unless it is to be `fitted` to another.

    A ValueError says why there are none.
    """
    if isinstance(content, bytes):
        return pixels_of(decoded(content, background, size))
    return content if content.shape[2] in (1, 3) else pixels_of(opaque(picture_of(content), background))


def _alike(pixels: UInt8[np.ndarray, "h w c"], shape: Shape) -> UInt8[np.ndarray, "H W C"]:
    if pixels.shape == shape.array:
        return np.array(pixels)
    return pixels_of(fitted(picture_of(pixels), shape.size), shape.channels)


def _header_in(listing: Listing, number: int) -> Header | None:
    """None for what cannot be read: that is said when it is to be read whole."""
    try:
        return _header(listing.read(number))
    except (OSError, ValueError, MemoryError):
        return None


def _header(content: bytes | np.ndarray) -> Header:
    if isinstance(content, np.ndarray):
        return Header(content.shape[:2], content.shape[2] < 3, content.shape[2] in (2, 4))
    return header(content)
