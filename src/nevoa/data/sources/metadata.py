"""metadata.csv and metadata.jsonl, which name the class of the images beside them, and describe them."""

import codecs
import csv
import io
import json
import math
import posixpath
import re
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from nevoa.data.listing import LABEL_COLUMNS, Bad, Captions
from nevoa.data.names import printable, tidied
from nevoa.data.sources.folder import Entry
from nevoa.errors import NevoaError, reason

TABLES = "metadata.csv", "metadata.jsonl"
FILE_COLUMN = "file_name"
CAPTION_COLUMNS = "text", "caption", "prompt"
PICTURE_COLUMN = "conditioning_image"
UTF16 = codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE
WHOLE = re.compile(r"^(-?\d+)\.0$")
NOT_UTF8 = "it is not UTF-8; save it in this encoding"

Row = Mapping[str, object]


@dataclass(frozen=True)
class Tables:
    """The classes, captions, numbers and pictures that tables give to images, by the paths of the images.

    Attributes:
        classes: the class of each image that a table gives one.
        captions: the texts that describe it.
        numbers: its numbers, by column.
        pictures: the path of its picture.
        bad: the tables at fault.
        rows: the rows of all tables, each with the path of its image.
    """

    classes: dict[str, str]
    captions: dict[str, tuple[str, ...]]
    numbers: dict[str, dict[str, float]]
    pictures: dict[str, str]
    bad: list[Bad]
    rows: list[tuple[str, Row]]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of all tables."""
        return tuple(dict.fromkeys(name for _, row in self.rows for name in row))

    def texts(self, column: str, images: Sequence[str]) -> Captions:
        """Return the texts of each image in a column."""
        found: dict[str, list[str]] = {}
        for image, row in self.rows:
            found.setdefault(image, []).extend(captions_in(row.get(column)))
        return tuple(tuple(found.get(image, ())) for image in images)


def said_in(tables: Sequence[Entry], images: Set[str], where: str) -> Tables:
    """Return what tables say about images.

    A table is at fault if it names images that are missing.

    A NevoaError, which calls the folder `where`, if a table cannot be read or has no column `file_name`.
    """
    known: dict[str, str] = {}
    captions: dict[str, tuple[str, ...]] = {}
    numbers: dict[str, dict[str, float]] = {}
    pictures: dict[str, str] = {}
    bad, all_rows = [], []
    for table in tables:
        rows, decimal = _rows(table, where)
        if rows and FILE_COLUMN not in rows[0]:
            columns = ", ".join(rows[0]) or "none"
            raise NevoaError(
                f"{where}/{table.path} needs a column {FILE_COLUMN}, and has {columns}: begin it with the line "
                "file_name,label."
            )
        columns = {name.lower(): name for row in rows for name in row}
        column = next((columns[name] for name in LABEL_COLUMNS if name in columns), "")
        named = {_file(table, row): class_named(row.get(column)) for row in rows}
        found = {file: name for file, name in named.items() if file and name is not None}
        known |= found
        texts = [columns[name] for name in CAPTION_COLUMNS if name in columns]
        described = dict[str, tuple[str, ...]]()
        for row in rows:
            of_row = tuple(caption for name in texts for caption in captions_in(row.get(name)))
            if of_row and (file := _file(table, row)):
                described[file] = described.get(file, ()) + of_row
        captions |= described
        with_picture = [(_file(table, row), _path(table, row.get(columns.get(PICTURE_COLUMN, "")))) for row in rows]
        pictures |= {file: picture for file, picture in with_picture if file and picture}
        all_rows += [(_file(table, row), row) for row in rows]
        others = {FILE_COLUMN, PICTURE_COLUMN, *LABEL_COLUMNS, *CAPTION_COLUMNS}
        measured = [
            name for lower, name in columns.items() if lower not in others and _has_numbers(rows, name, decimal)
        ]
        for row in rows:
            of_row = {name: number for name in measured if (number := number_in(row.get(name), decimal)) is not None}
            numbers[_file(table, row)] = numbers.get(_file(table, row), {}) | of_row
        about = found.keys() | described.keys()
        if missing := len(about - images):
            bad.append(Bad(table.path, f"{missing:,} of the {len(about):,} images that it names are missing"))
    return Tables(known, captions, numbers, pictures, bad, all_rows)


def captions_in(cell: object) -> list[str]:
    """Return the captions in a cell: a text, or a list of texts, without those that are blank."""
    several = cell if isinstance(cell, list) else [cell]
    return [caption for one in several if isinstance(one, str) and (caption := tidied(one))]


def number_in(cell: object, decimal: str = ".") -> float | None:
    """Return the number in a cell; None if it has none, or one that is not finite.

    Args:
        decimal: the sign before its decimals.
    """
    if not isinstance(cell, str | int | float) or isinstance(cell, bool):
        return None
    cell = cell.replace(decimal, ".") if isinstance(cell, str) else cell
    with suppress(ValueError, OverflowError):
        return number if math.isfinite(number := float(cell)) else None
    return None


def _has_numbers(rows: Sequence[Row], column: str, decimal: str) -> bool:
    """Whether some cells of a column are numbers, and the others blank or NaN."""
    cells = (row.get(column) for row in rows)
    filled = [cell for cell in cells if cell is not None and str(cell).strip().lower() not in ("", "nan")]
    return bool(filled) and all(number_in(cell, decimal) is not None for cell in filled)


def decoded(content: bytes) -> str:
    """Return the text in a file: UTF-8, or UTF-16 with its mark. A ValueError for another encoding."""
    try:
        text = content.decode("utf-16" if content.startswith(UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(NOT_UTF8) from error
    if text.count("\0") > len(text) // 4:  # as in UTF-16 without a mark, and in UTF-32
        raise ValueError(NOT_UTF8)
    return text


def class_named(cell: object) -> str | None:
    """Return the class name in a cell, or None if it is empty; 2.0, as pandas writes integers beside blanks, is 2."""
    if not isinstance(cell, str | int | float) or str(cell).strip() in ("", "nan"):
        return None
    return printable(WHOLE.sub(r"\1", str(cell).strip()))


def _file(table: Entry, row: Row) -> str:
    return _path(table, row.get(FILE_COLUMN))


def _path(table: Entry, file: object) -> str:
    """Return the path of a file that a table names; nothing for a blank cell."""
    file = printable(file.strip().replace("\\", "/")) if isinstance(file, str) else ""
    return file and posixpath.normpath(posixpath.join(posixpath.dirname(table.path), file))


def _rows(table: Entry, where: str) -> tuple[list[Row], str]:
    """Return the rows of a table, and the sign before the decimals of its numbers."""
    try:
        text = decoded(table.content())
        return _comma_separated(text) if table.path.endswith(".csv") else (_json_lines(text), ".")
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        raise NevoaError(f"Cannot read {where}/{table.path} as a table: {reason(error)}.") from error


def _comma_separated(text: str) -> tuple[list[Row], str]:
    """Return the rows of a table whose cells are separated by commas, or by semicolons or tabs, as spreadsheets do.

    Spreadsheets separate them by semicolons where the comma is before decimals.
    """
    separator = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.DictReader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    rows.fieldnames = [printable(name.strip()) for name in rows.fieldnames or ()]
    # DictReader puts the surplus cells of a row under None.
    return [{name: cell for name, cell in row.items() if name} for row in rows], "," if separator == ";" else "."


def _json_lines(text: str) -> list[Row]:
    rows, name_of = [], cache(printable)
    for number, line in enumerate(text.split("\n"), 1):
        try:
            row = json.loads(line) if line.strip() else None
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        if isinstance(row, dict):
            rows.append({name_of(name): cell for name, cell in row.items()})
    return rows
