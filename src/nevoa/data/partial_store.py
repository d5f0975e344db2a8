"""An array that is written in parts, so that an interrupted preparation resumes after the last one."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from nevoa._util.files import explained, read_lines, write_text
from nevoa.data.reading import ImageShape
from nevoa.data.store import ARRAYS

# The length of numpy's header for our shapes. It is written last, when the number of images is known.
HEADER_BYTES = 128


class Parts:
    """images.npy in a folder, and for each finished part a list of the files that it was made of.

    A part without such a list was interrupted and is overwritten.
    """

    def __init__(self, folder: Path, shape: ImageShape):
        self.folder, self.shape = folder, shape
        self._image_bytes = int(np.prod(shape.array))

    def finished(self) -> int:
        """Return the number of finished parts."""
        return len(list(self.folder.glob("files-*.jsonl")))

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield a line for each file of the finished parts, in order."""
        return (line for number in range(self.finished()) for line in read_lines(self._path(number)))

    def bytes_so_far(self) -> int:
        """Return the size of images.npy so far."""
        path = self.folder / ARRAYS[0]
        return path.stat().st_size if path.exists() else 0

    def append(self, first: int, images: UInt8[np.ndarray, "n H W C"], lines: Sequence[Mapping[str, Any]]) -> None:
        """Write a part, whose first image has number `first`."""
        path = self.folder / ARRAYS[0]
        with explained("write", path), path.open("r+b" if path.exists() else "wb") as file:
            file.seek(HEADER_BYTES + first * self._image_bytes)
            file.write(images.tobytes())
            file.flush()
            os.fsync(file.fileno())
        write_text(self._path(self.finished()), "".join(json.dumps(line) + "\n" for line in lines))

    def close(self, count: int) -> None:
        """Write the header for `count` images, and cut off the rest of an interrupted part."""
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
