"""Images to be measured: as they are, all of them, or not at all."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from nevoa.data.decode import size_in_words
from nevoa.data.reading import whole
from nevoa.data.sources.find import find_source
from nevoa.errors import NevoaError, reason


def read_unchanged(path: Path, count: int | None = None) -> UInt8[np.ndarray, "N H W C"]:
    """The first `count` images of a file or folder, in the order of their names: nothing is resized or left out.

    A NevoaError if one cannot be read or is of another size than the first.
    """
    if not path.exists():
        raise NevoaError(f"There is no file or folder {path}.")
    listing = find_source(str(path.absolute())).list()  # never a data set of the catalogue
    if listing.bad:
        raise NevoaError(f"{path}: {listing.bad[0].name}: {listing.bad[0].reason}.")
    if not listing.count:
        raise NevoaError(f"There are no pictures in {path}.")
    pictures: list[np.ndarray] = []
    for number in range(min(count or listing.count, listing.count)):
        try:
            pictures.append(whole(listing.read(number)))
        except (OSError, ValueError) as error:
            raise NevoaError(f"{path}: {listing.file(number)}: {reason(error)}.") from error
        if pictures[-1].shape != pictures[0].shape:
            first, other = (size_in_words(*pixels.transpose(2, 0, 1).shape) for pixels in (pictures[0], pictures[-1]))
            raise NevoaError(
                f"The pictures in {path} differ: {listing.file(0)} is {first}, {listing.file(number)} {other}."
            )
    return np.stack(pictures)
