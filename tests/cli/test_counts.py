"""How many images are made of how many classes, and how classes are named on the command line."""

import pytest

from nevoa.cli.options import names_of
from nevoa.cli.sample import MOST_TILES, _default_count


@pytest.mark.parametrize(
    ("classes", "count"), [(0, 64), (1, 64), (2, 16), (10, 80), (33, 231), (100, 200), (5_749, 256)]
)
def test_a_sheet_has_eight_of_each_class_or_fewer(classes: int, count: int) -> None:
    assert _default_count(classes, trajectory=False) == count


def test_what_is_made_when_nobody_says_fits_into_an_animation() -> None:
    assert max(_default_count(classes, trajectory=False) for classes in range(1_000)) <= MOST_TILES


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, None),
        ("cat,dog", ["cat", "dog"]),
        (" cat , 3", ["cat", "3"]),
        ('"tench, Tinca tinca",cat', ["tench, Tinca tinca", "cat"]),
        ("", [""]),
        ("cat\ndog", ["cat dog"]),
    ],
)
def test_names_with_commas_stand_in_quotes(text: str | None, names: list[str] | None) -> None:
    assert names_of(text) == names
