"""Read images to be evaluated without changing or skipping any."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from nevoa.data.decode import size_in_words
from nevoa.data.find import find_source
from nevoa.data.reading import whole
from nevoa.errors import NevoaError, reason


def read_unchanged(path: Path, count: int | None = None) -> UInt8[np.ndarray, "N H W C"]:
    """Return the first `count` images of a file or folder, sorted by name, at their own size.

    A NevoaError if one cannot be read, or differs in size from the first.
    """
    if not path.exists():
        raise NevoaError(f"There is no file or folder {path}.")
    listing = find_source(str(path.absolute())).list()  # a path, never a data set of the catalogue
    if listing.bad:
        raise NevoaError(f"{path}: {listing.bad[0].name}: {listing.bad[0].reason}.")
    if not listing.count:
        raise NevoaError(f"There are no images in {path}.")
    images: list[np.ndarray] = []
    for number in range(min(count or listing.count, listing.count)):
        try:
            images.append(whole(listing.read(number)))
        except (OSError, ValueError) as error:
            raise NevoaError(f"{path}: {listing.file(number)}: {reason(error)}.") from error
        if images[-1].shape != images[0].shape:
            first, other = (size_in_words(*pixels.transpose(2, 0, 1).shape) for pixels in (images[0], images[-1]))
            raise NevoaError(
                f"The images in {path} differ: {listing.file(0)} is {first}, {listing.file(number)} is {other}."
            )
    return np.stack(images)
