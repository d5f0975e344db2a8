"""Tables that are readable at any width."""

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

ANY_WIDTH = 10_000
# The last column may be wrapped to this.
NARROWEST = 20


def show_table(
    console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()
) -> None:
    """Print rows of text as a table or, if that is too wide, one block per row: the first cell, the others below it.

    Args:
        right: names of the columns that are aligned to the right.
    """
    table = Table(box=None, pad_edge=False)
    for place, name in enumerate(columns, 1):
        justify = "right" if name in right else "left"
        table.add_column(Text(name), justify=justify, no_wrap=place < len(columns))
    for row in rows:
        table.add_row(*map(Text, row))
    natural = console.measure(table, options=console.options.update(width=ANY_WIDTH)).maximum
    last = max(len(row[-1]) for row in (columns, *rows))
    if natural - max(0, last - NARROWEST) <= console.width:
        console.print(table)
        return
    for first, *others in rows:
        console.print(Text(first, style="bold", overflow="fold"))
        for name, cell in zip(columns[1:], others, strict=True):
            if cell:
                console.print(Padding(Text(f"{name} {cell}".strip(), overflow="fold"), (0, 0, 0, 2), expand=False))
