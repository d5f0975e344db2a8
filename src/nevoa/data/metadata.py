"""metadata.csv and metadata.jsonl: what they say of the pictures beside them."""

import csv
import io
import json
import posixpath
from collections.abc import Mapping, Sequence, Set
from pathlib import PurePosixPath

from nevoa.data.listing import LABEL_COLUMNS, Bad
from nevoa.data.names import printable
from nevoa.data.sources.folder import Entry
from nevoa.errors import NevoaError, reason

NAMES = "metadata.csv", "metadata.jsonl"
FILE_COLUMN = "file_name"

Row = Mapping[str, object]


def is_table(path: str) -> bool:
    """Whether a file's name says that it is such a table."""
    return PurePosixPath(path).name in NAMES


def classes_in(tables: Sequence[Entry], pictures: Set[str]) -> tuple[dict[str, str], list[Bad]]:
    """The class of each picture that tables have one for, and the tables that do not say what they should.

    A NevoaError if a table cannot be read.
    """
    known: dict[str, str] = {}
    bad = []
    for table in tables:
        rows, beside = _rows(table), posixpath.dirname(table.path)
        column = _label_column(rows)
        cells = {file: row.get(column) for row in rows if (file := _file(beside, row))}
        found = {file: name for file, cell in cells.items() if (name := class_named(cell)) is not None}
        known |= found
        missing = len(found.keys() - pictures)
        if rows and FILE_COLUMN not in rows[0]:
            bad.append(Bad(table.path, f"it needs a column {FILE_COLUMN}, and has {_columns(rows)}"))
        elif missing:
            bad.append(Bad(table.path, f"of the {len(found):,} pictures that it names {missing:,} are not there"))
    return known, bad


def _file(beside: str, row: Row) -> str | None:
    file = row.get(FILE_COLUMN)
    if not isinstance(file, str) or not file.strip():
        return None
    return posixpath.normpath(posixpath.join(beside, printable(file.strip().replace("\\", "/"))))


def class_named(cell: object) -> str | None:
    """The name of the class in a cell; 2.0 is 2, as whole numbers are written where some are missing."""
    if not isinstance(cell, str | int | float) or str(cell).strip() in ("", "nan"):
        return None
    whole = isinstance(cell, float) and cell.is_integer()
    return printable(str(int(cell) if whole else cell).strip())


def _label_column(rows: Sequence[Row]) -> str:
    """One for the whole table, in capitals or not."""
    known = {name.lower(): name for row in rows for name in row}
    return next((known[name] for name in LABEL_COLUMNS if name in known), "")


def _columns(rows: Sequence[Row]) -> str:
    return ", ".join(printable(name) for name in rows[0]) or "none"


def _rows(table: Entry) -> list[Row]:
    try:
        text = table.read().decode("utf-8-sig")
        return _comma_separated(text) if table.path.endswith(".csv") else _json_lines(text)
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        raise NevoaError(f"{table.path} cannot be read as a table: {reason(error)}.") from error


def _comma_separated(text: str) -> list[Row]:
    """Also what is separated by semicolons or tabs, as spreadsheets have it where the comma is in numbers."""
    separator = max(",;\t", key=text.partition("\n")[0].count)
    # A row may have more cells than the head has names: those come under None.
    rows = csv.DictReader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    return [{name.strip(): cell for name, cell in row.items() if name} for row in rows]


def _json_lines(text: str) -> list[Row]:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            row = json.loads(line) if line.strip() else None
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        if isinstance(row, dict):
            rows.append(row)
    return rows
