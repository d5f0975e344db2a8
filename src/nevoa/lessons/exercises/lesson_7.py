"""The exercises of lesson 7, asking in words."""

import torch
from torch import Tensor

from nevoa.lessons.exercises.exercise import Exercise, choice


def _pieces(word: str) -> list[str]:
    marked = f"<{word}>"
    return [marked, *(marked[i : i + size] for size in (3, 4) for i in range(len(marked) - size + 1))]


SHARED = Exercise(
    lambda one, other: len({*_pieces(one)} & {*_pieces(other)}),
    {
        "all": lambda one, other: len({*_pieces(one)} | {*_pieces(other)}),
        "letters": lambda one, other: len({*one} & {*other}),
        "in_place": lambda one, other: sum(a == b for a, b in zip(_pieces(one), _pieces(other), strict=False)),
        "repeated": lambda one, other: sum(piece in _pieces(other) for piece in _pieces(one)),
    },
    ("banana", "bananal"),
)


GENERATOR = torch.Generator().manual_seed(0)
PLACES, TOKENS = (torch.randn(*shape, generator=GENERATOR) for shape in ((6, 5), (4, 3)))
TO_Q, TO_K, TO_V = (torch.randn(width, 4, generator=GENERATOR) for width in (5, 3, 3))


def _weights(places: Tensor, tokens: Tensor, to_q: Tensor, to_k: Tensor, dim: int = 1) -> Tensor:
    return (places @ to_q @ (tokens @ to_k).T / to_q.shape[1] ** 0.5).softmax(dim)


def _without_scale(places: Tensor, tokens: Tensor, to_q: Tensor, to_k: Tensor, to_v: Tensor) -> Tensor:
    return (places @ to_q @ (tokens @ to_k).T).softmax(1) @ tokens @ to_v


CROSS_ATTENTION = Exercise(
    lambda places, tokens, to_q, to_k, to_v: _weights(places, tokens, to_q, to_k) @ tokens @ to_v,
    {
        "no_scale": _without_scale,
        "places": lambda places, tokens, to_q, to_k, to_v: _weights(places, tokens, to_q, to_k, 0) @ tokens @ to_v,
        "keys": lambda places, tokens, to_q, to_k, to_v: _weights(places, tokens, to_q, to_k) @ tokens @ to_k,
        "weights": lambda places, tokens, to_q, to_k, to_v: _weights(places, tokens, to_q, to_k),
        "tokens": lambda places, tokens, to_q, to_k, to_v: _weights(places, tokens, to_q, to_k) @ tokens,
    },
    (PLACES, TOKENS, TO_Q, TO_K, TO_V),
)

MISSING = Exercise(13 / 16, {"rounded": 0.81, "count": 13, "words": 3 / 16, "one": 1 / 16, "none": 0.0, "all": 1.0})

EXERCISES = (SHARED, choice("b"), CROSS_ATTENTION, MISSING, choice("c"), choice("b"))
