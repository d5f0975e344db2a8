"""A data set whose distribution is known: a mixture of Gaussians, in one or two dimensions."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from nevoa.diffusion import Denoiser, Schedule, at

Points = Float[Tensor, "N D"]


@dataclass(frozen=True)
class Mixture:
    """Gaussian peaks of equal weight in D dimensions.

    Mixed with noise, `x_t = signal x_0 + noise epsilon`, it is again a mixture: the peaks move to `signal means` and
    have the variance `signal² deviation² + noise²`. So densities, scores and the best denoiser are known exactly.
    Signal 1 and noise 0, the defaults, are the data themselves.

    Args:
        means: of the peaks, `[K, D]`.
        deviation: standard deviation of each peak in each dimension, above 0.

    Example:
        >>> toy = two_peaks()
        >>> x_0 = toy.sample(1000, torch.Generator().manual_seed(0))
        >>> toy.mean_x_0(x_0, signal=0.6, noise=0.8).shape
        torch.Size([1000, 1])
    """

    means: Float64[Tensor, "K D"]
    deviation: float

    def sample(self, count: int, generator: torch.Generator) -> Points:
        """Draw x_0."""
        peak = torch.randint(len(self.means), (count,), generator=generator)
        noise = torch.randn(count, self.means.shape[1], generator=generator, dtype=torch.float64)
        return self.means[peak] + self.deviation * noise

    def log_density(self, x: Points, signal: float | Tensor = 1.0, noise: float | Tensor = 0.0) -> Float[Tensor, " N"]:
        """Return log q(x_t)."""
        offsets, variance = self._offsets(x, signal, noise)
        count, dimensions = self.means.shape
        peaks = -(offsets**2).sum(-1) / (2 * variance[..., 0]) - dimensions / 2 * (2 * math.pi * variance[..., 0]).log()
        return peaks.logsumexp(-1) - math.log(count)

    def score(self, x: Points, signal: float | Tensor = 1.0, noise: float | Tensor = 0.0) -> Points:
        """Return the gradient of log q(x_t) with respect to x_t."""
        offsets, variance = self._offsets(x, signal, noise)
        return (_shares(offsets, variance) * -offsets / variance).sum(1)

    def mean_x_0(self, x_t: Points, signal: float | Tensor, noise: float | Tensor) -> Points:
        """Return E[x_0 | x_t], the estimate with the least squared error.

        Given its peak, x_0 is Gaussian: its mean lies between the peak's and x_t / signal. The peaks are averaged by
        how probable each is, given x_t.
        """
        offsets, variance = self._offsets(x_t, signal, noise)
        of_peaks = self.means + _column(signal, x_t) * self.deviation**2 / variance * offsets
        return (_shares(offsets, variance) * of_peaks).sum(1)

    def denoiser(self, schedule: Schedule) -> Denoiser:
        """Return the exact denoiser: no network can have a smaller squared error."""

        def network(x_t: Points, t: Int[Tensor, " N"]) -> Points:
            return self.mean_x_0(x_t, at(schedule.signal, t, x_t), at(schedule.noise, t, x_t))

        return Denoiser(network, schedule, "x0")

    def _offsets(self, x: Points, signal: float | Tensor, noise: float | Tensor) -> tuple[Tensor, Tensor]:
        """Return the vectors from the peaks to x, `[N, K, D]`, and the variance of the peaks, to divide them by."""
        scale = _column(signal, x)
        return x[:, None] - scale * self.means, scale**2 * self.deviation**2 + _column(noise, x) ** 2


def _column(scale: float | Tensor, like: Points) -> Tensor:
    """Return one scale for all points, or one for each, shaped to multiply `[N, K, D]`."""
    return torch.as_tensor(scale, dtype=like.dtype).reshape(-1, 1, 1)


def _shares(offsets: Tensor, variance: Tensor) -> Tensor:
    """Return the probability of each peak given x, `[N, K, 1]`."""
    return (-(offsets**2).sum(-1, keepdim=True) / (2 * variance)).softmax(1)


def two_peaks() -> Mixture:
    """Return a mixture on a line, with mean 0 and variance 1, like normalised images.

    Example:
        >>> two_peaks().means.shape
        torch.Size([2, 1])
    """
    return Mixture(torch.tensor([[-0.96], [0.96]], dtype=torch.float64), 0.28)


def four_peaks() -> Mixture:
    """Return a mixture in the plane, at the corners of a square, with mean 0 and variance 1 in each dimension.

    Example:
        >>> four_peaks().means.shape
        torch.Size([4, 2])
    """
    corners = torch.tensor([[-1, -1], [-1, 1], [1, -1], [1, 1]], dtype=torch.float64)
    return Mixture(0.98 * corners, 0.199)
