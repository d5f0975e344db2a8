"""Files of another version are refused, with what to do."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from nevoa._util.versions import OtherVersion, check_format, check_known
from nevoa.runs.journal import Entry

FILE = Path("runs/a/file")


def test_an_unread_format_is_named_with_the_one_that_is_read() -> None:
    check_format(FILE, 1, 1, 2)
    for found in (0, None, "2"):
        with pytest.raises(OtherVersion, match=r"has format .*, but this version of nevoa reads format 2\. Retrain\.$"):
            check_format(FILE, found, 1, 2, older="Retrain.")
    with pytest.raises(OtherVersion, match=r"reads format 2\. A newer nevoa wrote it: install that one to go on\.$"):
        check_format(FILE, 3, 1, 2, older="Retrain.")


@pytest.mark.parametrize(
    ("others", "named"),
    [
        ({"mood": 3}, "mood"),
        ({"horizon": {"images": 9, "mood": 3}}, "horizon.mood"),
        ({"event": "danced"}, "event 'danced'"),
    ],
)
def test_what_is_not_known_is_named(others: dict[str, object], named: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        Entry.model_validate({"event": "planned", "images_seen": 0} | others)
    with pytest.raises(OtherVersion, match=f"{FILE} has {named}, which this version of nevoa does not know"):
        check_known(FILE, wrong.value.errors())


def test_a_wrong_value_is_not_of_another_version() -> None:
    with pytest.raises(ValidationError) as wrong:
        Entry.model_validate({"event": "planned", "images_seen": -1})
    check_known(FILE, wrong.value.errors())
