"""Turn the files of a listing into pixels of one shape."""

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import UInt8

from nevoa.config import SMALLEST_SIDE, DataConfig
from nevoa.data.decode import Header, Size, fitted, header, is_coloured, padded, picture_of, pixels_of, pixels_within
from nevoa.data.listing import Listing
from nevoa.data.pairs import of_pairs
from nevoa.data.parallel import each
from nevoa.data.selection import of_classes
from nevoa.errors import NevoaError, reason

# Images that differ in size, or are larger than LARGEST_OWN_SIDE, become squares of USUAL_SIDE.
USUAL_SIDE, LARGEST_OWN_SIDE = 64, 128

Shape = tuple[int, int, int]
# Of the images, and of the pictures that belong to them if there are any.
Shapes = tuple[Shape] | tuple[Shape, Shape]


def sides_of(data: DataConfig) -> Size | None:
    """Return the (height, width) that a config asks for, if any.

    Example:
        >>> sides_of(DataConfig(source="photos/", size=64))
        (64, 64)
    """
    return (data.size, data.size) if isinstance(data.size, int) else data.size


def selected(listing: Listing, data: DataConfig) -> Listing:
    """Return the images of the classes and of the size that a config asks for; two folders of pairs as pairs."""
    return _large(of_classes(of_pairs(listing, data), data), data)


def _large(listing: Listing, data: DataConfig) -> Listing:
    """Leave out images that are smaller than `data.min_size`. Unreadable files stay: `read` reports them."""
    if data.min_size is None:
        return listing
    heads = each(lambda number: _header(listing, number, data.background), range(len(listing)))
    large = [number for number, head in enumerate(heads) if head is None or min(head.size) >= data.min_size]
    if len(listing) and not large:
        raise NevoaError(
            f"All {len(listing):,} images have a side below {data.min_size} pixels: choose a smaller --min-size."
        )
    notes = replace(listing.notes, small=len(listing) - len(large))
    return replace(listing.take(np.array(large, np.int64)), notes=notes)


def shapes_of(listing: Listing, data: DataConfig) -> Shapes:
    """Return the (H, W, C) of all images and, if each has one, of their pictures, which are gray or RGB as they are."""
    shape = shape_of(listing, data)
    if listing.pictures is None:
        return (shape,)
    return shape, shape_of(listing.pictures, data.model_copy(update={"size": shape[:2], "channels": None}))


def shape_of(listing: Listing, data: DataConfig) -> Shape:
    """Return the (H, W, C) of all images: as the config says, else the listing, else what their headers suggest."""
    size = sides_of(data) or (_usual({listing.size}) if listing.size else None)
    channels = data.channels or listing.channels
    if size is None or channels is None:
        found = each(lambda number: _header(listing, number, data.background), range(len(listing)))
        heads = {head for head in found if head is not None and min(head.size) >= SMALLEST_SIDE}
        size = size or _usual({head.size for head in heads})
        coloured_edges = data.fit == "pad" and is_coloured(data.background)
        channels = channels or (1 if heads and all(head.gray for head in heads) and not coloured_edges else 3)
    return *size, channels


def read_pair(
    listing: Listing, number: int, shapes: Shapes, data: DataConfig
) -> tuple[dict[str, Any], UInt8[np.ndarray, " bytes"] | None]:
    """Read an image of a listing as `read` does, and then its picture if it has one, as one row of bytes."""
    record, pixels = read(listing, number, shapes[0], data)
    if listing.pictures is None or pixels is None:
        return record, pixels if pixels is None else pixels.ravel()
    of_picture, picture = read(listing.pictures, number, shapes[-1], data)
    reason, size = of_picture.get("reason"), of_picture.get("size")
    if size and not _alike(record["size"], size):
        sides = " and ".join("x".join(map(str, one)) for one in (record["size"], size))
        reason = f"the two have different proportions, {sides}"
    if reason or picture is None:
        return {"file": record["file"], "reason": f"its picture {of_picture['file']}: {reason}"}, None
    return record, np.concatenate([pixels.ravel(), picture.ravel()])


def _alike(size: Size, other: Size) -> bool:
    """Whether two sizes have the same proportions, up to a pixel of the smaller one."""
    (height, width), (larger_height, larger_width) = sorted((size, other))
    return abs(height * larger_width - width * larger_height) <= max(larger_height, larger_width)


def read(
    listing: Listing, number: int, shape: Shape, data: DataConfig
) -> tuple[dict[str, Any], UInt8[np.ndarray, "H W C"] | None]:
    """Read an image of a listing.

    Return what its store records about the file, and the pixels; without pixels, the record has a `reason`.
    """
    record: dict[str, Any] = {"file": listing.file(number)}
    try:
        content = listing.read(number)
        record["sha256"] = hashlib.sha256(bytes(content)).hexdigest()
        size = header(content).size
        if isinstance(content, bytes) and min(size) < SMALLEST_SIDE:  # a training refuses such arrays
            small = f"nevoa trains on images of {SMALLEST_SIDE}x{SMALLEST_SIDE} or more"
            raise ValueError(f"it has {size[0]}x{size[1]} pixels; {small}")
        pixels = pixels_within(content, data.background, shape[:2])
        if pixels.shape != shape:
            pixels = _shaped(pixels, shape, data)
        return {**record, "size": size}, np.array(pixels)
    except MemoryError:
        return {**record, "reason": "it needs more memory than there is"}, None
    except (OSError, ValueError) as error:
        return {**record, "reason": reason(error)}, None


def _shaped(pixels: UInt8[np.ndarray, "H W C"], shape: Shape, data: DataConfig) -> UInt8[np.ndarray, "h w c"]:
    """Return an image at the size and with the channels of `shape`."""
    if data.fit == "pad":
        # The background may have a colour where the image has none.
        picture = picture_of(pixels_of(picture_of(pixels), shape[2]))
        return pixels_of(padded(picture, shape[:2], data.background))
    return pixels_of(fitted(picture_of(pixels), shape[:2]), shape[2])


def _usual(sizes: set[Size]) -> Size:
    own = next(iter(sizes)) if len(sizes) == 1 else None
    return own if own and max(own) <= LARGEST_OWN_SIDE else (USUAL_SIDE, USUAL_SIDE)


def _header(listing: Listing, number: int, background: str) -> Header | None:
    """Return None for an unreadable file, which `read` reports later."""
    try:
        return header(listing.read(number), background)
    except (OSError, ValueError, MemoryError):
        return None
