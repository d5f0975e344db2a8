"""A console of rich for text that may come from strangers' files."""

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from nevoa._util.visible import behind, visible

if TYPE_CHECKING:
    from rich.progress import Progress

# Wider than any line: a file or a program gets lines unbroken.
PIPE_WIDTH = 10_000


class VisibleConsole(Console):
    """A console that shows the control characters of a text; the terminal obeys only those of rich itself."""

    def __init__(self, stderr: bool = False, **options: Any) -> None:
        super().__init__(file=behind(sys.stderr if stderr else sys.stdout), stderr=stderr, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a text or table; rich calls it for each part of what it prints."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


def console(stderr: bool = False, piped: int = PIPE_WIDTH) -> Console:
    """A console as wide as the terminal, or as COLUMNS says; `piped` for a pipe without COLUMNS."""
    found = VisibleConsole(stderr, highlight=False, markup=False, emoji=False)
    if not found.is_terminal and not os.environ.get("COLUMNS"):
        found.width = piped
    return found


def progress_bar() -> "Progress":
    """A progress bar on stderr; silent unless that is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    errors = VisibleConsole(stderr=True)
    return Progress(*columns, console=errors, disable=not errors.is_terminal, transient=True)


def duration(seconds: float) -> str:
    """Seconds in the unit people use: `12 s`, `3.5 min`, `2.0 h`, `11.6 days`."""
    for limit, unit, name in ((90, 1, "s"), (5400, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.{0 if unit == 1 else 1}f} {name}"
    return f"{seconds / 86_400:.1f} days"
