"""Find the source that a user names."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nevoa._util.files import sha256
from nevoa._util.places import expanded
from nevoa.config.network import OBJECT
from nevoa.data.catalog import CATALOG
from nevoa.data.decode import SUFFIXES
from nevoa.data.hub import HUB, list_hub, parse_place
from nevoa.data.image_folder import list_entries
from nevoa.data.listing import Listing
from nevoa.data.sources import idx
from nevoa.data.sources.archive import files_within, is_archive
from nevoa.data.sources.arrays import list_array, list_arrays
from nevoa.data.sources.folder import Entry, files_below
from nevoa.data.sources.parquet import list_parquet
from nevoa.data.splits import TRAIN, no_split, split_in, split_named
from nevoa.errors import NevoaError, reason, unknown

# Part of the identity of folders and archives: increase it when the rules for classes, splits and numbers, or FORMATS,
# change.
FOLDER_RULE = 7
# Arrays up to this size are identified by their content, larger ones by size and times.
LARGEST_HASHED = 2_000_000_000
# In a config, images that were given as an array or a Dataset.
IN_MEMORY = f"{OBJECT}:"


UNKNOWN_LICENCE = "unknown"

# The identity of a path's images, and a function that lists them.
Found = tuple[object, Callable[[], Listing]]


@dataclass(frozen=True)
class Source:
    """Where images come from.

    Attributes:
        text: the name that the user gave.
        name: a short name for titles and file names.
        identity: JSON values that differ if the content may differ.
        list: returns the listing. A NevoaError if the images cannot be listed.
    """

    text: str
    name: str
    identity: object
    list: Callable[[], Listing]
    licence: str = ""


def find_source(text: str, split: str = TRAIN) -> Source:
    """Return the source of a name in the catalogue, `hf:OWNER/NAME` or path. A NevoaError if there is none."""
    if text in CATALOG:
        row = CATALOG[text]
        # Images that a plugin makes may change with the plugin. Stores without "described" lack captions and numbers.
        content = [row.made(split).fingerprint, "described"] if row.images and split in row.counts else []
        return Source(text, text, [text, split, *content], lambda: row.list(split), row.licence)
    if text.startswith(HUB):
        place = parse_place(text)
        return Source(text, short_name(text), [str(place), split], lambda: list_hub(place, split))
    if text.startswith(IN_MEMORY):
        raise NevoaError(
            f"The images '{text.removeprefix(IN_MEMORY)}' were given in memory: pass them again in Python, as in "
            "nevoa.train(images, out=...), or name a file or folder of them."
        )
    if not text.strip():
        raise NevoaError("The source is empty: give a folder of images, or a data set of 'nevoa data list'.")
    split = split_named(split)
    try:
        path = Path(text).expanduser()
        if path.exists():
            identity, listing = (_folder if path.is_dir() else _file)(path, split)
            return Source(text, short_name(text), identity, listing)
    except (OSError, RuntimeError, ValueError) as error:
        raise NevoaError(f"Cannot read {text}: {reason(error)}.") from error
    if path.suffix or path.name != text:
        raise NevoaError(f"There is no file or folder {text}.")
    raise unknown("file, folder or data set", text, CATALOG)


def is_path(text: str) -> bool:
    """Whether a source is a path on this machine.

    Example:
        >>> is_path("photos/"), is_path("hf:OWNER/NAME")
        (True, False)
    """
    return text not in CATALOG and not text.startswith(HUB)


def same_source(text: str, other: str) -> bool:
    """Whether two sources hold the same images: one path or name, or a data set of the catalog and a part of it.

    Example:
        >>> same_source("fashion_mnist", "fashion_mnist_10k"), same_source("photos/", "./photos")
        (True, True)
    """
    return _whole(text) == _whole(other)


def _whole(text: str) -> str | Path:
    if is_path(text):
        return expanded(text).resolve()
    row = CATALOG.get(text)
    return (row and row.part_of) or text


def images_beside(text: str, path: Path) -> Path | None:
    """Return the folder below a source that holds images and would hold a path, such as a class; None if none does.

    Example:
        >>> images_beside("photos/", Path("photos/cat/runs/1")).name
        'cat'
    """
    if not is_path(text):
        return None
    top, above = expanded(text).resolve(), path.resolve().parents
    inside = [folder for folder in above if folder != top and folder.is_relative_to(top) and folder.is_dir()]
    holds_images = (folder for folder in inside if any(file.suffix.lower() in SUFFIXES for file in folder.iterdir()))
    return next(holds_images, None)


def short_name(text: str) -> str:
    """Return a name for a source that can be part of a file name: `cats` for `photos/cats.zip`.

    Example:
        >>> short_name("photos/cats.zip")
        'cats'
    """
    if text in CATALOG:
        return text
    if text.startswith(HUB):
        return parse_place(text).hub_id.partition("/")[2]
    path = Path(text)
    return path.name.partition(".")[0] or path.resolve().name or "images"


@dataclass(frozen=True)
class DataSource:
    """A source of images under the name that others know, and its licence.

    Attributes:
        hub_id: of the data set on the Hub, if it is there.

    Example:
        >>> DataSource.of("fashion_mnist").licence
        'MIT'
    """

    name: str
    licence: str = UNKNOWN_LICENCE
    hub_id: str | None = None

    @classmethod
    def of(cls, source: str) -> "DataSource":
        """Name a source of a config. What is neither in the catalogue nor on the Hub has no known licence."""
        if row := CATALOG.get(source):
            place = row.place or (CATALOG[row.part_of].place if row.part_of else None)
            return cls(source, row.licence, place.hub_id if place else None)
        if source.startswith(HUB):
            hub_id = parse_place(source).hub_id
            return cls(hub_id, hub_id=hub_id)
        return cls(short_name(source))


def _folder(path: Path, split: str) -> Found:
    inside = idx.in_folder(path, split)
    if inside is not None:
        return _stamps([inside]), lambda: idx.list_idx(inside)
    entries = list(files_below(path))
    tables = [entry for entry in entries if entry.suffix == ".parquet"]
    if _bytes(tables) > _bytes([entry for entry in entries if entry.suffix in SUFFIXES]):
        files = _parquet_files(path, [entry.path for entry in tables], split)
        return _stamps(files), lambda: list_parquet(files)
    stamps = hashlib.sha256("".join(f"{entry.path}\0{entry.stamp}\n" for entry in entries).encode())
    identity = [FOLDER_RULE, str(path.resolve()), split, stamps.hexdigest()]
    return identity, lambda: list_entries(entries, (), split, str(path))


def _bytes(entries: Sequence[Entry]) -> int:
    return sum(entry.stamp[0] for entry in entries if entry.stamp)


def _parquet_files(folder: Path, paths: Sequence[str], split: str) -> list[Path]:
    """Return the files that name the split, or are in a folder that does; all of them if none names a split."""
    # The name of a file says more than those of the folders around it.
    parts = {path: (split_in(part, split) for part in reversed(path.split("/"))) for path in paths}
    splits = {path: next(filter(None, found), None) for path, found in parts.items()}
    default = TRAIN if not any(splits.values()) else None
    files = [folder / path for path, found in splits.items() if (found or default) == split]
    files = [path for path in files if path.is_file()]
    if not files:
        raise no_split(split, {found for found in splits.values() if found} or {TRAIN})
    return files


def _file(path: Path, split: str) -> Found:
    suffix = path.suffix.lower()
    if is_archive(path):
        return [FOLDER_RULE, _stamps([path]), split], lambda: list_entries(*files_within(path), split, str(path))
    if suffix == ".npz":
        return [_content(path), split], lambda: list_arrays(path, split)
    if split != TRAIN:
        raise NevoaError(f"{path} is one file: it has no split '{split}'.")
    if suffix == ".npy":
        return [_content(path), split], lambda: list_array(path)
    if suffix == ".parquet":
        return [_stamps([path]), split], lambda: list_parquet([path])
    if idx.is_idx(path):
        return [_stamps([path]), split], lambda: idx.list_idx(path)
    if suffix in SUFFIXES:
        raise NevoaError(f"{path} is one picture: give a folder of pictures, such as {path.parent}.")
    raise NevoaError(
        f"{path} is not a source of images: give a folder, a .zip or .tar of one, .npy, .npz, .parquet or an idx file."
    )


def _content(path: Path) -> object:
    """An array that was only touched or moved has the same identity."""
    return sha256(path) if path.stat().st_size <= LARGEST_HASHED else _stamps([path])


def _stamps(paths: Sequence[Path]) -> list[object]:
    beside = [labels for path in paths if (labels := idx.labels_beside(path))]
    abouts = [(path, path.stat()) for path in (*paths, *beside)]
    return [[str(path.resolve()), about.st_size, about.st_mtime_ns, about.st_ctime_ns] for path, about in abouts]
