"""Which of pydantic's errors to report."""

from collections.abc import Sequence
from typing import Any

# What pydantic says of a value that may also be auto.
AUTO = "Input should be 'auto'"


def furthest(errors: Sequence[Any]) -> dict[str, Any]:
    """Return the error that matched furthest: a value that may have several forms gives an error for each.

    If the value may also be auto, the message says so.
    """
    found = max(errors, key=lambda error: len(error["loc"]))
    others = [error["msg"] for error in errors if error is not found and error["loc"][:-1] == found["loc"][:-1]]
    return {**found, "msg": f"{found['msg']} or 'auto'"} if AUTO in others else found
