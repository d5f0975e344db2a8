"""Make the store of a source: read, decode and resize every image once."""

import hashlib
import json
import math
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from nevoa._util.files import check_room, explained, remove, sweep, sync
from nevoa.config import DataConfig
from nevoa.data.cache import cache_folder, lock_file, partial_folder
from nevoa.data.decode import colour
from nevoa.data.find import Source
from nevoa.data.listing import Bad, Listing
from nevoa.data.parallel import each
from nevoa.data.partial_store import Parts
from nevoa.data.reading import read, shape_of
from nevoa.data.selection import Selected, chosen, sides_of
from nevoa.data.store import FORMAT, Notes, write_about
from nevoa.errors import NevoaError

PART_BYTES = 64_000_000


@dataclass(frozen=True)
class Preparation:
    """The progress of a preparation: files read, files in all, files left out, and the disk space of the store."""

    done: int
    total: int
    bad: int
    disk_bytes: int


def store_folder(source: Source, data: DataConfig) -> Path:
    """Return where the selected images of a source are kept; another content or selection has another place."""
    selection = {"split": data.split, "classes": data.only, "limit": data.limit, "size": sides_of(data)}
    options = {"channels": data.channels, "background": data.background}
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
    with explained("write", folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock_file(folder)):
            if not folder.exists():  # another process may have made it meanwhile
                yield from _prepare(source, data, folder)


def _prepare(source: Source, data: DataConfig, folder: Path) -> Iterator[Preparation]:
    colour(data.background)
    listing = source.list()
    wanted = chosen(listing, data)
    if not len(wanted.numbers):
        raise NevoaError(f"There are no images in {source.text}{_why(listing.bad)}.")
    shape, partial = shape_of(listing, wanted.numbers, data), partial_folder(folder)
    parts = Parts(partial, shape)
    begun = list(parts.lines())
    if [line["file"] for line in begun] != [listing.file(number) for number in wanted.numbers[: len(begun)].tolist()]:
        remove(partial)  # it was begun with other files
        begun = []
    needed = len(wanted.numbers) * int(np.prod(shape.array)) - parts.bytes_so_far()
    check_room(partial, needed, f"The store of {source.name}")
    partial.mkdir(exist_ok=True)
    sweep(partial)
    yield from _read_all(parts, begun, listing, wanted, data.background)
    _close(parts, source, listing, wanted)
    partial.rename(folder)
    sync(folder.parent)


def _read_all(
    parts: Parts, begun: Sequence[Mapping[str, Any]], listing: Listing, wanted: Selected, background: str
) -> Iterator[Preparation]:
    """Read the files that follow the finished parts, whose lines are `begun`."""
    total, image_bytes = len(wanted.numbers), int(np.prod(parts.shape.array))
    done, bad = len(begun), sum("reason" in line for line in begun)
    kept, lines = done - bad, []
    yield Preparation(done, total, bad, total * image_bytes)
    images = np.empty((min(total, max(1, PART_BYTES // image_bytes)), *parts.shape.array), np.uint8)
    filled = 0
    for found in each(lambda number: read(listing, number, parts.shape, background), wanted.numbers[done:].tolist()):
        lines.append(found.line)
        if found.pixels is not None:
            images[filled] = found.pixels
            filled += 1
        done, bad = done + 1, bad + (found.pixels is None)
        yield Preparation(done, total, bad, total * image_bytes)
        if len(lines) == len(images) or done == total:
            parts.append(kept, images[:filled], lines)
            kept, filled, lines = kept + filled, 0, []


def _close(parts: Parts, source: Source, listing: Listing, wanted: Selected) -> None:
    """Turn finished parts into a store."""
    bad, sums, kept, sizes = list(listing.bad), [], [], set()
    for place, line in enumerate(parts.lines()):
        if "reason" in line:
            bad.append(Bad(line["file"], line["reason"]))
        else:
            kept.append(place)
            sums.append(int(line["sha256"][:16], 16))
            sizes.add(tuple(line["size"]))
    if not kept:
        shutil.rmtree(parts.folder)
        raise NevoaError(f"No image in {source.text} can be read{_why(bad)}.")
    parts.close(len(kept))
    duplicates = len(sums) - len(np.unique(np.array(sums, np.uint64)))
    by_area = sorted(sizes, key=math.prod)
    notes = Notes(source.text, source.licence, tuple(bad), listing.ignored, duplicates, (by_area[0], by_area[-1]))
    labels = wanted.labels[kept] if wanted.classes else np.zeros(len(kept), np.int64)
    write_about(parts.folder, source.name, labels, wanted.classes, notes)


def _why(bad: Iterable[Bad]) -> str:
    first = next(iter(bad), None)
    return f"; the first, {first.name}: {first.reason}" if first else ""
