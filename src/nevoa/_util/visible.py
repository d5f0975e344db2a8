"""Text that a terminal prints and does not obey."""

import re
from typing import Any

# All control characters but the tab and the end of a line, and those that turn the direction of a text.
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    r"""Return a text with `\x1b` and the like in place of characters that a terminal obeys."""
    return OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class VisibleStream:
    """A stream that makes all that is written to it visible. rich, which draws by control characters, writes past it.

    Attributes:
        rich_proxied_file: the stream behind it, under the name by which rich finds it.
    """

    def __init__(self, stream: Any) -> None:
        self.rich_proxied_file = stream

    def write(self, text: str) -> int:
        self.rich_proxied_file.write(visible(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)


def behind(stream: Any) -> Any:
    """The stream itself, of one that makes text visible or goes through a progress bar of rich."""
    while (inner := getattr(stream, "rich_proxied_file", None)) is not None:
        stream = inner
    return stream
