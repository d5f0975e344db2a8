"""Tables of images: Parquet files and the rows of a `datasets.Dataset`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nevoa._util.packages import needs
from nevoa.data.listing import LABEL_COLUMNS, LARGEST_FILE, Bad, Captions, Listing, Notes, classes_of, labels_by
from nevoa.data.names import printable
from nevoa.data.sources.folder import read_file, within_limit
from nevoa.data.sources.metadata import CAPTION_COLUMNS, PICTURE_COLUMN, captions_in, class_named
from nevoa.errors import NevoaError, reason

IMAGE_WORDS = "image", "img", "picture", "photo", "png", "jpg", "jpeg"


def list_parquet(paths: Sequence[Path]) -> Listing:
    needs("hub", "datasets")
    try:
        rows = load_dataset("parquet", data_files=[str(path) for path in paths], split="train")
    except Exception as error:
        inner = error.__cause__ if isinstance(error.__cause__, Exception) else error
        raise NevoaError(f"Cannot read {paths[0]} as Parquet: {reason(inner)}.") from error
    return list_rows(rows, None, str(paths[0]))


def list_rows(rows: Any, label: str | None, where: str) -> Listing:
    """List a `datasets.Dataset`, which errors call `where`; its images stay encoded until they are read.

    They are in the first column that holds images, if possible one with a name such as `image`, and the pictures that
    belong to them in the column `conditioning_image`. The classes are in the column `label`; None takes the first of
    the usual names, "" none.
    """
    columns = rows.features
    holding = [name for name, kind in columns.items() if _holds_images(kind)]
    image = min(
        (name for name in holding if name != PICTURE_COLUMN),
        key=lambda name: not any(word in name.lower() for word in IMAGE_WORDS),
        default=None,
    )
    if image is None:
        raise NevoaError(f"{where} has no column of images; its columns are {', '.join(columns)}.")
    if label is None:
        label = next((name for name in LABEL_COLUMNS if name in columns), "")
    labels, classes = _classes(rows, label) if label in columns else (np.zeros(len(rows), np.int64), ())
    bad = tuple(Bad(f"row {row}", "it has no class") for row in np.flatnonzero(labels < 0).tolist())
    captions = _captions(rows)
    pictures = None
    if PICTURE_COLUMN in holding:
        nothing = np.zeros(len(rows), np.int64)
        pictures = Listing(_reader(rows, PICTURE_COLUMN), lambda row: f"{PICTURE_COLUMN} of row {row}", nothing)
    listing = Listing(
        _reader(rows, image),
        lambda row: f"row {row}",
        labels,
        classes,
        notes=Notes(bad=bad),
        captions=captions,
        columns=tuple(name for name in columns if name != image),
        texts=lambda column: tuple(map(tuple, map(captions_in, rows[column][:]))),
        pictures=pictures,
    )
    return listing.take(np.flatnonzero(labels >= 0))


def _reader(rows: Any, column: str) -> Callable[[int], bytes]:
    """Return a function that reads the image in a row, still encoded."""
    import datasets

    cells = rows.select_columns([column])
    if isinstance(rows.features[column], datasets.Image):
        cells = cells.cast_column(column, datasets.Image(decode=False))
    return lambda row: _content(cells[row][column])


def load_dataset(*place: str, **options: Any) -> Any:
    """Call `datasets.load_dataset`, without its progress bars."""
    import datasets

    datasets.disable_progress_bars()
    return datasets.load_dataset(*place, **options)


def _content(cell: Any) -> bytes:
    content = cell.get("bytes") if isinstance(cell, dict) else cell
    if content is None and isinstance(cell, dict) and _is_downloaded(cell.get("path")):
        content = read_file(cell["path"], LARGEST_FILE + 1)
    if not isinstance(content, bytes):
        raise ValueError("there is no image in this row")
    return within_limit(content)


def _is_downloaded(path: Any) -> bool:
    """Whether a file came with the rows; a row could name any file of this machine."""
    from datasets import config
    from huggingface_hub.constants import HF_HUB_CACHE

    caches = (Path(config.HF_DATASETS_CACHE), Path(HF_HUB_CACHE))
    return isinstance(path, str) and any(Path(path).resolve().is_relative_to(cache.resolve()) for cache in caches)


def _holds_images(kind: Any) -> bool:
    import datasets

    if isinstance(kind, datasets.Value):
        return "binary" in kind.dtype
    return isinstance(kind, datasets.Image) or (isinstance(kind, dict) and "bytes" in kind)


def _captions(rows: Any) -> Captions:
    """Return the texts in the usual columns of each row; empty if no row has any."""
    columns = [rows[name][:] for name in CAPTION_COLUMNS if name in rows.features]
    captions = tuple(tuple(text for cell in row for text in captions_in(cell)) for row in zip(*columns, strict=True))
    return captions if any(captions) else ()


def _classes(rows: Any, column: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the label of each row, -1 where it has none, and the class names; all 0 and no names if most have none.

    A split whose labels are secret has -1 in all rows.
    """
    import datasets

    values, kind = rows[column][:], rows.features[column]
    if isinstance(kind, datasets.ClassLabel):
        labels = np.array([-1 if value is None else value for value in values], np.int64)
        classes = tuple(map(printable, kind.names))
    else:
        names = [class_named(value) for value in values]
        classes = classes_of(names)
        labels = labels_by(classes, names)
    return (labels, classes) if 2 * np.count_nonzero(labels < 0) < len(labels) else (np.zeros_like(labels), ())
