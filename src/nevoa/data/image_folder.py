"""A folder of images with classes and splits, by the rule of `datasets`' imagefolder and torchvision's ImageFolder.

1. A table `metadata.csv` or `metadata.jsonl` with the columns `file_name` and `label` gives the classes.
2. Otherwise the class of an image is its innermost folder.
3. Folders of the first level that are called train, test or validation are splits; without them everything is train.

Folders around everything are looked through. A layout that this rule does not settle is refused.
"""

from collections.abc import Mapping, Sequence
from itertools import compress, takewhile

import numpy as np

from nevoa.data.decode import START_BYTES, SUFFIXES, is_picture
from nevoa.data.listing import Bad, Listing, classes_of, labels_by
from nevoa.data.sources.folder import Entry
from nevoa.data.sources.metadata import classes_in, is_table
from nevoa.data.splits import KEYWORDS, TRAIN, no_split, split_in
from nevoa.errors import NevoaError, reason

# Formats of photographs that are not opened; users would miss them.
NOT_OPENED = {".heic", ".heif", ".avif", ".jp2", ".jxl"}

Folders = tuple[str, ...]


def list_entries(entries: Sequence[Entry], bad: Sequence[Bad], split: str, where: str) -> Listing:
    """List the images of a split among files; `bad` were left out before. A class has the same number in all splits.

    A NevoaError, which calls the folder `where`, if there is no such split, or the rule does not settle the layout.
    """
    images, unread = _images(entries)
    tables = [entry for entry in entries if is_table(entry.path)]
    known, unfit = classes_in(tables, {entry.path for entry in images}, where)
    splits, folders = _splits([entry.path for entry in images], where)
    if split not in splits and (images or split != TRAIN):
        raise no_split(split, set(splits) or {TRAIN})
    names: dict[str, str | None] = {}
    for one in set(splits):
        within = [part == one for part in splits]
        names |= _classes(list(compress(images, within)), list(compress(folders, within)), known, where)
    own = [entry for entry, part in zip(images, splits, strict=True) if part == split]
    own_names = [names[entry.path] for entry in own]
    classes = classes_of(names.values()) if any(own_names) else ()
    labels = labels_by(classes, own_names)
    unnamed = [Bad(own[i].path, "no metadata table names its class") for i in np.flatnonzero(labels < 0).tolist()]
    return Listing(
        read=lambda index: own[index].content(),
        file=lambda index: own[index].path,
        labels=labels,
        classes=classes,
        bad=(*bad, *unread, *unfit, *unnamed),
        ignored=len(entries) - len(images) - len(unread) - len(tables),
    ).take(np.flatnonzero(labels >= 0))


def _images(entries: Sequence[Entry]) -> tuple[list[Entry], list[Bad]]:
    """Return the files that are images or claim to be, and those that nevoa cannot open."""
    images, unread = [], []
    for entry in entries:
        try:
            if entry.suffix in SUFFIXES or is_picture(entry.read(START_BYTES)):
                images.append(entry)
            elif entry.suffix in NOT_OPENED:
                kind = entry.suffix[1:].upper()
                unread.append(Bad(entry.path, f"nevoa does not open {kind}: save it as PNG or JPEG"))
        except (OSError, ValueError) as error:
            unread.append(Bad(entry.path, reason(error)))
    return images, unread


def _splits(paths: Sequence[str], where: str) -> tuple[list[str], list[Folders]]:
    """Return the split of each image and its folders below that."""
    folders = _unwrapped([tuple(path.split("/")[:-1]) for path in paths])
    named = {parts[0]: split_in(parts[0]) for parts in folders if parts}
    known = ", ".join(sorted(name for name, split in named.items() if split))
    splits = [named[parts[0]] if parts else None for parts in folders]
    if known:
        folders = [parts[1:] for parts in folders]
    for path, split, parts in zip(paths, splits, folders, strict=True):
        if known and split is None:
            raise NevoaError(
                f"{where}: {path} lies beside the split folders ({known}). Move it into one of them or elsewhere; if a "
                "class is called like a split, rename its folder."
            )
        inner = {KEYWORDS[name.lower()] for name in parts if name.lower() in KEYWORDS} - {split}
        if inner:
            raise NevoaError(
                f"{where}: {path} lies in a split folder below other folders. Put splits first, as in "
                f"{inner.pop()}/CLASS/{path.rpartition('/')[2]}; if it is a class, rename its folder."
            )
    return [split or TRAIN for split in splits], folders


def _unwrapped(folders: list[Folders]) -> list[Folders]:
    """Remove the folders around everything, down to one that is called train, test or validation."""
    pairs = zip(min(folders, default=()), max(folders, default=()), strict=False)
    around = list(takewhile(lambda pair: pair[0] == pair[1] and pair[0].lower() not in KEYWORDS, pairs))
    return [parts[len(around) :] for parts in folders]


def _classes(
    images: Sequence[Entry], folders: Sequence[Folders], known: Mapping[str, str], where: str
) -> dict[str, str | None]:
    """Return the class name of each image of a split by its path, or None where it has none."""
    if any(entry.path in known for entry in images):
        return {entry.path: known.get(entry.path) for entry in images}
    shallow, deep = (choose(range(len(images)), key=lambda number: len(folders[number])) for choose in (min, max))
    if len(folders[shallow]) != len(folders[deep]):
        rows = "".join(f"\n{images[number].path},CLASS" for number in (shallow, deep))
        raise NevoaError(
            f"{where}: {images[shallow].path} and {images[deep].path} lie at different depths, so that folders do not "
            f"tell the classes. Put each image into the folder of its class, or write {where}/metadata.csv:\n"
            f"file_name,label{rows}"
        )
    return {entry.path: parts[-1] if parts else None for entry, parts in zip(images, folders, strict=True)}
