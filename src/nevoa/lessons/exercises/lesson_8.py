"""The exercises of lesson 8, latents."""

import math

import torch
from torch import Tensor

from nevoa.lessons.exercises.exercise import Exercise, choice

FEWER = Exercise(48, {"side": 8, "places": 64, "inverse": 1 / 48, "left": 64 * 64 * 4, "no_colours": 16})


def _encoder(x: Tensor) -> Tensor:
    """Keep every second pixel of a row: twice fewer numbers."""
    return x[..., ::2]


def _decoder(latents: Tensor) -> Tensor:
    return latents.repeat_interleave(2, dim=-1)


GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(2, 3, 4, 8, generator=GENERATOR, dtype=torch.float64)

RECONSTRUCTION = Exercise(
    lambda encoder, decoder, x: ((decoder(encoder(x)) - x) ** 2).mean(),
    {
        "order": lambda encoder, decoder, x: ((encoder(decoder(x)) - x) ** 2).mean(),
        "sum": lambda encoder, decoder, x: ((decoder(encoder(x)) - x) ** 2).sum(),
        "absolute": lambda encoder, decoder, x: (decoder(encoder(x)) - x).abs().mean(),
        "root": lambda encoder, decoder, x: ((decoder(encoder(x)) - x) ** 2).mean().sqrt(),
        "each": lambda encoder, decoder, x: (decoder(encoder(x)) - x) ** 2,
    },
    (_encoder, _decoder, X),
)

SCALES, SHIFTS = (torch.tensor(one, dtype=torch.float64)[:, None, None] for one in ([0.5, 2.0, 5.0], [0.3, -1.0, 4.0]))
LATENTS = SHIFTS + SCALES * torch.randn(200, 3, 4, 4, generator=GENERATOR, dtype=torch.float64)


def _normalized(latents: Tensor, dims: tuple[int, ...]) -> Tensor:
    return (latents - latents.mean(dims, keepdim=True)) / latents.std(dims, keepdim=True)


NORMALIZED = Exercise(
    lambda latents: _normalized(latents, (0, 2, 3)),
    {
        "together": lambda latents: _normalized(latents, (0, 1, 2, 3)),
        "places": lambda latents: _normalized(latents, (0,)),
        "pictures": lambda latents: _normalized(latents, (2, 3)),
        "variance": lambda latents: (
            (latents - latents.mean((0, 2, 3), keepdim=True)) / latents.var((0, 2, 3), keepdim=True)
        ),
        "no_mean": lambda latents: latents / latents.std((0, 2, 3), keepdim=True),
        "no_deviation": lambda latents: latents - latents.mean((0, 2, 3), keepdim=True),
    },
    (LATENTS,),
)

LARGER = Exercise(25, {"amplitude": 5, "inverse": 1 / 25, "logarithm": 2 * math.log(5), "none": 1})

EXERCISES = (FEWER, RECONSTRUCTION, choice("c"), NORMALIZED, LARGER, choice("b"))
