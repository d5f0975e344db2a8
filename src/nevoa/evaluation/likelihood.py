"""Bits per dimension: the variational bound on the negative log-likelihood of 8-bit images.

L = L_T + sum over t of L_{t-1} (Ho et al. 2020, equation 5): the KL divergence of the prior, those of the reverse steps
t = 2 … T, and for t = 1 the discrete decoder (equation 13). All in bits per pixel and channel.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from nevoa._util.random import Stream, generator
from nevoa.diffusion import AnyDenoiser, GaussianProcess, steps_of
from nevoa.sampling import VarianceName

Images = Float[Tensor, "B C H W"]
PerImage = Float64[Tensor, " B"]

HALF_STEP = 1 / 255
AT_ONCE = 256


class Terms(NamedTuple):
    """Per image: one term of the bound in bits per dimension, and the mean squared error of the predicted noise."""

    bits: PerImage
    noise_loss: PerImage


@dataclass(frozen=True)
class Bound:
    """All T terms of the bound, for a few images.

    Attributes:
        bits: mean term at each timestep 1 … T.
        noise_loss: mean squared error of the predicted noise at each timestep 1 … T.
        total: the bound of each image, including the prior.
    """

    bits: Float64[np.ndarray, " T"]
    noise_loss: Float64[np.ndarray, " T"]
    total: Float64[np.ndarray, " N"]


def estimate_bound(
    denoiser: AnyDenoiser, x_0: Images, variance: VarianceName = "small", strata: int = 20, seed: int = 0
) -> Float64[np.ndarray, " N"]:
    """An unbiased estimate of each image's bound from 1 + `strata` evaluations of the network.

    The decoder's term is always computed. The others fall about as 1/t, so timesteps 2 … T are drawn with that
    probability, one from each of `strata` intervals of equal probability, and weighted by its inverse (importance
    sampling with stratification). Estimates of different images are independent.
    """
    steps, count = steps_of(denoiser.process.schedule), len(x_0)
    rng = generator(seed, Stream.EVALUATION, 0)
    probability = 1 / np.arange(2, steps + 1)
    probability /= probability.sum()
    moments = (np.arange(strata) + rng.random((count, strata))) / strata
    # The last cumulative sum can round to just below 1.
    drawn = np.searchsorted(probability.cumsum()[:-1], moments, side="right")
    first, t = torch.ones(count, 1, dtype=torch.int64), torch.from_numpy(drawn + 2)
    weights = torch.from_numpy(1 / (strata * probability[drawn]))
    total = prior_bits(denoiser.process, x_0) + _summed(denoiser, x_0, first, first.double(), variance, rng)
    return (total + _summed(denoiser, x_0, t, weights, variance, rng)).numpy()


def exact_bound(denoiser: AnyDenoiser, x_0: Images, variance: VarianceName = "small", seed: int = 0) -> Bound:
    """The full sum over t = 1 … T, with one sample of the noise per image and timestep."""
    steps = steps_of(denoiser.process.schedule)
    rng = generator(seed, Stream.EVALUATION, 1)
    bits, noise_loss = np.zeros(steps), np.zeros(steps)
    total = prior_bits(denoiser.process, x_0)
    for place in range(steps):
        timesteps = torch.full((len(x_0),), place + 1)
        terms = term(denoiser, x_0, timesteps, _noise(x_0, rng), variance)
        bits[place], noise_loss[place] = terms.bits.mean(), terms.noise_loss.mean()
        total = total + terms.bits
    return Bound(bits, noise_loss, total.numpy())


@torch.no_grad()
def term(
    denoiser: AnyDenoiser, x_0: Images, t: Int[Tensor, " B"], epsilon: Images, variance: VarianceName = "small"
) -> Terms:
    """L_{t-1} of each image: KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)), and for t = 1 the decoder's -log p(x_0)."""
    process, t = denoiser.process, t.to(x_0.device)
    x_t = process.forward(x_0, t, epsilon)
    estimate = denoiser(x_t, t)
    noise_loss = ((estimate.epsilon - epsilon) ** 2).flatten(1).mean(1).cpu().double()
    # Divergences are small differences, so they need float64; MPS has none, so they are computed on the CPU.
    x_0, x_t, x_0_hat, t = x_0.cpu().double(), x_t.cpu().double(), estimate.x_0.cpu().double(), t.cpu()
    mean, small = process.posterior(x_0, x_t, t)
    guess, _ = process.posterior(x_0_hat, x_t, t)
    spread = process.large_variance(t, t - 1, mean) if variance == "large" else small
    # At t = 1 the posterior is a point: the decoder replaces it, with the variance of t = 2 as in Ho et al.
    first = (t == 1).view(-1, 1, 1, 1)
    _, second = process.posterior(mean, mean, torch.full_like(t, 2))
    small, spread = torch.where(first, second, small), torch.where(first, second, spread)
    divergence = ((spread / small).log() + (small + (mean - guess) ** 2) / spread - 1) / 2
    nats = torch.where(first, -log_decoder(x_0, guess, spread.sqrt()), divergence)
    return Terms(nats.flatten(1).mean(1) / math.log(2), noise_loss)


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


def _summed(
    denoiser: AnyDenoiser,
    x_0: Images,
    t: Int[Tensor, "N K"],
    weights: Float64[Tensor, "N K"],
    variance: VarianceName,
    rng: np.random.Generator,
) -> PerImage:
    """The weighted sum of the terms of each image at its K timesteps."""
    bits = torch.zeros(len(x_0), dtype=torch.float64)
    images = torch.arange(len(x_0)).repeat_interleave(t.shape[1])
    for places in torch.arange(t.numel()).split(AT_ONCE):
        chosen = x_0[images[places]]
        terms = term(denoiser, chosen, t.flatten()[places], _noise(chosen, rng), variance)
        bits.index_add_(0, images[places], terms.bits * weights.flatten()[places])
    return bits


def _noise(like: Images, rng: np.random.Generator) -> Images:
    return torch.from_numpy(rng.standard_normal(like.shape, dtype=np.float32)).to(like)
