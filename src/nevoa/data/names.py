"""What files and classes are called."""

import re
import unicodedata

SYSTEM_FILES = {"thumbs.db", "desktop.ini", "__macosx", "icon\r", "$recycle.bin"}
# What a terminal obeys instead of showing it.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def is_hidden(name: str) -> bool:
    """Whether a file or folder is not meant for people."""
    return name.startswith(".") or name.lower() in SYSTEM_FILES


def printable(name: str) -> str:
    """A path or a name as text that can be printed, written and compared, whatever bytes it is made of.

    Letters with accents are one character (NFC): some systems take them apart, and tables do not.
    """
    data = name.encode("utf-8", "surrogateescape" if _from_bytes(name) else "backslashreplace")
    text = unicodedata.normalize("NFC", data.decode("utf-8", "backslashreplace"))
    return text if text.isprintable() else CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _from_bytes(name: str) -> bool:
    """Whether all surrogates in it stand for bytes, as Python puts them into names of files."""
    return all(0xDC80 <= ord(letter) <= 0xDCFF for letter in name if 0xD800 <= ord(letter) <= 0xDFFF)
