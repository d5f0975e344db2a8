"""Names of files and classes as printable text."""

import csv
import re
import unicodedata
from collections.abc import Iterable

SYSTEM_FILES = {"thumbs.db", "desktop.ini", "__macosx", "icon\r", "$recycle.bin"}
# Characters that only say how others are drawn: joiners, directions, variants of an emoji, soft hyphens.
INVISIBLE = re.compile("[\u00ad\u061c\u200c-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]")
LONGEST_CAPTION = 1_000
# Control characters, which a terminal obeys instead of printing.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden or belongs to the operating system."""
    return name.startswith(".") or name.lower() in SYSTEM_FILES


def printable(name: str) -> str:
    """Return a path or name as text that can be printed, saved and compared, whatever bytes it consists of.

    Accented letters become one character (NFC): macOS decomposes them in file names, tables do not.

    Example:
        >>> printable("fotografias/maçã.png")
        'fotografias/maçã.png'
    """
    try:
        data = name.encode("utf-8", "surrogateescape")  # undecodable bytes, as Python writes them in file names
    except UnicodeEncodeError:
        data = name.encode("utf-8", "backslashreplace")
    text = unicodedata.normalize("NFC", data.decode("utf-8", "backslashreplace"))
    return text if text.isprintable() else CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def tidied(text: str) -> str:
    """Return a text that describes an image in one line, without control characters, and cut if it is very long.

    Example:
        >>> tidied("  a cat\\n on a mat ")
        'a cat on a mat'
    """
    text = INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    visible = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(visible.split())[:LONGEST_CAPTION]


def names_of(texts: str | Iterable[str]) -> list[str]:
    """Split each text, such as `cat,dog`, into names; a name that contains a comma is quoted.

    Example:
        >>> names_of(["cat, dog", '"tench, Tinca tinca"'])
        ['cat', 'dog', 'tench, Tinca tinca']
    """
    lines = [re.sub(r"[\r\n]", " ", text) or '""' for text in ([texts] if isinstance(texts, str) else texts)]
    rows = (row for line in lines for row in csv.reader([line], skipinitialspace=True))
    return [printable(name.strip()) for row in rows for name in row]
