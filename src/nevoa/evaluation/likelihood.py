"""Bits per dimension: the variational bound on the negative log-likelihood of 8-bit images.

L = L_T + sum over t of L_{t-1} (Ho et al. 2020, equation 5): the KL divergence of the prior, those of the reverse steps
t = 2 … T, and for t = 1 the discrete decoder (equation 13). All in bits per pixel and channel.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int, Int64
from torch import Tensor

from nevoa._util.random import Stream, generator
from nevoa.diffusion import AnyDenoiser, GaussianProcess, steps_of
from nevoa.sampling import VarianceName

Images = Float[Tensor, "B C H W"]
PerImage = Float64[Tensor, " B"]

HALF_STEP = 1 / 255
AT_ONCE = 256
# 20 strata make standard errors only 5 % smaller: images differ more than the estimates of one image.
STRATA = 5
# Points of the curve over timesteps.
BINS = 20


@dataclass(frozen=True)
class Bound:
    """Estimates of the bound.

    Attributes:
        total: the bound of each image, including the prior.
        timesteps: those drawn for each image, after t = 1.
        bits: the term of each image at each of them.
    """

    total: Float64[np.ndarray, " N"]
    timesteps: Int64[np.ndarray, "N K"]
    bits: Float64[np.ndarray, "N K"]

    @property
    def curve(self) -> tuple[Float64[np.ndarray, " P"], Float64[np.ndarray, " P"]]:
        """Mean timestep and mean term of t = 1, and of up to 20 intervals that are evenly spaced in log t."""
        edges = np.unique(np.geomspace(2, self.timesteps.max() + 1, BINS).round())
        places = np.searchsorted(edges, self.timesteps, side="right").ravel()
        count = np.bincount(places)
        sums = (np.bincount(places, values.ravel())[count > 0] for values in (self.timesteps, self.bits))
        timesteps, bits = (total / count[count > 0] for total in sums)
        return timesteps, bits


def estimate_bound(
    denoiser: AnyDenoiser,
    x_0: Images,
    variance: VarianceName = "small",
    strata: int = STRATA,
    seed: int = 0,
    at_once: int = AT_ONCE,
) -> Bound:
    """An unbiased estimate of each image's bound from 1 + `strata` evaluations of the network.

    The decoder's term is always computed. The others fall about as 1/t, so timesteps 2 … T are drawn with that
    probability, one from each of `strata` intervals of equal probability, and weighted by its inverse (importance
    sampling with stratification). Estimates of different images are independent.

    Args:
        at_once: as many images are evaluated together.
    """
    steps, count = steps_of(denoiser.process.schedule), len(x_0)
    rng = generator(seed, Stream.EVALUATION, 0)
    probability = 1 / np.arange(2, steps + 1)
    probability /= probability.sum()
    moments = (np.arange(strata) + rng.random((count, strata))) / strata
    # The last cumulative sum can round to just below 1.
    drawn = np.searchsorted(probability.cumsum()[:-1], moments, side="right")
    weights = np.concatenate([np.ones((count, 1)), 1 / (strata * probability[drawn])], axis=1)
    timesteps = np.concatenate([np.ones((count, 1), np.int64), drawn + 2], axis=1)
    bits = _terms(denoiser, x_0, torch.from_numpy(timesteps), variance, rng, at_once)
    return Bound(prior_bits(denoiser.process, x_0).numpy() + (weights * bits).sum(1), timesteps, bits)


@torch.no_grad()
def term(
    denoiser: AnyDenoiser, x_0: Images, t: Int[Tensor, " B"], epsilon: Images, variance: VarianceName = "small"
) -> PerImage:
    """L_{t-1} of each image: KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)), and for t = 1 the decoder's -log p(x_0)."""
    process, t = denoiser.process, t.to(x_0.device)
    x_t = process.forward(x_0, t, epsilon)
    x_0_hat = denoiser(x_t, t).x_0
    # Divergences are small differences, so they need float64; MPS has none, so they are computed on the CPU.
    x_0, x_t, x_0_hat, t = x_0.cpu().double(), x_t.cpu().double(), x_0_hat.cpu().double(), t.cpu()
    mean, small = process.posterior(x_0, x_t, t)
    guess, _ = process.posterior(x_0_hat, x_t, t)
    spread = process.large_variance(t, t - 1, mean) if variance == "large" else small
    # At t = 1 the posterior is a point: the decoder replaces it, with the variance of t = 2 as in Ho et al.
    first = (t == 1).view(-1, 1, 1, 1)
    _, second = process.posterior(mean, mean, torch.full_like(t, 2))
    small, spread = torch.where(first, second, small), torch.where(first, second, spread)
    divergence = ((spread / small).log() + (small + (mean - guess) ** 2) / spread - 1) / 2
    nats = torch.where(first, -log_decoder(x_0, guess, spread.sqrt()), divergence)
    return nats.flatten(1).mean(1) / math.log(2)


def prior_bits(process: GaussianProcess, x_0: Images) -> PerImage:
    """L_T: KL(q(x_T | x_0) || N(0, 1))."""
    signal, noise = process.schedule.signal[-1].item(), process.schedule.noise[-1].item()
    nats = ((signal * x_0.cpu().double()) ** 2 + noise**2 - 1) / 2 - math.log(noise)
    return nats.flatten(1).mean(1) / math.log(2)


def log_decoder(x_0: Float64[Tensor, "B C H W"], mean: Tensor, sigma: Tensor) -> Float64[Tensor, "B C H W"]:
    """log of the probability of the interval x_0 ± 1/255 under N(mean, sigma^2); the outermost intervals are open.

    Intervals right of the mean are mirrored to the left, where the distribution function does not round to 1.
    """
    low = torch.where(x_0 <= -1 + HALF_STEP, -torch.inf, (x_0 - HALF_STEP - mean) / sigma)
    high = torch.where(x_0 >= 1 - HALF_STEP, torch.inf, (x_0 + HALF_STEP - mean) / sigma)
    low, high = torch.where(low > 0, -high, low), torch.where(low > 0, -low, high)
    log_high = torch.special.log_ndtr(high)
    return log_high + torch.log1p(-(torch.special.log_ndtr(low) - log_high).exp())


def _terms(
    denoiser: AnyDenoiser,
    x_0: Images,
    t: Int[Tensor, "N K"],
    variance: VarianceName,
    rng: np.random.Generator,
    at_once: int,
) -> Float64[np.ndarray, "N K"]:
    """The term of each image at each of its K timesteps."""
    images = torch.arange(len(x_0)).repeat_interleave(t.shape[1])
    parts = []
    for places in torch.arange(t.numel()).split(at_once):
        chosen = x_0[images[places]]
        epsilon = torch.from_numpy(rng.standard_normal(chosen.shape, dtype=np.float32)).to(chosen)
        parts.append(term(denoiser, chosen, t.flatten()[places], epsilon, variance))
    return torch.cat(parts).view(t.shape).numpy()
