"""Names of splits: train, test and validation, with the spellings that `datasets` knows."""

import re
from collections.abc import Iterable

from nevoa.errors import NevoaError

TRAIN = "train"
# The images of the split train that are set aside for measuring.
HELD_OUT = "held-out"
KEYWORDS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
}


def split_named(name: str) -> str:
    """Return the split of a name, such as validation of val."""
    return KEYWORDS.get(name.lower(), name)


def split_in(name: str, also: str = TRAIN) -> str | None:
    """Return the split (or `also`) that a name such as `test_set` or `train-00000.parquet` has as a word, or None."""
    words = {*re.split(r"[^a-z]+", name.lower()), name.lower()}
    found = {split for word, split in {also: also, **KEYWORDS}.items() if word in words}
    return found.pop() if len(found) == 1 else None


def no_split(split: str, known: Iterable[str]) -> NevoaError:
    names = sorted(known)
    if names == [TRAIN]:
        return NevoaError(f"There is no split '{split}': put its images into a folder {split}, the others into train.")
    return NevoaError(f"There is no split '{split}': choose {' or '.join(names)}.")
