"""From a source to its store: every image read, decoded and made alike, once."""

import hashlib
import json
import math
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from nevoa._util.files import check_room, explained, remove, sweep, sync
from nevoa.data.decode import colour
from nevoa.data.listing import Bad, Listing
from nevoa.data.parallel import each
from nevoa.data.partial_store import Parts
from nevoa.data.reading import read, shape_of
from nevoa.data.selection import Selected, Selection, chosen
from nevoa.data.sources.find import Source
from nevoa.data.store import FORMAT, Notes, cache_folder, write_card
from nevoa.errors import NevoaError

PART_BYTES = 64_000_000


@dataclass(frozen=True)
class Progress:
    """How far a preparation is: files read of those wanted, how many of them were left out, and the disk it takes."""

    done: int
    total: int
    bad: int
    disk_bytes: int


def store_folder(source: Source, choice: Selection) -> Path:
    """Where the images of a source, so chosen, are kept. Another content or choice has another place."""
    key = json.dumps([FORMAT, source.identity, asdict(choice)])
    slug = re.sub(r"[^A-Za-z0-9]+", "_", source.name).strip("_")[:40] or "images"
    return cache_folder() / f"{slug}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def prepare(source: Source, choice: Selection) -> Iterator[Progress]:
    """Make the store of a source, so chosen, unless it is there; one that was begun and killed is gone on with.

    A NevoaError if there are no images, or no room.
    """
    folder = store_folder(source, choice)
    if folder.exists():
        return
    with explained("write", folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if not folder.exists():  # else another process was first
                yield from _prepare(source, choice, folder)


def _prepare(source: Source, choice: Selection, folder: Path) -> Iterator[Progress]:
    colour(choice.background)
    listing = source.list()
    wanted = chosen(listing, choice)
    if not len(wanted.numbers):
        raise NevoaError(f"There are no pictures in {source.text}{_why(listing.bad)}.")
    shape, partial = shape_of(listing, wanted.numbers, choice), folder.with_name(f".{folder.name}.partial")
    parts = Parts(partial, shape)
    begun = list(parts.lines())
    if [line["file"] for line in begun] != [listing.file(number) for number in wanted.numbers[: len(begun)].tolist()]:
        remove(partial)  # another content was begun there
        begun = []
    needed = len(wanted.numbers) * int(np.prod(shape.array)) - parts.bytes_so_far()
    check_room(partial, needed, f"The store of {source.name}")
    partial.mkdir(exist_ok=True)
    sweep(partial)
    yield from _read_all(parts, begun, listing, wanted, choice.background)
    _close(parts, source, listing, wanted)
    partial.rename(folder)
    sync(folder.parent)


def _read_all(
    parts: Parts, begun: Sequence[Mapping[str, Any]], listing: Listing, wanted: Selected, background: str
) -> Iterator[Progress]:
    """Read what is not among the lines of parts that an earlier try has finished."""
    total, image_bytes = len(wanted.numbers), int(np.prod(parts.shape.array))
    done, bad = len(begun), sum("reason" in line for line in begun)
    kept, lines = done - bad, []
    yield Progress(done, total, bad, total * image_bytes)
    images = np.empty((min(total, max(1, PART_BYTES // image_bytes)), *parts.shape.array), np.uint8)
    filled = 0
    for found in each(lambda number: read(listing, number, parts.shape, background), wanted.numbers[done:].tolist()):
        lines.append(found.line)
        if found.pixels is not None:
            images[filled] = found.pixels
            filled += 1
        done, bad = done + 1, bad + (found.pixels is None)
        yield Progress(done, total, bad, total * image_bytes)
        if len(lines) == len(images) or done == total:
            parts.append(kept, images[:filled], lines)
            kept, filled, lines = kept + filled, 0, []


def _close(parts: Parts, source: Source, listing: Listing, wanted: Selected) -> None:
    """Make finished parts a store."""
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
        raise NevoaError(f"No picture in {source.text} could be read{_why(bad)}.")
    parts.close(len(kept))
    duplicates = len(sums) - len(np.unique(np.array(sums, np.uint64)))
    by_area = sorted(sizes, key=math.prod)
    notes = Notes(source.text, source.licence, tuple(bad), listing.ignored, duplicates, (by_area[0], by_area[-1]))
    labels = wanted.labels[kept] if wanted.classes else np.zeros(len(kept), np.int64)
    write_card(parts.folder, source.name, labels, wanted.classes, notes)


def _why(bad: Iterable[Bad]) -> str:
    first = next(iter(bad), None)
    return f"; the first, {first.name}: {first.reason}" if first else ""
