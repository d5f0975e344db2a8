"""Noise schedules: how much of an image is left after t steps."""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from nevoa.vocabulary import ScheduleName

BETA_FIRST = 1e-4
BETA_LAST = 0.02


@dataclass(frozen=True)
class NoiseSchedule:
    """Tables of length T + 1 in float64. Index 0 is the clean image, index t the image after t steps.

    Attributes:
        beta: variance added by each step, in (0, 1), the last in (0, 1]; `beta[0] == 0`.

    The ends of linear, quadratic and sigmoid are those of Ho et al. 2020, section 4, whatever T is.
    Every constructor takes `steps`, T, at least 2, and raises ValueError below.
    """

    beta: Float64[Tensor, " T1"]

    def __post_init__(self) -> None:
        if (
            len(self.beta) < 3
            or self.beta[0] != 0
            or not bool((self.beta[1:] > 0).all() and (self.beta[1:-1] < 1).all() and self.beta[-1] <= 1)
        ):
            raise ValueError("a schedule needs beta[0] == 0 and then at least two values between 0 and 1")

    @property
    def steps(self) -> int:
        """T."""
        return len(self.beta) - 1

    @cached_property
    def alpha(self) -> Float64[Tensor, " T1"]:
        """What each step keeps of the variance: 1 - beta."""
        return 1 - self.beta

    @cached_property
    def alpha_bar(self) -> Float64[Tensor, " T1"]:
        """What t steps keep of the variance: the product of alpha up to t (Ho et al. 2020, equation 4)."""
        return self.alpha.cumprod(dim=0)

    @cached_property
    def log_snr(self) -> Float64[Tensor, " T1"]:
        """log(alpha_bar / (1 - alpha_bar)); infinite at the clean image, minus infinity where nothing is left of it."""
        return torch.logit(self.alpha_bar)

    @classmethod
    def linear(cls, steps: int = 1000) -> "NoiseSchedule":
        """beta from 1e-4 to 0.02 in equal steps."""
        return cls._of(_line(BETA_FIRST, BETA_LAST, steps))

    @classmethod
    def quadratic(cls, steps: int = 1000) -> "NoiseSchedule":
        """sqrt(beta) in equal steps between the same ends."""
        return cls._of(_line(BETA_FIRST**0.5, BETA_LAST**0.5, steps) ** 2)

    @classmethod
    def sigmoid(cls, steps: int = 1000) -> "NoiseSchedule":
        """beta along a sigmoid from -6 to 6, between the same ends."""
        return cls._of(torch.sigmoid(_line(-6.0, 6.0, steps)) * (BETA_LAST - BETA_FIRST) + BETA_FIRST)

    @classmethod
    def cosine(cls, steps: int = 1000) -> "NoiseSchedule":
        """alpha_bar along a squared cosine, s = 0.008 (Nichol and Dhariwal 2021, equation 17).

        The betas are clipped to [1e-4, 0.9999], as in the teaching notebook (the paper: at most 0.999); alpha_bar is
        the product of what is left, as for the others.
        """
        s = 0.008
        _check(steps)
        moment = torch.arange(steps + 1, dtype=torch.float64) / steps
        f = torch.cos((moment + s) / (1 + s) * math.pi / 2) ** 2
        return cls._of((1 - f[1:] / f[:-1]).clamp(1e-4, 0.9999))

    @classmethod
    def named(cls, name: ScheduleName, steps: int = 1000) -> "NoiseSchedule":
        """The schedule of that name."""
        return {"linear": cls.linear, "quadratic": cls.quadratic, "sigmoid": cls.sigmoid, "cosine": cls.cosine}[name](
            steps
        )

    def with_zero_terminal_snr(self) -> "NoiseSchedule":
        """The same course, stretched so that nothing of the image is left at T (Lin et al. 2024, algorithm 1).

        sqrt(alpha_bar) keeps its value at t = 1 and becomes 0 at T. The network cannot predict epsilon there.
        """
        kept = self.alpha_bar[1:].sqrt()
        kept = (kept - kept[-1]) * kept[0] / (kept[0] - kept[-1])
        alpha_bar = torch.cat([kept.new_ones(1), kept**2])
        return NoiseSchedule._of(1 - alpha_bar[1:] / alpha_bar[:-1])

    @classmethod
    def _of(cls, beta: Float64[Tensor, " T"]) -> "NoiseSchedule":
        return cls(torch.cat([beta.new_zeros(1), beta]))


def at(table: Float64[Tensor, " T1"], t: Int[Tensor, " B"], like: Tensor) -> Tensor:
    """`table[t]`, one number per image of `like`, in its dtype and on its device, shaped to multiply it."""
    return shaped(table.to(like.dtype).to(like.device)[t], like)


def shaped(values: Float[Tensor, " B"], like: Tensor) -> Tensor:
    """One number per image of `like`, in its dtype and on its device, shaped to multiply it."""
    # The cast comes before the move: MPS has no float64.
    return values.to(like.dtype).to(like.device).view(-1, *[1] * (like.ndim - 1))


def _line(first: float, last: float, steps: int) -> Float64[Tensor, " T"]:
    _check(steps)
    return torch.linspace(first, last, steps, dtype=torch.float64)


def _check(steps: int) -> None:
    if steps < 2:
        raise ValueError(f"a noise schedule has at least 2 steps, not {steps}")
