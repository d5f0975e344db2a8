"""Text and tables at the width of the terminal: nothing is cut off."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from nevoa._util.console import PIPE_WIDTH
from nevoa._util.console import console as console
from nevoa._util.console import duration as duration
from nevoa._util.console import progress_bar as progress_bar
from nevoa._util.visible import visible

# Text that is wrapped to fewer characters is hard to read.
WRAPPED = 20


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
            table.add_row(*map(Text, map(visible, row)))  # as shown, so that columns fit
        return table


def fields(values: Mapping[str, str]) -> Table:
    """Named values, each beside its name."""
    table = Table.grid(Column(no_wrap=True), Column(overflow="fold"), padding=(0, 2))
    for name, value in values.items():
        table.add_row(Text(name, style="bold"), Text(visible(value), overflow="fold"))
    return table
