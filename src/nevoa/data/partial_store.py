"""One array that is written in parts, each of them for good."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from nevoa._util.files import explained, read_lines, write_text
from nevoa.data.reading import Shape
from nevoa.data.store import ARRAYS

# What numpy makes of a header as short as ours; the shape in it is written last, when it is known.
HEADER_BYTES = 128


class Parts:
    """images.npy in a folder, growing: after each part is on the disk, a file says which files it was made of.

    What was written of a part without such a file is written over.

    Args:
        shape: of an image.
    """

    def __init__(self, folder: Path, shape: Shape):
        self.folder, self.shape = folder, shape
        self._image_bytes = int(np.prod(shape.array))

    def finished(self) -> int:
        """How many parts there are."""
        return len(list(self.folder.glob("files-*.jsonl")))

    def lines(self) -> Iterator[dict[str, Any]]:
        """What the finished parts were made of: a line for each file that was read, in order."""
        return (line for number in range(self.finished()) for line in read_lines(self._path(number)))

    def bytes_so_far(self) -> int:
        """What the images take on the disk already."""
        path = self.folder / ARRAYS[0]
        return path.stat().st_size if path.exists() else 0

    def append(self, first: int, images: UInt8[np.ndarray, "n H W C"], lines: Sequence[Mapping[str, Any]]) -> None:
        """Write a part: its images are number `first` and on."""
        path = self.folder / ARRAYS[0]
        with explained("write", path), path.open("r+b" if path.exists() else "wb") as file:
            file.seek(HEADER_BYTES + first * self._image_bytes)
            file.write(images.tobytes())
            file.flush()
            os.fsync(file.fileno())
        write_text(self._path(self.finished()), "".join(json.dumps(line) + "\n" for line in lines))

    def close(self, count: int) -> None:
        """Write the header, for so many images in all, and cut off what a part that failed has left behind them."""
        path = self.folder / ARRAYS[0]
        with explained("write", path), path.open("r+b") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": (count, *self.shape.array)}
            np.lib.format.write_array_header_1_0(file, header)
            assert file.tell() == HEADER_BYTES
            file.truncate(HEADER_BYTES + count * self._image_bytes)
            file.flush()
            os.fsync(file.fileno())

    def _path(self, number: int) -> Path:
        return self.folder / f"files-{number:05d}.jsonl"
