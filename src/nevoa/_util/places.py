"""Places in the Hub, told apart without loading what opens them, and on the disk."""

import os
from pathlib import Path

HUB = "hf:"


def is_hub(place: object) -> bool:
    """Whether a place is one of the Hub, as in `hf:OWNER/NAME`.

    Example:
        >>> is_hub("hf:OWNER/NAME"), is_hub("runs/clothes")
        (True, False)
    """
    return isinstance(place, str | os.PathLike) and os.fspath(place).startswith(HUB)


def expanded(path: str | os.PathLike[str]) -> Path:
    """Return a path with ~ as the home folder, or as it is without one.

    `Path.expanduser` would raise for a user that does not exist, as in ~photos.

    Example:
        >>> expanded("~nobody-has-this-name/x").name
        'x'
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111
