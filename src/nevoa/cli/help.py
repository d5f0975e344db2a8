"""Help texts that break no word, at any width."""

from typing import TYPE_CHECKING

from cyclopts.help import ColumnSpec, DefaultFormatter, DescriptionRenderer

if TYPE_CHECKING:
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions, Group

# Below this width, the column of names would break the longest of them.
NARROW = 60


class HelpFormatter(DefaultFormatter):
    """Two columns; on a narrow terminal one, each description below its name."""

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
        columns = (ColumnSpec(renderer=_block),) if console.width < NARROW else None
        DefaultFormatter(column_specs=columns)(console, options, panel)


def _block(entry: "HelpEntry") -> "Group":
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    name = Text(" ".join(entry.display_labels_with_metavar), "cyclopts.name")
    return Group(name, Padding(DescriptionRenderer()(entry), (0, 0, 0, 2)))
