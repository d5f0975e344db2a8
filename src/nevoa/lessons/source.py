"""The lines of the package that compute an equation, so that text and code cannot come apart."""

import inspect
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from textwrap import dedent
from typing import Any

from nevoa.errors import NevoaError

PACKAGE = Path(__file__).parents[1]
# A bar that tells the lines from those around them when the folds are open.
SHOWN = "border-left: 4px solid #2e8b57"


@dataclass(frozen=True)
class Source:
    """A piece of source. A notebook shows it in colours between folds with the rest of its file; elsewhere it is text.

    Attributes:
        path: of the file.
        first: number of the first line.
        code: the lines, without the indentation that they have in common.

    Example:
        >>> show_source(nevoa.diffusion.GaussianProcess.forward).code.splitlines()[-1]
        '    return at(self.signal, t, x_0) * x_0 + at(self.noise, t, x_0) * epsilon'
    """

    path: Path
    first: int
    code: str

    @property
    def place(self) -> str:
        """The file and its lines, as in `nevoa/diffusion/process.py, 46–48`."""
        path = self.path.relative_to(PACKAGE.parent) if self.path.is_relative_to(PACKAGE) else self.path
        return f"{path.as_posix()}, {_span(self.first, self._last)}"

    @property
    def _last(self) -> int:
        return self.first + self.code.count("\n")

    def __repr__(self) -> str:
        return f"{self.place}\n\n{self.code}"

    def _repr_html_(self) -> str:
        lines = self.path.read_text(encoding="utf-8").splitlines()
        before, after = _fold(lines, 1, self.first - 1), _fold(lines, self._last + 1, len(lines))
        return f"<div><code>{escape(self.place)}</code>{before}{_coloured(self.code, SHOWN)}{after}</div>"


def _span(first: int, last: int) -> str:
    return f"{first}–{last}" if last > first else str(first)


def _fold(lines: list[str], first: int, last: int) -> str:
    """Return lines of a file, folded away; nothing if they are blank."""
    code = "\n".join(lines[first - 1 : last]).strip("\n")
    if not code:
        return ""
    return f"<details><summary><small>{_span(first, last)}</small></summary>{_coloured(code)}</details>"


def _coloured(code: str, style: str = "") -> str:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    # The background is light, whatever the theme of the notebook: so is the text dark. The style vs writes half as much
    # as pygments' own, which colours every blank.
    layout = f"color: #222; padding: 8px; margin: 0; overflow: auto; {style}"
    styled = HtmlFormatter(style="vs", noclasses=True, cssstyles="background: #f8f8f8", prestyles=layout)
    return highlight(code, PythonLexer(), styled)


def show_source(part: Any) -> Source:
    """Return the source of a function, method, property, class or module, which a notebook displays.

    Raises:
        NevoaError: it has no source in Python.

    Example:
        >>> show_source(nevoa.diffusion.GaussianProcess.forward)
        nevoa/diffusion/process.py, ...
    """
    function: Any = (
        part.fget if isinstance(part, property) else part.func if isinstance(part, cached_property) else part
    )
    try:
        lines, first = inspect.getsourcelines(function)
        path = Path(inspect.getfile(inspect.unwrap(function)))
    except (TypeError, OSError) as error:
        raise NevoaError(f"{part!r:.60} has no source in Python: give a function, a method or a class.") from error
    return Source(path.resolve(), max(first, 1), dedent("".join(lines)).rstrip())
