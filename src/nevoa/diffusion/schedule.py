"""Noise schedules: how much signal and how much noise there is in x_t."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from nevoa._util.arguments import has_argument
from nevoa.config.registry import SCHEDULES
from nevoa.errors import NevoaError

Table = Float64[Tensor, " T1"]

# The ends of Ho et al. 2020, section 4, chosen for T = 1000.
BETA_FIRST, BETA_LAST = 1e-4, 0.02
BETA_MAX = 0.9999
# Images of so many pixels have a `noise_scale` of 1: nevoa's recipe was found on Fashion-MNIST.
PIXELS = 28 * 28
# Above this alpha_bar[T], x_T is visibly not the pure noise that sampling starts from.
SIGNAL_LEFT = 0.01


@runtime_checkable
class Schedule(Protocol):
    """The two scales of `x_t = signal[t] x_0 + noise[t] epsilon`, for t = 0 … T.

    Any object with these two float64 tables of length T + 1 is a schedule. Index 0 is the clean image
    (`signal[0] == 1`, `noise[0] == 0`), `signal / noise` falls at every step, and `signal[T]` may be 0.

    Example:
        >>> isinstance(NoiseSchedule.linear(), Schedule)
        True
    """

    @property
    def signal(self) -> Table:
        """The scale of the clean image at t = 0 … T: float64 `[T + 1]`, from 1 downwards."""
        ...

    @property
    def noise(self) -> Table:
        """The scale of the noise at t = 0 … T: float64 `[T + 1]`, from 0 upwards."""
        ...


def steps_of(schedule: Schedule) -> int:
    """Return T, the number of timesteps.

    Example:
        >>> steps_of(NoiseSchedule.cosine(steps=100))
        100
    """
    return len(schedule.signal) - 1


def log_snr_of(schedule: Schedule) -> Table:
    """Return `2 log(signal / noise)`: infinite at t = 0, and minus infinity where no signal is left.

    Example:
        >>> log_snr_of(RectifiedFlow(steps=4)).round(decimals=1).tolist()
        [inf, 2.2, 0.0, -2.2, -inf]
    """
    return 2 * (schedule.signal / schedule.noise).log()


def noise_scale(pixels: int) -> float:
    """Return how many times as much noise hides an image of so many pixels as one of 28x28; 1 for smaller ones.

    It takes twice as much for twice the side, because neighbouring pixels are alike (Hoogeboom et al. 2023, "Simple
    Diffusion").

    Example:
        >>> noise_scale(56 * 56), noise_scale(8 * 8)
        (2.0, 1.0)
    """
    return math.sqrt(max(pixels / PIXELS, 1))


def check_schedule(schedule: object) -> None:
    """Raise NevoaError unless the object is a schedule."""
    name = type(schedule).__name__
    tables = getattr(schedule, "signal", None), getattr(schedule, "noise", None)
    if not all(isinstance(table, Tensor) and table.dtype == torch.float64 and table.ndim == 1 for table in tables):
        raise NevoaError(f"{name} is not a schedule: it needs 'signal' and 'noise', one-dimensional float64 tensors.")
    assert isinstance(schedule, Schedule)
    signal, noise = schedule.signal, schedule.noise
    if len(signal) != len(noise) or len(signal) < 3:
        raise NevoaError(
            f"The tables of {name} have {len(signal)} and {len(noise)} entries: both need T + 1, with T at least 2."
        )
    if signal[0] != 1 or noise[0] != 0 or not bool((log_snr_of(schedule).diff() < 0).all()):
        raise NevoaError(f"{name} must start at signal 1 and noise 0, and its signal / noise must always fall.")
    if noise[-1] > 1.1:
        raise NevoaError(
            f"Sampling starts from noise of size 1, and {name} ends at noise {noise[-1]:.3g}: divide both tables by "
            "(signal**2 + noise**2).sqrt()."
        )


@dataclass(frozen=True)
class NoiseSchedule:
    """A variance-preserving schedule, defined by beta (Ho et al. 2020): `signal² + noise² = 1`.

    All tables are float64 of length T + 1. Every constructor takes `steps`, T, and raises ValueError below 2.

    Args:
        beta: variance that each step adds. `beta[0] == 0`, the others are in (0, 1), and the last may be 1.

    The linear, quadratic and sigmoid schedules have the ends of Ho et al., which suit T = 1000: with fewer steps,
    signal is left at T, and a warning says how much. `scaled=True` multiplies the ends by 1000 / T, so that any T adds
    about the same noise.

    Example:
        >>> schedule = NoiseSchedule.cosine(steps=100)
        >>> schedule.alpha_bar.shape
        torch.Size([101])
    """

    beta: Table

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
        return steps_of(self)

    @cached_property
    def alpha(self) -> Table:
        """1 - beta, the share of the variance that each step keeps."""
        return 1 - self.beta

    @cached_property
    def alpha_bar(self) -> Table:
        """The share of the variance that t steps leave, the product of alpha up to t (Ho et al., equation 4)."""
        return self.alpha.cumprod(dim=0)

    @property
    def signal(self) -> Table:
        """sqrt(alpha_bar)."""
        return self.alpha_bar.sqrt()

    @property
    def noise(self) -> Table:
        """sqrt(1 - alpha_bar)."""
        return (1 - self.alpha_bar).sqrt()

    @classmethod
    def linear(cls, steps: int = 1000, scaled: bool = False) -> "NoiseSchedule":
        """beta from 1e-4 to 0.02 in equal steps."""
        return cls._between("linear", steps, scaled, lambda first, last: _line(first, last, steps))

    @classmethod
    def quadratic(cls, steps: int = 1000, scaled: bool = False) -> "NoiseSchedule":
        """sqrt(beta) in equal steps between the same ends."""
        return cls._between("quadratic", steps, scaled, lambda first, last: _line(first**0.5, last**0.5, steps) ** 2)

    @classmethod
    def sigmoid(cls, steps: int = 1000, scaled: bool = False) -> "NoiseSchedule":
        """beta along a sigmoid from -6 to 6, between the same ends."""
        course = torch.sigmoid(_line(-6.0, 6.0, steps))
        return cls._between("sigmoid", steps, scaled, lambda first, last: course * (last - first) + first)

    @classmethod
    def cosine(cls, steps: int = 1000) -> "NoiseSchedule":
        """alpha_bar along a squared cosine, s = 0.008 (Nichol and Dhariwal 2021, equation 17).

        beta is clipped to [1e-4, 0.9999] (in the paper to at most 0.999), and alpha_bar is the product of what remains.
        """
        s = 0.008
        _check(steps)
        moment = torch.arange(steps + 1, dtype=torch.float64) / steps
        f = torch.cos((moment + s) / (1 + s) * math.pi / 2) ** 2
        return cls._of((1 - f[1:] / f[:-1]).clamp(BETA_FIRST, BETA_MAX))

    @classmethod
    def named(cls, name: str, steps: int = 1000) -> "NoiseSchedule":
        """Return the schedule of that name; ValueError for one that beta does not define (see `named_schedule`)."""
        schedule = SCHEDULES[name](steps)
        if not isinstance(schedule, cls):
            raise ValueError(f"the {name} schedule is not defined by beta: call named_schedule instead")
        return schedule

    def with_zero_terminal_snr(self) -> "NoiseSchedule":
        """Stretch the schedule so that no signal is left at T (Lin et al. 2024, algorithm 1).

        sqrt(alpha_bar) keeps its value at t = 1 and becomes 0 at T, where a network cannot predict epsilon.
        """
        signal = self.signal[1:]
        signal = (signal - signal[-1]) * signal[0] / (signal[0] - signal[-1])
        alpha_bar = torch.cat([signal.new_ones(1), signal**2])
        return NoiseSchedule._of(1 - alpha_bar[1:] / alpha_bar[:-1])

    @classmethod
    def _of(cls, beta: Float64[Tensor, " T"]) -> "NoiseSchedule":
        return cls(torch.cat([beta.new_zeros(1), beta]))

    @classmethod
    def _between(
        cls, name: str, steps: int, scaled: bool, beta: Callable[[float, float], Float64[Tensor, " T"]]
    ) -> "NoiseSchedule":
        _check(steps)
        scale = 1000 / steps if scaled else 1.0
        schedule = cls._of(beta(BETA_FIRST * scale, BETA_LAST * scale).clamp(max=BETA_MAX))
        if (left := schedule.alpha_bar[-1].item()) > SIGNAL_LEFT:
            warnings.warn(
                f"The {name} schedule in {steps} steps ends at alpha_bar[{steps}] = {left:.2g}, but sampling starts "
                "from pure noise: train with scaled ends (diffusion.scale_ends=true, scaled=True), with the cosine "
                "schedule or with more timesteps.",
                stacklevel=3,
            )
        return schedule


@dataclass(frozen=True)
class RectifiedFlow:
    """The straight line from image to noise: signal 1 - t/T, noise t/T (Liu et al. 2022; Lipman et al. 2023).

    With the prediction `flow` this is flow matching. No signal is left at T, so a network cannot predict epsilon there.

    Args:
        steps: T, at least 2; ValueError below.

    Example:
        >>> RectifiedFlow(steps=4).signal.tolist()
        [1.0, 0.75, 0.5, 0.25, 0.0]
    """

    steps: int = 1000

    def __post_init__(self) -> None:
        _check(self.steps)

    @property
    def signal(self) -> Table:
        """1 - t/T."""
        return self.noise.flip(0)

    @property
    def noise(self) -> Table:
        """t/T."""
        return torch.arange(self.steps + 1, dtype=torch.float64) / self.steps


def named_schedule(name: str, steps: int = 1000, scale_ends: bool = False, zero_terminal_snr: bool = False) -> Schedule:
    """Return the schedule of that name with T = `steps`.

    Args:
        scale_ends: pass `scaled=True`, to a linear, quadratic or sigmoid schedule or another one that takes it.
        zero_terminal_snr: leave no signal at T, which is so for `flow` in any case.

    Raises:
        NevoaError: no schedule has that name, it has no ends to scale, or what a plugin made does not fit.

    Example:
        >>> named_schedule("flow", steps=10).noise[5].item()
        0.5
    """
    build = SCHEDULES[name]
    if scale_ends and not has_argument(build, "scaled"):
        raise NevoaError(f"scale_ends is not for the schedule {name}, which takes no scaled ends: leave it out.")
    schedule = build(steps, **({"scaled": True} if scale_ends else {}))
    if name not in SCHEDULES.own:
        check_schedule(schedule)
        if steps_of(schedule) != steps:
            raise NevoaError(f"The schedule {name} must have {steps} timesteps, not {steps_of(schedule)}.")
        if zero_terminal_snr and schedule.signal[-1] != 0 and not isinstance(schedule, NoiseSchedule):
            raise NevoaError(f"zero_terminal_snr is not for the schedule {name}, which leaves signal at T.")
    return schedule.with_zero_terminal_snr() if zero_terminal_snr and isinstance(schedule, NoiseSchedule) else schedule


def at(table: Table, t: Int[Tensor, " B"], like: Tensor) -> Tensor:
    """Return `table[t]`, one number per image, in the dtype and on the device of `like`, shaped to multiply it.

    Example:
        >>> at(schedule.signal, t, x_0).shape
        torch.Size([4, 1, 1, 1])
    """
    on_cpu = like.device.type == "cpu"
    scales = table.to(like.dtype) if on_cpu else _copied(table, like.dtype, like.device)
    return shaped(scales[t], like)


@lru_cache(maxsize=16)
def _copied(table: Table, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The table on a device: copying it in every step would make the CPU wait. The cast comes first: see `shaped`."""
    return table.to(dtype).to(device)


def shaped(values: Float[Tensor, " B"], like: Tensor) -> Tensor:
    """Return one number per image, in the dtype and on the device of `like`, shaped to multiply it."""
    # The cast comes before the move: MPS has no float64.
    return values.to(like.dtype).to(like.device).view(-1, *[1] * (like.ndim - 1))


def _line(first: float, last: float, steps: int) -> Float64[Tensor, " T"]:
    return torch.linspace(first, last, max(steps, 0), dtype=torch.float64)


def _check(steps: int) -> None:
    if steps < 2:
        raise ValueError(f"a noise schedule needs at least 2 steps, not {steps}")
