"""Which part of the data a file belongs to, as the names of the folders around it say: train, test and the like."""

import re
from collections.abc import Iterable, Mapping, Sequence

from nevoa.errors import NevoaError

TRAIN = "train"
SPLITS = {
    TRAIN: ("train", "training"),
    "test": ("test", "tests", "testing", "eval", "evaluation"),
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
    depth = 0
    while not (named := _splits_at(folders, depth)) and _is_one(at(folders, depth)):
        depth += 1
    if not named:
        depth += 1
        named = _exactly(at(folders, depth))
        if not (_can_be_learned(named.values()) and all(name in named for name in at(folders, depth))):
            return [TRAIN] * len(folders), list(folders)
    splits = [named.get(name) if name else None for name in at(folders, depth)]
    return splits, [(*parts[:depth], *parts[depth + 1 :]) for parts in folders]


def shared_depth(folders: Sequence[Parts]) -> int:
    """How deep pictures begin to lie in different folders; a few above them do not matter."""
    depth = 0
    while _is_one(at(folders, depth)):
        depth += 1
    return depth


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


def _splits_at(folders: Sequence[Parts], depth: int) -> Mapping[str, str]:
    """The folders at a depth that are splits, and which; none where they are classes: one may be called dev."""
    level = at(folders, depth)
    names, exact = {name for name in level if name}, _exactly(level)
    if _can_be_learned(exact.values()):
        return exact  # and what lies beside them, as train_masks, is no part of the data
    if len(names) == 1:
        around = _can_be_learned(_exactly(at(folders, depth + 1)).values())
        return exact if _is_one(level) and not around else {}
    if set(exact.values()) == {TRAIN} and _with_folders(folders, depth) == exact.keys():
        return exact  # the only one with classes within
    loose = {name: split for name in names if (split := split_in(name))}
    if len(loose) > len(set(loose.values())):
        return {}
    if _can_be_learned(loose.values()) and (len(loose) == len(names) or _differ_within(folders, depth, loose)):
        return loose  # as seg_train and seg_test, beside seg_pred
    return loose if len(exact) == len(names) else {}


def _differ_within(folders: Sequence[Parts], depth: int, named: Mapping[str, str]) -> bool:
    """Whether what is to train on lies in different folders, as classes seldom do."""
    trained = [parts[depth + 1 :] for parts in folders if len(parts) > depth and named.get(parts[depth]) == TRAIN]
    return len(set(trained)) > 1


def _with_folders(folders: Sequence[Parts], depth: int) -> set[str]:
    """Those folders at a depth in which pictures lie in different ones."""
    inside: dict[str, set[Parts]] = {}
    for parts in folders:
        if len(parts) > depth:
            inside.setdefault(parts[depth], set()).add(parts[depth + 1 : depth + 2])
    return {name for name, found in inside.items() if len(found) > 1}


def _is_one(level: Sequence[str | None]) -> bool:
    """Whether most lie in one folder, and the others in none."""
    return len(set(level) - {None}) == 1 and 2 * level.count(None) < len(level)


def _can_be_learned(splits: Iterable[str]) -> bool:
    """Whether there is something to train on besides something else."""
    return TRAIN in splits and len(set(splits)) > 1


def _exactly(level: Iterable[str | None]) -> dict[str, str]:
    return {name: split for name in level if name for split, words in SPLITS.items() if name.lower() in words}
