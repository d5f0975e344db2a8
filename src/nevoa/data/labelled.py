"""What is on the pictures among some files: sub-folders, or a table of metadata, say it."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from nevoa.data.decode import SUFFIXES, is_picture
from nevoa.data.folder import Entry, printable
from nevoa.data.listing import LABEL_COLUMNS, Bad, Listing, classes_of, labels_by
from nevoa.errors import NevoaError, reason

NO_CLASS = "it has no class: it lies beside the folders of classes, or no table mentions it"
METADATA = "metadata.csv", "metadata.jsonl"
SPLITS = {
    "train": ("train", "training"),
    "test": ("test", "testing", "eval"),
    "validation": ("validation", "valid", "val", "dev"),
}


def list_entries(entries: Sequence[Entry], split: str, bad: Sequence[Bad] = ()) -> Listing:
    """The pictures among files, with their classes: from a table `metadata.csv` or `.jsonl`, else from sub-folders.

    Sub-folders `train`, `test` and the like are splits, as `datasets` has it; without any, all is `train`. A class has
    the same number in all splits. Pictures that have no class where most have one are left out, and listed.

    A NevoaError if there is no such split.
    """
    pictures, broken = [], list(bad)
    for entry in entries:
        try:
            if PurePosixPath(entry.path).suffix.lower() in SUFFIXES or is_picture(entry.start()):
                pictures.append(entry)
        except (OSError, ValueError) as error:
            broken.append(Bad(entry.path, reason(error)))
    tables = [entry for entry in entries if PurePosixPath(entry.path).name in METADATA]
    ignored = len(entries) - len(pictures) - len(tables) - (len(broken) - len(bad))
    splits, strays, depth = _splits(pictures)
    broken += [Bad(entry.path, "it is in none of the folders of splits") for entry in strays]
    if split not in splits:
        raise _no_split(split, splits)
    all_names = _names([entry for part in splits.values() for entry in part], _from_tables(tables), depth)
    classes, pictures = classes_of(all_names.values()), splits[split]
    names = [all_names[entry.path] for entry in pictures]
    if classes and None in names:
        broken += [Bad(entry.path, NO_CLASS) for entry, name in zip(pictures, names, strict=True) if name is None]
        pictures = [entry for entry, name in zip(pictures, names, strict=True) if name is not None]
    return Listing(
        count=len(pictures),
        read=lambda index: pictures[index].read(),
        file=lambda index: pictures[index].path,
        labels=labels_by(classes, names),
        classes=classes,
        bad=tuple(broken),
        ignored=ignored,
    )


def _splits(pictures: Sequence[Entry]) -> tuple[dict[str, list[Entry]], list[Entry], int]:
    """Pictures by split, those in none, and how deep the folders of splits are."""
    depth = _shared_depth(pictures, 0)
    tops = _folders_at(pictures, depth)
    word = {top: name for top in tops if top for name, words in SPLITS.items() if top.lower() in words}
    if not word or ("train" not in word.values() and set(word) != set(tops)):
        return {"train": list(pictures)}, [], 0  # a class may be called dev
    splits: dict[str, list[Entry]] = {}
    strays = []
    for entry, top in zip(pictures, tops, strict=True):
        (splits.setdefault(word[top], []) if top in word else strays).append(entry)
    return splits, strays, depth + 1


def _no_split(split: str, splits: Mapping[str, object]) -> NevoaError:
    if list(splits) == ["train"]:
        return NevoaError(
            f"There is no split '{split}': put its pictures into a sub-folder {split}, the rest into train."
        )
    return NevoaError(f"There is no split '{split}' here, but {', '.join(sorted(splits))}.")


def _names(pictures: Sequence[Entry], known: Mapping[str, str], depth: int) -> dict[str, str | None]:
    """The class of each by a table, if that knows any, else by its folder below `depth`, if most are in one."""
    names: Sequence[str | None] = [known.get(entry.path) for entry in pictures]
    if not any(names):
        names = _folders_at(pictures, _shared_depth(pictures, depth))
        names = names if 2 * names.count(None) < len(names) else [None] * len(names)
    return {entry.path: name for entry, name in zip(pictures, names, strict=True)}


def _shared_depth(pictures: Sequence[Entry], depth: int) -> int:
    """How deep the folder is, at least `depth`, in which pictures begin to lie in different ones."""
    while len(level := set(_folders_at(pictures, depth))) == 1 and level != {None}:
        depth += 1
    return depth


def _folders_at(pictures: Sequence[Entry], depth: int) -> list[str | None]:
    """The folder of each at a depth; None for what does not lie so deep."""
    folders = [PurePosixPath(entry.path).parts[:-1] for entry in pictures]
    return [parts[depth] if len(parts) > depth else None for parts in folders]


def _from_tables(tables: Sequence[Entry]) -> dict[str, str]:
    """The class of each picture that the tables have, by its path beside the table."""
    known: dict[str, str] = {}
    for table in tables:
        beside = table.path.rpartition("/")[0]
        for row in _rows(table):
            cells = (row.get(column) for column in LABEL_COLUMNS)
            label = next((cell for cell in cells if isinstance(cell, str | int) and cell != ""), None)
            if label is not None and isinstance(row.get("file_name"), str):
                known[f"{beside}/{row['file_name']}".lstrip("/")] = printable(str(label))
    return known


def _rows(table: Entry) -> list[dict[str, object]]:
    try:
        text = table.read().decode("utf-8-sig")
        if table.path.endswith(".csv"):
            # A row may have more cells than the head has names: those come under None.
            return [{name: cell for name, cell in row.items() if name} for row in csv.DictReader(io.StringIO(text))]
        return [row for line in text.splitlines() if line.strip() and isinstance(row := json.loads(line), dict)]
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        raise NevoaError(f"{table.path} cannot be read as a table: {error}.") from error
