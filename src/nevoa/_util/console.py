"""A console of rich for text that may come from strangers' files."""

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from nevoa._util.visible import behind, visible


class VisibleConsole(Console):
    """A console that shows the control characters of a text; the terminal obeys only those of rich itself."""

    def __init__(self, stderr: bool = False, **options: Any) -> None:
        super().__init__(file=behind(sys.stderr if stderr else sys.stdout), stderr=stderr, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a text or table; rich calls it for each part of what it prints."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)
