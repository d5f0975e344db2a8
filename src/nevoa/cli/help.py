"""Help texts that break no word, at any width."""

import re
from typing import TYPE_CHECKING, Any

from cyclopts.help import ColumnSpec, DefaultFormatter, DescriptionRenderer

if TYPE_CHECKING:
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions, Group

# Below this width, the column of names would break the longest of them.
NARROW = 60
# A line of a paragraph ends where the docstring's does.
LINE_END = re.compile(r"(?<!\n)\n(?!\n)")


class HelpFormatter(DefaultFormatter):
    """Two columns; on a narrow terminal one, each description below its name."""

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
        for text in (panel, *panel.entries):
            _join_lines(text.description)
        columns = (ColumnSpec(renderer=_block),) if console.width < NARROW else None
        DefaultFormatter(column_specs=columns)(console, options, panel)

    def render_description(self, console: "Console", options: "ConsoleOptions", description: Any) -> None:
        _join_lines(description)
        super().render_description(console, options, description)


def _join_lines(description: Any) -> None:
    """Put each paragraph into one line, for the terminal to break.

    As markdown they would be, but its parser is two fifths of what `nevoa --help` imports.
    """
    if text := getattr(description, "primary_renderable", None):
        text.plain = LINE_END.sub(" ", text.plain)


def _block(entry: "HelpEntry") -> "Group":
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    name = Text(" ".join(entry.display_labels_with_metavar), "cyclopts.name")
    return Group(name, Padding(DescriptionRenderer()(entry), (0, 0, 0, 2)))
