"""A folder of images with classes and splits, by the rule of `datasets`' imagefolder and torchvision's ImageFolder.

1. A table `metadata.csv` or `metadata.jsonl` with the columns `file_name` and `label` gives the classes.
2. Otherwise the class of an image is its innermost folder.
3. Folders of the first level that are called train, test or validation are splits; without them everything is train.

nevoa looks through folders around everything, and refuses a layout whose splits this rule does not settle. If it does
not settle the classes, the images have none, and the listing says why.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import takewhile

import numpy as np

from nevoa.data.decode import START_BYTES, SUFFIXES, is_picture, unopened
from nevoa.data.listing import Bad, Captions, Listing, Notes, classes_of, columns_of, labels_by
from nevoa.data.sources.folder import Entry
from nevoa.data.sources.metadata import TABLES, captions_in, decoded, said_in
from nevoa.data.splits import KEYWORDS, TRAIN, no_split, split_in
from nevoa.errors import NevoaError, reason

Folders = tuple[str, ...]
# Where kohya's scripts and ai-toolkit look for the caption of an image.
CAPTIONS = ".txt", ".caption"
# An image, and its folders below its split.
Placed = tuple[Entry, Folders]


def list_entries(entries: Sequence[Entry], bad: Sequence[Bad], split: str, where: str) -> Listing:
    """List the images of a split among files; `bad` were left out before. A class has the same number in all splits.

    A NevoaError, which calls the folder `where`, if there is no such split, or the rule does not settle the layout.
    """
    images, unread = _images(entries)
    tables = [entry for entry in entries if entry.path.rpartition("/")[2] in TABLES]
    files = {entry.path: entry for entry in images}
    said = said_in(tables, files.keys(), where)
    only_pictures = {*said.pictures.values()} - said.pictures.keys()
    images = [entry for entry in images if entry.path not in only_pictures]
    known = said.classes
    splits = _splits(images, where)
    if split not in splits and (images or split != TRAIN):
        raise no_split(split, splits or {TRAIN})
    names: dict[str, str | None] = {}
    for placed in splits.values():
        names |= _classes(placed, known)
    own = [entry for entry, _ in splits.get(split, ())]
    texts = _texts_beside(entries, images)
    captions, unfit = _captions(own, texts, said.captions)
    pictures, lone = _pictures(own, files, said.pictures)
    beside = len({text.path for text in texts.values()})
    own_names = [names[entry.path] for entry in own]
    classes = classes_of(names.values()) if any(own_names) else ()
    labels, without_picture = labels_by(classes, own_names), {one.name for one in lone}
    has_picture = np.array([entry.path not in without_picture for entry in own], bool)
    unnamed = [Bad(own[i].path, "no metadata table names its class") for i in np.flatnonzero(labels < 0).tolist()]
    return Listing(
        read=lambda index: own[index].content(),
        file=lambda index: own[index].path,
        labels=labels,
        classes=classes,
        notes=Notes(
            bad=(*bad, *unread, *said.bad, *unfit, *unnamed, *lone),
            unsettled=_unsettled(splits.get(split, ()), known),
            ignored=len(entries) - len(files) - len(unread) - len(tables) - beside,
            linked=sum(entry.linked for entry in own),
        ),
        captions=captions if any(captions) else (),
        numbers=columns_of([said.numbers.get(entry.path, {}) for entry in own]),
        columns=said.columns,
        texts=lambda column: said.texts(column, [entry.path for entry in own]),
        pictures=pictures,
    ).take(np.flatnonzero((labels >= 0) & has_picture))


def _images(entries: Sequence[Entry]) -> tuple[list[Entry], list[Bad]]:
    """Return the files that are images or claim to be, and those that nevoa cannot open."""
    images, unread = [], []
    for entry in entries:
        try:
            if entry.suffix in SUFFIXES or is_picture(entry.read(START_BYTES)):
                images.append(entry)
            elif said := unopened(entry.suffix):
                unread.append(Bad(entry.path, said))
        except (OSError, ValueError) as error:
            unread.append(Bad(entry.path, reason(error)))
    return images, unread


def _texts_beside(entries: Sequence[Entry], images: Sequence[Entry]) -> dict[str, Entry]:
    """Return the text beside each image that has one, `cat.txt` beside `cat.png`, by the path of the image."""
    texts = {_stem(entry): entry for entry in entries if entry.suffix in CAPTIONS}
    return {entry.path: texts[_stem(entry)] for entry in images if _stem(entry) in texts}


def _stem(entry: Entry) -> str:
    """The path without its suffix, which `entry.suffix` has in small letters."""
    return entry.path[: len(entry.path) - len(entry.suffix)]


def _captions(
    images: Sequence[Entry], texts: Mapping[str, Entry], in_tables: Mapping[str, tuple[str, ...]]
) -> tuple[Captions, list[Bad]]:
    """Return the captions of each image, of tables and of the lines of the text beside it, and the unreadable texts."""
    captions, bad = [], []
    for entry in images:
        of_text: list[str] = []
        if text := texts.get(entry.path):
            try:
                of_text = captions_in(decoded(text.content()).splitlines())
            except (OSError, ValueError) as error:
                bad.append(Bad(text.path, f"a caption that cannot be read: {reason(error)}"))
        captions.append((*in_tables.get(entry.path, ()), *of_text))
    return tuple(captions), bad


def _pictures(
    images: Sequence[Entry], files: Mapping[str, Entry], named: Mapping[str, str]
) -> tuple[Listing | None, list[Bad]]:
    """Return the pictures of images that tables name, and the images without one; None if they name none of any."""
    if not any(entry.path in named for entry in images):
        return None, []
    found = [files.get(named.get(entry.path, "")) for entry in images]
    bad = [
        Bad(entry.path, _no_picture(named.get(entry.path))) for entry, one in zip(images, found, strict=True) if not one
    ]
    there = [entry or images[0] for entry in found]  # the images of the others are left out
    return Listing(lambda i: there[i].content(), lambda i: there[i].path, np.zeros(len(images), np.int64)), bad


def _no_picture(name: str | None) -> str:
    return f"there is no image {name}, its picture" if name else "no metadata table names its picture"


def _splits(images: Sequence[Entry], where: str) -> Mapping[str, list[Placed]]:
    """Return the images of each split, with their folders below it."""
    folders = _unwrapped([tuple(entry.path.split("/")[:-1]) for entry in images])
    named = {parts[0]: split_in(parts[0]) for parts in folders if parts}
    known = ", ".join(sorted(name for name, split in named.items() if split))
    splits: defaultdict[str, list[Placed]] = defaultdict(list)
    for entry, parts in zip(images, folders, strict=True):
        split, below = (named[parts[0]], parts[1:]) if known and parts else (None, parts)
        if known and split is None:
            raise NevoaError(
                f"{where}: {entry.path} lies beside the split folders ({known}). Move it into one of them or "
                "elsewhere; if a class has the name of a split, rename its folder."
            )
        inner = {KEYWORDS[name.lower()] for name in below if name.lower() in KEYWORDS} - {split}
        if inner:
            raise NevoaError(
                f"{where}: {entry.path} lies in a split folder below other folders. Put splits first, as in "
                f"{inner.pop()}/CLASS/{entry.path.rpartition('/')[2]}; if that folder is a class, rename it."
            )
        splits[split or TRAIN].append((entry, below))
    return splits


def _unwrapped(folders: list[Folders]) -> list[Folders]:
    """Remove the folders around everything, down to one that is called train, test or validation."""
    pairs = zip(min(folders, default=()), max(folders, default=()), strict=False)
    around = list(takewhile(lambda pair: pair[0] == pair[1] and pair[0].lower() not in KEYWORDS, pairs))
    return [parts[len(around) :] for parts in folders]


def _classes(images: Sequence[Placed], known: Mapping[str, str]) -> dict[str, str | None]:
    """Return the class name of each image of a split by its path, or None where it has none."""
    if any(entry.path in known for entry, _ in images):
        return {entry.path: known.get(entry.path) for entry, _ in images}
    is_clear = not _unsettled(images, known)
    return {entry.path: parts[-1] if parts and is_clear else None for entry, parts in images}


def _unsettled(images: Sequence[Placed], known: Mapping[str, str]) -> str:
    """Return why the folders of a split give no classes, and what to do; nothing if they or a table give them."""
    if not images or any(entry.path in known for entry, _ in images):
        return ""
    (high, fewest), (low, most) = (choose(images, key=lambda placed: len(placed[1])) for choose in (min, max))
    if len(fewest) == len(most):
        return ""
    return (
        f"{high.path} and {low.path} lie at different depths, so their folders do not give the classes. To train "
        "without classes, add --condition none. To train with classes, put each image into the folder of its class, or "
        "write the table metadata.csv (in a copy of the folder if you cannot write there):\n"
        f"file_name,label\n{high.path},CLASS\n{low.path},CLASS"
    )
