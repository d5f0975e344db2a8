"""The sampling loop. A sampler is one step from x_t to x_s; `trajectory` repeats it."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nevoa._util.random import Stream, generator
from nevoa.diffusion import AnyDenoiser, Estimate
from nevoa.errors import NevoaError

Images = Float[Tensor, "B *pixels"]
# Draws unit Gaussian noise, as an `ImageNoise` does.
Draw = Callable[[], Images]


@dataclass(frozen=True)
class State:
    """A moment of the reverse process: x_t, the timestep t (T…0), and the estimate of x_0 from them.

    Both images have the scale of images in [-1, 1], and the same shape. At t = 0 both are the result.

    Example:
        >>> *_, end = model.trajectory(4, steps=7)
        >>> end.t, end.x_t.shape
        (0, torch.Size([4, 1, 28, 28]))
    """

    x_t: Images
    t: int
    x_0_hat: Images


class Transition(NamedTuple):
    """The result of a step: the next images, and the x_0 that the denoiser estimated from x_t.

    Example:
        >>> x_s, x_0_hat = DDIM().step(denoiser, x_t, 500, 400, noise)
    """

    x_s: Images
    x_0_hat: Images


class Past(NamedTuple):
    """The x_0 estimated in the step before, at timestep t: the memory of multistep samplers.

    Example:
        >>> x_s, x_0_hat = DPMSolver().step(denoiser, x_t, 400, 300, noise, Past(x_0_hat, t=500))
    """

    x_0: Images
    t: int


@runtime_checkable
class Sampler(Protocol):
    """Any object with this step is a sampler.

    Example:
        >>> class Euler:
        ...     def step(self, denoiser, x_t, t, s, noise, past=None):
        ...         x_0, epsilon = estimate_at(denoiser, x_t, t)
        ...         signal, noise = denoiser.process.schedule.signal[s], denoiser.process.schedule.noise[s]
        ...         return Transition(signal.item() * x_0 + noise.item() * epsilon, x_0)
        >>> images = model.sample(4, sampler=Euler(), steps=20)
    """

    def step(
        self, denoiser: AnyDenoiser, x_t: Images, t: int, s: int, noise: Draw, past: Past | None = None
    ) -> Transition:
        """Step from x_t to x_s, 0 <= s < t <= T.

        Args:
            denoiser: to be called as often as the sampler needs; `estimate_at` takes the timestep as a number.
            noise: draws unit Gaussian noise of the shape of x_t.
            past: the estimate of the step before; None in the first step.
        """
        ...


def estimate_at(denoiser: AnyDenoiser, x_t: Images, t: int) -> Estimate:
    """Return the denoiser's estimates for images that are all at timestep t.

    Example:
        >>> x_0_hat, epsilon_hat = estimate_at(denoiser, x_t, 500)
    """
    return denoiser(x_t, torch.full((len(x_t),), t, device=x_t.device))


@torch.no_grad()
def trajectory(
    denoiser: AnyDenoiser, sampler: Sampler, x_T: Images, grid: Sequence[int], noise: Draw
) -> Iterator[State]:
    """Yield every state from pure noise at grid[0] to the images at 0 (Ho et al. 2020, Algorithm 2, for any sampler).

    A grid of `steps + 1` timesteps gives as many states. A NevoaError if one is not finite. Gradients are off; a
    denoiser or a sampler that needs them turns them on with `torch.enable_grad()`, and they do not reach beyond its
    step.

    Example:
        >>> noise = ImageNoise(seed=0, first=0, count=16, shape=(1, 28, 28))
        >>> grid = timestep_grid(denoiser.process.schedule, steps=20)
        >>> *_, end = trajectory(denoiser, DPMSolver(), noise(), grid, noise)
    """
    x_t, past = x_T, None
    for t, s in pairwise(grid):
        x_s, x_0_hat = _checked(sampler, sampler.step(denoiser, x_t, t, s, noise, past), x_t)
        _check_finite(x_s, t)
        yield State(x_t, t, x_0_hat.detach())
        x_t, past = x_s.detach(), Past(x_0_hat.detach(), t)
    yield State(x_t, grid[-1], x_t)


def last(states: Iterator[State]) -> State:
    """Return the end of a trajectory, the images, and keep no state before it.

    Example:
        >>> images = last(model.trajectory(4)).x_t
    """
    return deque(states, maxlen=1).pop()


def _checked(sampler: object, moved: object, x_t: Images) -> Transition:
    """Return what a step returned. A NevoaError unless it is two tensors of the shape of x_t."""
    if isinstance(moved, tuple) and [getattr(part, "shape", None) for part in moved] == 2 * [x_t.shape]:
        return Transition(*moved)
    raise NevoaError(
        f"{type(sampler).__name__}.step must return a Transition(x_s, x_0_hat): two tensors of the shape of x_t, "
        f"{list(x_t.shape)}."
    )


def _check_finite(x_s: Images, t: int) -> None:
    """A NevoaError for NaN or infinity, which would become black images without a word."""
    if not bool(x_s.isfinite().all()):
        raise NevoaError(
            f"The images became NaN or infinite in the step from timestep {t}. Try clip=True, more steps, another "
            "sampler or less guidance; if that does not help, the network returns such values: train it with a lower "
            "training.learning_rate."
        )


class ImageNoise:
    """Unit Gaussian noise for images number first … first + count - 1 of a seed.

    Each image has its own generator on the CPU, so image n is the same whatever the count and the device.

    Example:
        >>> noise = ImageNoise(seed=0, first=0, count=16, shape=(1, 28, 28))
        >>> noise().shape
        torch.Size([16, 1, 28, 28])
    """

    def __init__(self, seed: int, first: int, count: int, shape: tuple[int, ...], device: torch.device | str = "cpu"):
        self._generators = [generator(seed, Stream.SAMPLE, number) for number in range(first, first + count)]
        self.seed, self._shape, self.device = seed, shape, device

    def __call__(self) -> Images:
        """Draw the next noise, float32 `[count, *shape]`."""
        draws = [rng.standard_normal(self._shape, dtype=np.float32) for rng in self._generators]
        return torch.from_numpy(np.stack(draws)).to(self.device)
