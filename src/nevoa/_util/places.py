"""Places in the Hub, told apart without loading what opens them."""

import os

HUB = "hf:"


def is_hub(place: object) -> bool:
    """Whether a place is one of the Hub, as in `hf:OWNER/NAME`.

    Example:
        >>> is_hub("hf:OWNER/NAME"), is_hub("runs/clothes")
        (True, False)
    """
    return isinstance(place, str | os.PathLike) and os.fspath(place).startswith(HUB)
