"""From noise to images. A sampler is one step from x_t to x_s; the loop is written once, here."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nevoa._util.random import Stream, generator
from nevoa.diffusion import Denoiser, Estimate, GaussianProcess

Images = Float[Tensor, "B *pixels"]


@dataclass(frozen=True)
class State:
    """A moment of the reverse process: x_t, and what the denoiser makes of it. At t = 0 both are the result."""

    x_t: Images
    t: int
    x_0_hat: Images


class Past(NamedTuple):
    """What the denoiser estimated one step ago, at timestep t: what multistep samplers remember."""

    x_0: Images
    t: int


@runtime_checkable
class Sampler(Protocol):
    """One step of the reverse process."""

    def step(
        self,
        process: GaussianProcess,
        x_t: Images,
        estimate: Estimate,
        t: int,
        s: int,
        noise: Callable[[], Images],
        past: Past | None = None,
    ) -> Images:
        """x_s from x_t, 0 <= s < t <= T. `noise()` draws unit Gaussian noise of the shape of x_t."""
        ...


@torch.inference_mode()
def trajectory(
    denoiser: Denoiser, sampler: Sampler, x_T: Images, grid: Sequence[int], noise: Callable[[], Images]
) -> Iterator[State]:
    """Algorithm 2 of Ho et al. 2020 with any sampler: every state from pure noise at grid[0] to the images at 0.

    Yields `len(grid)` states for `len(grid) - 1` evaluations of the denoiser.
    """
    x_t, past = x_T, None
    for t, s in pairwise(grid):
        estimate = denoiser(x_t, torch.full((len(x_t),), t, device=x_t.device))
        yield State(x_t, t, estimate.x_0)
        x_t = sampler.step(denoiser.process, x_t, estimate, t, s, noise, past)
        past = Past(estimate.x_0, t)
    yield State(x_t, grid[-1], x_t)


class ImageNoise:
    """Unit Gaussian noise for images number first … first + count - 1, drawn on the CPU for each image apart.

    Image n of a seed is the same picture however many are made beside it.
    """

    def __init__(self, seed: int, first: int, count: int, shape: tuple[int, ...], device: torch.device | str = "cpu"):
        self._generators = [generator(seed, Stream.SAMPLE, number) for number in range(first, first + count)]
        self._shape, self._device = shape, device

    def __call__(self) -> Images:
        draws = [rng.standard_normal(self._shape, dtype=np.float32) for rng in self._generators]
        return torch.from_numpy(np.stack(draws)).to(self._device)
