"""Make the store of a source: read, decode and resize every image once."""

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from nevoa._util.files import check_room, explained, read_lines, remove, sweep, sync, write_text
from nevoa.config import SMALLEST_SIDE, DataConfig
from nevoa.data.cache import cache_folder, lock_file, made_cache_folder, partial_folder
from nevoa.data.decode import Size, colour
from nevoa.data.find import Source
from nevoa.data.held_out import divided
from nevoa.data.listing import Bad, Listing
from nevoa.data.parallel import each
from nevoa.data.reading import LARGEST_OWN_SIDE, Shape, Shapes, read_pair, selected, shapes_of, sides_of
from nevoa.data.selection import limited, with_column
from nevoa.data.splits import TRAIN, split_named
from nevoa.data.store import FORMAT, IMAGES, write_about
from nevoa.errors import NevoaError

PART_BYTES = 64_000_000
# The length of numpy's header for our shapes. It is written last, when the number of images is known.
HEADER_BYTES = 128


@dataclass(frozen=True)
class Preparation:
    """The progress of a preparation: files read, files in all, files left out, and the disk space of the store."""

    done: int
    total: int
    bad: int
    disk_bytes: int


def store_folder(source: Source, data: DataConfig) -> Path:
    """Return the folder for the selected images of a source; other images or options get another folder."""
    selection = {"split": data.split, "classes": data.only, "limit": data.limit, "size": sides_of(data)}
    options = {"channels": data.channels, "background": data.background}
    options |= {"fit": data.fit} if data.fit != "crop" else {}
    options |= {"holdout": data.holdout} if data.holdout else {}
    options |= {"min_size": data.min_size} if data.min_size else {}
    options |= {"caption_column": data.caption_column} if data.caption_column else {}
    key = json.dumps([FORMAT, source.identity, selection | options])
    slug = re.sub(r"[^A-Za-z0-9]+", "_", source.name).strip("_")[:40] or "images"
    return cache_folder() / f"{slug}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def prepare(source: Source, data: DataConfig) -> Iterator[Preparation]:
    """Make the store of the selected images of a source if it does not exist; an interrupted preparation resumes.

    A NevoaError if there are no images, or too little disk space.
    """
    folder = store_folder(source, data)
    if folder.exists():
        return
    made_cache_folder()
    with explained("write", folder), FileLock(lock_file(folder)):
        if not folder.exists():  # another process may have made it meanwhile
            yield from _prepare(source, data, folder)


def _prepare(source: Source, data: DataConfig, folder: Path) -> Iterator[Preparation]:
    colour(data.background)  # refuses a name that is not a colour
    listing = selected(with_column(source.list(), data, source.text), data)
    listing = limited(divided(listing, data) if data.holdout else listing, data)
    if not len(listing):
        raise NevoaError(f"There are no images in {source.text}{_why(listing.notes.bad)}.")
    shapes, partial = shapes_of(listing, data), partial_folder(folder)
    begun = list(records(partial))
    if [record["file"] for record in begun] != [listing.file(i) for i in range(min(len(begun), len(listing)))]:
        remove(partial)  # it was begun with other files
        begun = []
    images = partial / IMAGES
    so_far = images.stat().st_size if images.exists() else 0
    check_room(partial, len(listing) * _bytes(shapes) - so_far, f"The store of {source.name}")
    partial.mkdir(exist_ok=True)
    sweep(partial)
    yield from _read_all(listing, shapes, data, partial, begun)
    _close(listing, shapes, source, partial, data)
    partial.rename(folder)
    sync(folder.parent)


def _read_all(
    listing: Listing, shapes: Shapes, data: DataConfig, partial: Path, begun: Sequence[Mapping[str, Any]]
) -> Iterator[Preparation]:
    """Read the files that follow those `begun`, and write them in parts."""
    total, image_bytes = len(listing), _bytes(shapes)
    done, bad = len(begun), sum("reason" in record for record in begun)
    images, records = [], []
    yield Preparation(done, total, bad, total * image_bytes)
    for record, pixels in each(lambda number: read_pair(listing, number, shapes, data), range(done, total)):
        records.append(record)
        images += [] if pixels is None else [pixels]
        done, bad = done + 1, bad + (pixels is None)
        yield Preparation(done, total, bad, total * image_bytes)
        if len(records) == max(1, PART_BYTES // image_bytes) or done == total:
            _append(partial, HEADER_BYTES + (done - bad - len(images)) * image_bytes, images, records)
            images, records = [], []


def _bytes(shapes: Shapes) -> int:
    """Of an image and its picture."""
    return sum(map(math.prod, shapes))


def _append(partial: Path, start: int, images: Iterable[np.ndarray], records: Iterable[Mapping[str, Any]]) -> None:
    """Write a part: its pixels from byte `start` of images.npy on, then the records that complete it."""
    path = partial / IMAGES
    with explained("write", path):
        with path.open("r+b" if path.exists() else "wb") as file:
            file.seek(start)
            file.writelines(image.tobytes() for image in images)
        sync(path)
    number = len(list(partial.glob("files-*.jsonl")))
    write_text(partial / f"files-{number:05d}.jsonl", "".join(json.dumps(record) + "\n" for record in records))


def records(partial: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of the finished parts. A part without records was interrupted and is overwritten."""
    for path in sorted(partial.glob("files-*.jsonl")):
        yield from read_lines(path)


def _close(listing: Listing, shapes: Shapes, source: Source, partial: Path, data: DataConfig) -> None:
    """Turn finished parts into a store."""
    bad, sums, kept = list(listing.notes.bad), set(), []
    sizes: Counter[Size] = Counter()
    for number, record in enumerate(records(partial)):
        if "reason" in record:
            bad.append(Bad(record["file"], record["reason"]))
        else:
            kept.append(number)
            sums.add(int(record["sha256"][:16], 16))
            sizes[tuple(record["size"])] += 1
    if not kept:
        remove(partial)
        raise NevoaError(f"Cannot read any image in {source.text}{_why(bad)}.")
    with (partial / IMAGES).open("r+b") as file:
        row = shapes[0] if len(shapes) == 1 else (_bytes(shapes),)
        header = {"descr": "|u1", "fortran_order": False, "shape": (len(kept), *row)}
        np.lib.format.write_array_header_1_0(file, header)
        assert file.tell() == HEADER_BYTES
        file.truncate(HEADER_BYTES + len(kept) * _bytes(shapes))  # cuts off the rest of an interrupted part
    sync(partial / IMAGES)
    by_area, listing = sorted(sizes, key=math.prod), listing.take(np.array(kept))
    notes = replace(
        listing.notes,
        source=source.text,
        licence=source.licence,
        bad=tuple(bad),
        duplicates=len(kept) - len(sums),
        sizes=(by_area[0], by_area[-1]),
        most=_size_of_most(sizes, shapes[0]) if data.size is None and listing.size is None else None,
        held_out=int(data.holdout) if split_named(data.split) == TRAIN else 0,
        captions=sum(map(bool, listing.captions)),
    )
    write_about(partial, source.name, listing, notes, shapes)


def _size_of_most(sizes: Counter[Size], shape: Shape) -> Size | None:
    """Return the size of more than half of the images, if they could be trained on at it and were resized."""
    size, count = sizes.most_common(1)[0]
    good = min(size) >= SMALLEST_SIDE and max(size) <= LARGEST_OWN_SIDE
    return size if size != shape[:2] and good and 2 * count > sizes.total() else None


def _why(bad: Iterable[Bad]) -> str:
    first = next(iter(bad), None)
    return f"; the first unusable file is {first.name}: {first.reason}" if first else ""
