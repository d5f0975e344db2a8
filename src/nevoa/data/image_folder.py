"""What is on the pictures among some files: sub-folders, or a table of metadata, say it."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from nevoa.data.decode import SUFFIXES, is_picture
from nevoa.data.listing import Bad, Listing, classes_of, labels_by
from nevoa.data.metadata import classes_in, is_table
from nevoa.data.sources.folder import Entry
from nevoa.data.splits import TRAIN, Parts, at, no_split, parted, shared_depth
from nevoa.errors import reason

NO_CLASS = "it has no class: it lies beside the folders of classes, or no table mentions it"
# Photographs that a user will miss; a drawing of a kind that is not opened most often lies beside one that is.
NOT_OPENED = {".heic", ".heif", ".avif", ".jp2", ".jxl"}


def list_entries(entries: Sequence[Entry], split: str, bad: Sequence[Bad] = ()) -> Listing:
    """The pictures among files, with their classes: from a table `metadata.csv` or `.jsonl`, else from sub-folders.

    Sub-folders `train`, `test` and the like are splits; without any, all is `train`. A class has the same number in all
    splits. Pictures that have no class where most have one are left out, and listed.

    A NevoaError if there is no such split.
    """
    pictures, unread = _pictures(entries)
    tables = [entry for entry in entries if is_table(entry.path)]
    known, useless = classes_in(tables, {entry.path for entry in pictures})
    broken = [*bad, *unread, *useless]
    splits, folders = parted([PurePosixPath(entry.path).parts[:-1] for entry in pictures])
    if split not in splits and (pictures or split != TRAIN):
        raise no_split(split, {one for one in splits if one} or {TRAIN})
    names = _names(pictures, known, folders, splits)
    kept, unnamed = [], []
    for number, (own, name) in enumerate(zip(splits, names, strict=True)):
        if own == split:
            (kept if name is not None else unnamed).append(number)
        elif own is None:
            broken.append(Bad(pictures[number].path, "it is in none of the folders of splits"))
    classes = classes_of(name for own, name in zip(splits, names, strict=True) if own) if kept else ()
    if classes:
        broken += [Bad(pictures[number].path, NO_CLASS) for number in unnamed]
    else:
        kept = sorted(kept + unnamed)
    return Listing(
        count=len(kept),
        read=lambda index: pictures[kept[index]].read(),
        file=lambda index: pictures[kept[index]].path,
        labels=labels_by(classes, (names[number] for number in kept)),
        classes=classes,
        bad=tuple(broken),
        ignored=len(entries) - len(pictures) - len(unread) - len(tables),
    )


def _pictures(entries: Sequence[Entry]) -> tuple[list[Entry], list[Bad]]:
    """The files that are pictures, or claim to be, and those that are none that is opened here."""
    pictures, unread = [], []
    for entry in entries:
        suffix = PurePosixPath(entry.path).suffix.lower()
        try:
            if suffix in SUFFIXES or is_picture(entry.start()):
                pictures.append(entry)
            elif suffix in NOT_OPENED:
                unread.append(Bad(entry.path, f"{suffix[1:].upper()} is not opened: save it as PNG or JPEG"))
        except (OSError, ValueError) as error:
            unread.append(Bad(entry.path, reason(error)))
    return pictures, unread


def _names(
    pictures: Sequence[Entry], known: Mapping[str, str], folders: Sequence[Parts], splits: Sequence[str | None]
) -> Sequence[str | None]:
    """The class of each by a table, if that knows any to train on, else by its folder, if most of those are in one."""
    by_table: Sequence[str | None] = [known.get(entry.path) for entry in pictures]
    within = {split for name, split in zip(by_table, splits, strict=True) if name}
    if TRAIN in within or (within and TRAIN not in splits):
        return by_table
    trained = [parts for parts, split in zip(folders, splits, strict=True) if split == TRAIN]
    for basis in (trained, folders):
        names = at(folders, shared_depth(basis))
        if 2 * at(basis, shared_depth(basis)).count(None) < len(basis):
            return _without_strangers([told or name for told, name in zip(by_table, names, strict=True)], splits)
    return [None] * len(pictures)


def _without_strangers(names: Sequence[str | None], splits: Sequence[str | None]) -> Sequence[str | None]:
    """No class where a split has none of those to train on: a folder `test/unknown` is no class."""
    of_split: dict[str | None, set[str]] = {}
    for name, split in zip(names, splits, strict=True):
        of_split.setdefault(split, set()).update([name] if name else [])
    learned = of_split.get(TRAIN)
    return [
        None if learned and of_split[split].isdisjoint(learned) else name
        for name, split in zip(names, splits, strict=True)
    ]
