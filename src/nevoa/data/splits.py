"""Which part of the data a file belongs to, as the names of the folders around it say: train, test and the like."""

import re
from collections.abc import Iterable, Mapping, Sequence

from nevoa.errors import NevoaError

TRAIN = "train"
SPLITS = {
    TRAIN: ("train", "training"),
    "test": ("test", "testing", "eval", "evaluation"),
    "validation": ("validation", "valid", "val", "dev"),
}

Parts = tuple[str, ...]


def split_in(name: str, also: str = TRAIN) -> str | None:
    """The split that a name speaks of, such as `test_set` or `train-00000.parquet`: one of SPLITS, or `also`."""
    words = set(re.split(r"[^a-z]+", name.lower())) | {name.lower()}
    found = {split for split, known in ({also: (also,)} | SPLITS).items() if words & set(known)}
    return found.pop() if len(found) == 1 else None


def parted(folders: Sequence[Parts]) -> tuple[list[str | None], list[Parts]]:
    """The split of each picture by the folders it lies in, None for what is in none of them; and its other folders.

    Without folders of splits all is train. They are the first folders that differ, or those within each of these.
    """
    depth = shared_depth(folders, 0)
    for level in (depth, depth + 1):
        if _are_splits(at(folders, level), deep=level > depth):
            splits = [split_in(name) if name else None for name in at(folders, level)]
            return splits, [(*parts[:level], *parts[level + 1 :]) for parts in folders]
    return [TRAIN] * len(folders), list(folders)


def shared_depth(folders: Sequence[Parts], depth: int) -> int:
    """How deep, at least `depth`, pictures begin to lie in different folders; a few above them do not matter."""
    while True:
        level = at(folders, depth)
        names = set(level) - {None}
        if len(names) != 1 or 2 * level.count(None) >= len(level) or split_in(str(*names)):
            return depth
        depth += 1


def at(folders: Sequence[Parts], depth: int) -> list[str | None]:
    """The folder of each at a depth; None for what does not lie so deep."""
    return [parts[depth] if len(parts) > depth else None for parts in folders]


def no_split(split: str, known: Iterable[str]) -> NevoaError:
    """What a user is told who asks for a split that is not there."""
    names = sorted(known)
    if names == [TRAIN]:
        return NevoaError(
            f"There is no split '{split}': put its pictures into a sub-folder {split}, the rest into train."
        )
    return NevoaError(f"There is no split '{split}' here, but {', '.join(names)}.")


def _are_splits(level: Sequence[str | None], *, deep: bool) -> bool:
    """Whether the folders at a level are splits: a class may be called dev, and one may show trains."""
    names = {name for name in level if name}
    exact = _exactly(names)
    if TRAIN in exact.values() and len(set(exact.values())) > 1:
        return not deep or (exact.keys() == names and None not in level)
    found = {split_in(name) for name in names}
    return not deep and bool(found) and None not in found and (TRAIN in found or len(names) in (1, len(exact)))


def _exactly(names: Iterable[str]) -> Mapping[str, str]:
    return {name: split for name in names for split, words in SPLITS.items() if name.lower() in words}
