"""Text and tables at the width of the terminal: nothing is cut off."""

import os
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from nevoa._util.console import VisibleConsole
from nevoa._util.visible import visible

# Wider than any line: a file or a program gets lines unbroken.
PIPE_WIDTH = 10_000
# Text that is wrapped to fewer characters is hard to read.
WRAPPED = 20


def console(stderr: bool = False, piped: int = PIPE_WIDTH) -> Console:
    """A console as wide as the terminal, or as COLUMNS says; `piped` for a pipe without COLUMNS."""
    found = VisibleConsole(stderr, highlight=False, markup=False, emoji=False)
    if not found.is_terminal and not os.environ.get("COLUMNS"):
        found.width = piped
    return found


def progress_bar() -> Progress:
    """A progress bar on stderr; silent unless that is a terminal."""
    columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    errors = VisibleConsole(stderr=True)
    return Progress(*columns, console=errors, disable=not errors.is_terminal, transient=True)


class Records:
    """Rows under column names: a table where it fits the width, else a block for each row.

    The last column of a table may be wrapped.

    Args:
        columns: names; the first column names the row.
        right: the columns to align right.
    """

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> None:
        self.columns, self.rows, self.right = columns, rows, right

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        table = self._table()
        natural = Measurement.get(console, options.update(width=PIPE_WIDTH), table).maximum
        last = max((len(row[-1]) for row in self.rows), default=0)
        if natural - max(0, last - WRAPPED) <= options.max_width:
            yield table
            return
        for name, *values in self.rows:
            yield Text(name, style="bold", overflow="fold")
            named = zip(self.columns[1:], values, strict=True)
            parts = [f"{column}: {value}" if column else value for column, value in named if value]
            yield Padding(Text(" · ".join(parts), overflow="fold"), (0, 0, 0, 2))

    def _table(self) -> Table:
        columns = [
            Column(name, justify="right" if name in self.right else "left", no_wrap=place < len(self.columns))
            for place, name in enumerate(self.columns, 1)
        ]
        table = Table(*columns, box=None, pad_edge=False)
        for row in self.rows:
            table.add_row(*map(Text, map(visible, row)))  # as wide as what is shown
        return table


def fields(values: Mapping[str, str]) -> Table:
    """Named values, each beside its name."""
    table = Table.grid(Column(no_wrap=True), Column(overflow="fold"), padding=(0, 2))
    for name, value in values.items():
        table.add_row(Text(name, style="bold"), Text(visible(value), overflow="fold"))
    return table


def duration(seconds: float) -> str:
    """Seconds in the unit people use: `12 s`, `3.5 min`, `2.0 h`, `11.6 days`."""
    for limit, unit, name in ((90, 1, "s"), (5400, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.{0 if unit == 1 else 1}f} {name}"
    return f"{seconds / 86_400:.1f} days"
