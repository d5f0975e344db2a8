"""An error suggests a name only where one is near."""

import pytest

from nevoa.errors import nearest

KEYS = ("training.seed", "training.steps", "network.dim", "data.size")


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("shappes", ["shapes", "cifar10"], "shapes"),
        ("Bga", ["bag", "coat"], "bag"),
        ("training.step", KEYS, "training.steps"),
        ("trainig", ["training", "data"], "training"),
        (".docx", [".png", ".npy"], None),
        ("zebra", ["celeba", "shapes"], None),
        ("xqz", ["shapes", "cifar10"], None),
        ("training.abc", KEYS, None),
        ("", KEYS, None),
    ],
)
def test_only_a_near_name_is_suggested(name: str, known: list[str], expected: str | None) -> None:
    assert nearest(name, known) == (f" Did you mean '{expected}'?" if expected else "")
