"""From what a user names to what it holds."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nevoa.data.catalog import CATALOG
from nevoa.data.decode import SUFFIXES
from nevoa.data.image_folder import list_entries
from nevoa.data.listing import Listing
from nevoa.data.names import is_hidden
from nevoa.data.sources import idx
from nevoa.data.sources.archive import files_within, is_archive
from nevoa.data.sources.arrays import list_array, list_arrays
from nevoa.data.sources.folder import files_below
from nevoa.data.sources.hub import list_hub, list_parquet, parse_place
from nevoa.data.splits import TRAIN, split_in
from nevoa.errors import NevoaError, reason, unknown

HUB = "hf:"


@dataclass(frozen=True)
class Source:
    """Where images come from.

    Attributes:
        text: as the user names it.
        name: short, for titles and file names.
        identity: another one when the content may be another: of files their sizes and times.
        list: what is in it. A NevoaError if it cannot be had.
    """

    text: str
    name: str
    identity: object
    list: Callable[[], Listing]
    licence: str = ""


def find_source(text: str, split: str = TRAIN) -> Source:
    """The source that a user names: a named data set, `hf:OWNER/NAME`, or a path. A NevoaError if there is none."""
    if text in CATALOG:
        row = CATALOG[text]
        return Source(text, text, [text, split], lambda: row.list(split), row.licence)
    if text.startswith(HUB):
        place = parse_place(text)
        return Source(text, short_name(text), [str(place), split], lambda: list_hub(place, split))
    if not text.strip():
        raise NevoaError("The source has no name: give a folder of images, or a data set of 'nevoa data list'.")
    split = split_in(split) or split  # val is validation
    try:
        path = Path(text).expanduser()
        if path.exists():
            return _folder(text, path, split) if path.is_dir() else _file(text, path, split)
    except (OSError, RuntimeError, ValueError) as error:
        raise NevoaError(f"Cannot look at {text}: {reason(error)}.") from error
    if "/" in text or path.suffix:
        raise NevoaError(f"There is no file or folder {text}.")
    raise unknown("file, folder or dataset", text, CATALOG)


def is_path(text: str) -> bool:
    """Whether a source is named by its place on this machine."""
    return text not in CATALOG and not text.startswith(HUB)


def short_name(text: str) -> str:
    """A name for a source that can be part of a file's: of `photos/cats.zip` it is `cats`."""
    if text in CATALOG:
        return text
    if text.startswith(HUB):
        return parse_place(text).hub_id.partition("/")[2]
    path = Path(text)
    return path.name.partition(".")[0] or path.resolve().name or "images"


def _folder(text: str, path: Path, split: str) -> Source:
    name, inside = short_name(text), idx.in_folder(path, split)
    if inside is not None:
        return Source(text, name, _marks([inside]), lambda: idx.list_idx(inside))
    # Of a million files no list is kept: they are walked through again where they have to be read.
    files, marks = {".parquet": 0, "pictures": 0}, hashlib.sha256()
    for entry in files_below(path):
        suffix = PurePosixPath(entry.path).suffix.lower()
        kind = "pictures" if suffix in SUFFIXES else suffix
        if kind in files and entry.stamp:
            files[kind] += entry.stamp[0]
        marks.update(f"{entry.path}\0{entry.stamp}\n".encode())
    if files[".parquet"] > files["pictures"]:
        return _parquet(text, path, split)
    identity = [str(path.resolve()), split, marks.hexdigest()]
    return Source(text, name, identity, lambda: list_entries(list(files_below(path)), split))


def _parquet(text: str, path: Path, split: str) -> Source:
    """Those Parquet files below a folder that have the split in their names, or in their folders'; all if none has."""
    below = (file for file in sorted(path.rglob("*")) if not any(map(is_hidden, file.relative_to(path).parts)))
    files = [file for file in below if file.suffix.lower() == ".parquet" and file.is_file()]
    splits = {file: _split_of(file.relative_to(path), split) for file in files}
    chosen = [file for file in files if splits[file] == split or (split == TRAIN and not any(splits.values()))]
    if not chosen:
        raise NevoaError(f"There is no Parquet file for split '{split}' in {path}.")
    return Source(text, short_name(text), _marks(chosen), lambda: list_parquet(chosen))


def _split_of(path: Path, wanted: str) -> str | None:
    """The name of a file says more than those of the folders around it."""
    return next((found for part in reversed(path.parts) if (found := split_in(part, wanted))), None)


def _file(text: str, path: Path, split: str) -> Source:
    name, identity = short_name(text), [_marks([path]), split]
    if is_archive(path):
        return Source(text, name, identity, lambda: _list_archive(path, split))
    if path.suffix.lower() == ".npz":
        return Source(text, name, identity, lambda: list_arrays(path, split))
    whole: dict[str, Callable[[], Listing]] = {
        ".npy": lambda: list_array(path),
        ".parquet": lambda: list_parquet([path]),
    }
    kind = whole.get(path.suffix.lower()) or ((lambda: idx.list_idx(path)) if idx.is_idx(path) else None)
    if kind is None:
        raise NevoaError(
            f"{text} is no source of images: give a folder, a .zip or .tar of one, .npy, .npz, .parquet or an idx file."
        )
    if split != TRAIN:
        raise NevoaError(f"{text} is one file: it has no split '{split}'.")
    return Source(text, name, identity, kind)


def _list_archive(path: Path, split: str) -> Listing:
    entries, bad = files_within(path)
    return list_entries(entries, split, bad)


def _marks(paths: list[Path]) -> list[object]:
    beside = [labels for path in paths if (labels := idx.labels_beside(path))]
    abouts = [(path, path.stat()) for path in (*paths, *beside)]
    return [[str(path.resolve()), about.st_size, about.st_mtime_ns, about.st_ctime_ns] for path, about in abouts]
