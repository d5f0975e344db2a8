"""What is on the pictures among some files: sub-folders, or a table of metadata, say it."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from nevoa.data.decode import SUFFIXES, is_picture
from nevoa.data.folder import Entry
from nevoa.data.listing import LABEL_COLUMNS, NO_LABELS, Bad, Listing, numbered
from nevoa.errors import NevoaError

METADATA = "metadata.csv", "metadata.jsonl"
SPLITS = {
    "train": ("train", "training"),
    "test": ("test", "testing", "eval"),
    "validation": ("validation", "valid", "val", "dev"),
}


def list_entries(entries: Sequence[Entry], split: str, bad: Sequence[Bad] = ()) -> Listing:
    """The pictures among files, with their classes: from a table `metadata.csv` or `.jsonl`, else from sub-folders.

    Sub-folders `train`, `test` and the like are splits, as `datasets` has it; without any, all is `train`. A NevoaError
    if there is no such split.
    """
    pictures, broken = [], list(bad)
    for entry in entries:
        try:
            if PurePosixPath(entry.path).suffix.lower() in SUFFIXES or is_picture(entry.start()):
                pictures.append(entry)
        except (OSError, ValueError) as error:
            broken.append(Bad(entry.path, getattr(error, "strerror", None) or str(error)))
    tables = [entry for entry in entries if PurePosixPath(entry.path).name in METADATA]
    ignored = len(entries) - len(pictures) - len(tables) - (len(broken) - len(bad))
    pictures = _in_split(pictures, split)
    names = _from_tables(tables, pictures) or _from_folders(pictures)
    labels, classes = numbered(names)
    if not classes and None in names and any(names):
        pictures, labels, classes = _only_labelled(pictures, names)
    return Listing(
        count=len(pictures),
        read=lambda index: pictures[index].read(),
        file=lambda index: pictures[index].path,
        labels=labels,
        classes=classes,
        bad=tuple(broken),
        ignored=ignored,
    )


def _in_split(pictures: Sequence[Entry], split: str) -> list[Entry]:
    tops = _next_folders(pictures)
    words = {name: {top for top in tops if top and top.lower() in known} for name, known in SPLITS.items()}
    splits = {name: found for name, found in words.items() if found}
    if "train" not in splits and set().union(*splits.values()) != set(tops):
        splits = {}  # a class may be called dev
    if not splits and split == "train":
        return list(pictures)
    if not splits:
        raise NevoaError(
            f"There is no split '{split}': put its pictures into a sub-folder {split}, the rest into train."
        )
    if split not in splits:
        raise NevoaError(f"There is no split '{split}' here, but {', '.join(sorted(splits))}.")
    return [entry for entry, top in zip(pictures, tops, strict=True) if top in splits[split]]


def _from_folders(pictures: Sequence[Entry]) -> list[str | None]:
    """The first sub-folder of each in which they differ, if all are in one."""
    tops = _next_folders(pictures)
    return [None] * len(tops) if None in tops else tops


def _next_folders(pictures: Sequence[Entry]) -> list[str | None]:
    """The folder of each just below the one that holds them all; None for what lies in that itself."""
    folders = [PurePosixPath(entry.path).parts[:-1] for entry in pictures]
    shared = 0
    while len(level := {parts[shared : shared + 1] for parts in folders}) == 1 and level != {()}:
        shared += 1
    return [parts[shared] if len(parts) > shared else None for parts in folders]


def _from_tables(tables: Sequence[Entry], pictures: Sequence[Entry]) -> list[str | None]:
    """The class of each picture that a table has, by its path beside the table."""
    known: dict[str, str] = {}
    for table in tables:
        beside = table.path.rpartition("/")[0]
        for row in _rows(table):
            cells = (row.get(column) for column in LABEL_COLUMNS)
            label = next((cell for cell in cells if isinstance(cell, str | int) and cell != ""), None)
            if label is not None and isinstance(row.get("file_name"), str):
                known[f"{beside}/{row['file_name']}".lstrip("/")] = str(label)
    found = [known.get(entry.path) for entry in pictures]
    return found if any(found) else []


def _rows(table: Entry) -> list[dict[str, object]]:
    try:
        text = table.read().decode("utf-8-sig")
        if table.path.endswith(".csv"):
            # A row may have more cells than the head has names: those come under None.
            return [{name: cell for name, cell in row.items() if name} for row in csv.DictReader(io.StringIO(text))]
        return [row for line in text.splitlines() if line.strip() and isinstance(row := json.loads(line), dict)]
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        raise NevoaError(f"{table.path} cannot be read as a table: {error}.") from error


def _only_labelled(
    pictures: Sequence[Entry], names: Sequence[str | None]
) -> tuple[list[Entry], np.ndarray, tuple[str, ...]]:
    """Pictures that a table does not mention have no class: then none has, unless those that it has are enough."""
    labelled = [(entry, name) for entry, name in zip(pictures, names, strict=True) if name is not None]
    labels, classes = numbered([name for _, name in labelled])
    return ([entry for entry, _ in labelled], labels, classes) if classes else (list(pictures), NO_LABELS, ())
