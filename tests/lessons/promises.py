"""For each of lessons 4 to 8, what its text says about the numbers that its cells print."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import pytest

Words = Sequence[Sequence[str]]


def before_pictures(words: Words) -> Words:
    """The words without the shell's own, `Out[0]:` and what follows, where a cell prints and then shows something."""
    cut = (part[: part.index("Out[0]:")] if "Out[0]:" in part else part for part in words)
    return [part for part in cut if part]


def rows(part: Sequence[str], width: int) -> list[Sequence[str]]:
    """The words of a cell that prints a table, line by line."""
    return [part[first : first + width] for first in range(0, len(part), width)]


def of_lesson_4(words: Words) -> None:
    shapes = words[0]
    assert shapes[:4] == shapes[4:] == ["[4,", "1,", "28,", "28]"]
    depthwise, ordinary = (int(part) for part in next(part for part in words if len(part) == 2 and part[0].isdigit()))
    assert 10 * depthwise < ordinary
    assert ["11"] in words
    groups = {line[0]: line[1] for line in rows(next(part for part in words if part[0] == "1"), 2)}
    assert groups["32"] == "0.000000" and float(groups["1"]) > 0.1
    assert any(len(part) == 1 and float(part[0]) < 1e-10 for part in words if "e-" in part[0])
    alone, mean, third = (float(word) for word in next(part for part in words if part[:2] == ["a", "/"]) if "." in word)
    assert (alone, mean, third) == pytest.approx((1 / 2, 1 / 2, 1 / 3), abs=0.01)
    for _, with_it, without in rows(next(part for part in words if part[0] == "50"), 3):
        assert float(without) == pytest.approx(float(with_it), rel=0.1)


def of_lesson_5(words: Words) -> None:
    ours, theirs = words[1]
    assert ours == theirs
    assert ["1.0"] in words
    moved = [float(share) for _, share in rows(next(part for part in words if part[0] == "1e-03"), 2)]
    assert moved == sorted(moved, reverse=True) and moved[0] > 2 * moved[2]


def of_lesson_6(words: Words) -> None:
    by_hand, first_step, flow = (float(part[0]) for part in words[:3])
    assert by_hand < 1e-4 and first_step < 1e-4 and flow < 1e-10
    slopes = {line[0]: line[1] for line in rows(words[3], 2)}
    assert float(slopes["ddim"]) == pytest.approx(-1, abs=0.2)
    assert float(slopes["flow"]) == pytest.approx(-1, abs=0.2)
    assert float(slopes["dpm_solver"]) < -1.3
    steps = rows(words[4], 3)
    assert all(float(steps[-1][column]) > float(steps[0][column]) for column in (1, 2))
    floors = [float(frechet) for _, frechet, _ in rows(words[5], 3)]
    assert floors == sorted(floors, reverse=True)
    sure = [float(line[1]) for line in rows(words[7], 4)]
    assert sure[0] < sure[1]


def of_lesson_7(words: Words) -> None:
    assert words[1][:3] == ["(1,", "16,", "16)"]
    drawings = next(part for part in words if len(part) == 7)
    assert drawings[0] == "1.0"  # the program that reads pictures is right about all drawings
    (difference,) = next(part for part in words if len(part) == 1 and "e-" in part[0])
    assert float(difference) < 1e-4
    by_way = next(part for part in words if part[0] == "both")
    assert [line[0] for line in rows(by_way, 4)] == ["both", "vector", "tokens"]
    warned = next(part for part in words if "caption" in part)
    new = [after.strip(".") for before, after in pairwise(warned) if before == "words:"]
    assert new == ["azulejo", "greenhouse", "reddish", "circulo", "gato", "star"]


def of_lesson_8(words: Words) -> None:
    work = [int(flop.replace(",", "")) for _, flop, _ in rows(words[0], 3)]
    assert all(4 <= larger / smaller < 5 for smaller, larger in pairwise(work))
    strange, (in_latents, in_pixels, *_) = (part for part in words if len(part) == 4)
    assert max(strange, key=float) == strange[-1]  # the chessboard, also by an autoencoder that knows little
    assert 1 < int(in_pixels.replace(",", "")) / int(in_latents.replace(",", "")) < 1.6
    distances = {name: float(distance) for name, distance in rows(words[-1], 2)}
    assert list(distances) == ["x", "D(E(x))", "latents", "pixels"]
    assert distances["x"] == min(distances.values())


LATER: Mapping[int, Callable[[Words], None]] = {
    4: of_lesson_4,
    5: of_lesson_5,
    6: of_lesson_6,
    7: of_lesson_7,
    8: of_lesson_8,
}


def later_promises(lesson: int, words: Words) -> None:
    """Check what lessons 4 to 8 promise; the tests of the others stand beside their execution."""
    if lesson in LATER:
        LATER[lesson](before_pictures(words))
