"""Files that another version of nevoa wrote: formats and names that this one does not know."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nevoa.errors import NevoaError

NEWER = "A newer nevoa wrote it: install that one to go on."
# Types of pydantic's errors.
UNKNOWN = "extra_forbidden", "unexpected_keyword_argument", "literal_error"


class OtherVersion(NevoaError):
    """Raised for a file of another version: it is not damaged, and must stay as it is."""


def check_format(path: Path, found: object, *read: int, older: str = "") -> None:
    """Raise an OtherVersion unless the format of a file is one of those that are read, the newest last.

    Args:
        older: what to do with an older one.
    """
    if found not in read:
        advice = NEWER if isinstance(found, int) and found > read[-1] else older
        said = f"{path} has format {found}, but this version of nevoa reads format {read[-1]}. {advice}"
        raise OtherVersion(said.rstrip())


def check_known(path: Path, errors: Sequence[Mapping[str, Any]]) -> None:
    """Raise an OtherVersion if errors of pydantic are about a key, or a name for its value, that is not known."""
    for error in errors:
        if error["type"] in UNKNOWN:
            key, name = ".".join(map(str, error["loc"])), error["type"] == "literal_error"
            what = f"{key} '{error['input']}'" if name else key
            raise OtherVersion(f"{path} has {what}, which this version of nevoa does not know. {NEWER}")
