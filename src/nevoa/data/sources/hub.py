"""Data sets of the Hugging Face Hub, and Parquet files laid out like them, through `datasets`."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nevoa.data.listing import LABEL_COLUMNS, LARGEST_FILE, NO_LABELS, Bad, Listing, classes_of
from nevoa.data.metadata import class_named
from nevoa.data.names import printable
from nevoa.data.sources.folder import read_file
from nevoa.errors import NevoaError, reason

# Where the Hub keeps the rows of data sets that are programs, which are not run here, or archives.
PARQUET = "refs/convert/parquet"


@dataclass(frozen=True)
class Place:
    """Where rows are: `hf:OWNER/NAME[:CONFIG][@REVISION]`.

    Attributes:
        image: column of images; the first that holds images if None.
        label: column of classes; the first that is called so if None, and none if "".
    """

    hub_id: str
    config: str | None = None
    revision: str | None = None
    image: str | None = None
    label: str | None = None

    def __str__(self) -> str:
        config = f":{self.config}" if self.config else ""
        return f"hf:{self.hub_id}{config}" + (f"@{self.revision}" if self.revision else "")


def parse_place(text: str) -> Place:
    """The place that `hf:OWNER/NAME[:CONFIG][@REVISION]` names. A NevoaError if it is not of that form."""
    rest, _, revision = text.removeprefix("hf:").partition("@")
    hub_id, _, config = rest.partition(":")
    if hub_id.count("/") != 1 or not all(hub_id.split("/")):
        raise NevoaError(f"'{text}' is not of the form hf:OWNER/NAME[:CONFIG][@REVISION].")
    return Place(hub_id, config or None, revision or None)


def list_hub(place: Place, split: str, instead: str = "a folder of pictures") -> Listing:
    """The rows of a split.

    Args:
        instead: what a user without a network can do, for the NevoaError.
    """
    load_dataset = _library(f"{place} is fetched from the Hugging Face Hub")
    try:
        token = os.environ.get("HF_TOKEN") or False  # not what a login once left on the disk
        # A branch of rows alone has no card that names configs: there a config is a folder.
        config = {"data_dir" if place.revision == PARQUET else "name": place.config}
        rows = load_dataset(_address(place.hub_id), **config, split=split, revision=place.revision, token=token)
    except Exception as error:  # of the network, of five libraries below, and of what is not there
        why = reason(error)
        raise NevoaError(f"Cannot fetch {place}, split {split} ({why}). Try {instead}.") from error
    return list_rows(rows, place.image, place.label, str(place))


def list_parquet(paths: Sequence[Path]) -> Listing:
    """The rows of Parquet files with a column of images."""
    load_dataset, files = _library(f"{paths[0]} is read with datasets"), [str(path) for path in paths]
    try:
        rows = load_dataset("parquet", data_files=files, split="train")
    except Exception as error:
        inner = error.__cause__ if isinstance(error.__cause__, Exception) else error
        raise NevoaError(f"{paths[0]} cannot be read as Parquet: {reason(inner)}.") from error
    return list_rows(rows, None, None, str(paths[0]))


def list_rows(rows: Any, image: str | None, label: str | None, where: str) -> Listing:
    """The listing of a `datasets.Dataset`; its images stay as they are encoded until they are read."""
    import datasets

    columns = rows.features
    image = image or min(
        (name for name, kind in columns.items() if _holds_images(kind)), key=_unlike_images, default=""
    )
    if image not in columns:
        raise NevoaError(f"{where} has no column of images; its columns are {', '.join(columns)}.")
    label = next((name for name in LABEL_COLUMNS if name in columns), "") if label is None else label
    labels, classes = _classes(rows, label) if label in columns else (NO_LABELS, ())
    used = np.flatnonzero(labels >= 0) if classes else np.arange(len(rows))
    bad = tuple(Bad(f"row {row}", "it has no class") for row in np.flatnonzero(labels < 0).tolist())
    pictures = rows.select_columns([image])
    if isinstance(columns[image], datasets.Image):
        pictures = pictures.cast_column(image, datasets.Image(decode=False))

    def read(index: int) -> bytes:
        cell = pictures[int(used[index])][image]
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        if content is None and isinstance(cell, dict) and _is_downloaded(cell.get("path")):
            content = read_file(Path(cell["path"]))
        if not isinstance(content, bytes):
            raise ValueError("there is no image in this row")
        if len(content) > LARGEST_FILE:
            raise ValueError("it has too many bytes for a picture")
        return content

    return Listing(len(used), read, lambda index: f"row {used[index]}", labels[labels >= 0], classes, bad=bad)


def _is_downloaded(path: Any) -> bool:
    """Whether a row's file is one that came with it: a row may name any file of this machine."""
    from datasets import config
    from huggingface_hub.constants import HF_HUB_CACHE

    caches = (Path(config.HF_DATASETS_CACHE), Path(HF_HUB_CACHE))
    return isinstance(path, str) and any(Path(path).resolve().is_relative_to(cache.resolve()) for cache in caches)


def _holds_images(kind: Any) -> bool:
    import datasets

    if isinstance(kind, datasets.Image):
        return True
    if isinstance(kind, datasets.Value):
        return "binary" in kind.dtype
    return isinstance(kind, dict) and "bytes" in kind


def _unlike_images(column: str) -> bool:
    """For the order in which columns of bytes are taken for images: those that are called so come first."""
    return not any(word in column.lower() for word in ("image", "img", "picture", "photo", "png", "jpg", "jpeg"))


def _classes(rows: Any, column: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The label of each row, -1 where it has none, and the names of the classes; neither if most have none."""
    import datasets

    values, kind = rows[column][:], rows.features[column]
    if isinstance(kind, datasets.ClassLabel):
        labels, classes = [-1 if value is None else value for value in values], tuple(map(printable, kind.names))
    else:
        names = [class_named(value) for value in values]
        classes = classes_of(names)
        place: dict[str | None, int] = {name: index for index, name in enumerate(classes)}
        labels = [place.get(name, -1) for name in names]
    # Of most it has to be known: a split without labels has -1 in all of them.
    return (np.array(labels, np.int64), classes) if 2 * labels.count(-1) < len(labels) else (NO_LABELS, ())


def _address(hub_id: str) -> str:
    return hub_id


def _library(what: str) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise NevoaError(f"{what}: install nevoa[hub].") from error
    datasets.disable_progress_bars()  # in the middle of ours
    return datasets.load_dataset
