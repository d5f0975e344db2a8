"""Sampling that begins from images: variations, in-painting and interpolation, with any denoiser."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nevoa.diffusion import AnyDenoiser
from nevoa.sampling.sampler import Draw, Images, Past, Sampler, State, Transition, estimate_at, trajectory

# Lugmayr et al. 2022 draw each step ten times; more is hardly better and takes as much longer.
RESAMPLINGS = 10


def varied(denoiser: AnyDenoiser, sampler: Sampler, x_0: Images, grid: Sequence[int], noise: Draw) -> Iterator[State]:
    """Yield the states from images with noise added to new images (SDEdit, Meng et al. 2022).

    Args:
        x_0: the images to start from.
        grid: timesteps from the one to start at; a late one, such as T, keeps hardly anything of the image.
    """
    return trajectory(denoiser, sampler, _at(denoiser, x_0, grid[0], noise()), grid, noise)


@dataclass(frozen=True)
class Inpainting:
    """A sampler that keeps the known pixels of an image, around any sampler (RePaint, Lugmayr et al. 2022).

    Each step replaces the known pixels of x_s by those of q(x_s | x_0). It is drawn several times, with noise added
    back in between (their algorithm 1 with a jump of one step), so that new pixels and known ones come to match.

    Args:
        sampler: draws the new pixels.
        x_0: the image, `[C, H, W]` or one for each in the batch.
        known: the pixels to keep, in a shape that broadcasts to that of the images.
        resamplings: how many times each step is drawn.
    """

    sampler: Sampler
    x_0: Float[Tensor, "*B C H W"]
    known: Bool[Tensor, "*pixels"]
    resamplings: int = RESAMPLINGS

    def step(
        self, denoiser: AnyDenoiser, x_t: Tensor, t: int, s: int, noise: Draw, past: Past | None = None
    ) -> Transition:
        """Step from x_t to x_s, 0 <= s < t <= T. At s = 0 the known pixels are exactly those of x_0."""
        for left in reversed(range(self.resamplings)):
            # Without memory: the estimate of the step before belongs to pixels that have been replaced since.
            x_s, x_0_hat = self.sampler.step(denoiser, x_t, t, s, noise)
            x_s = torch.where(self.known, _at(denoiser, self.x_0, s, noise()) if s else self.x_0, x_s)
            if left == 0 or s == 0:
                return Transition(x_s, torch.where(self.known, self.x_0, x_0_hat))
            x_t = _noised(denoiser, x_s, s, t, noise())
        raise ValueError("resamplings must be at least 1")


@torch.no_grad()
def inverted(denoiser: AnyDenoiser, x_0: Images, grid: Sequence[int]) -> Images:
    """Return the noise from which DDIM makes the images, by its steps backwards (Song et al. 2021, section 4.3).

    A step from s back to t uses the estimate at s in place of that at t, so the error falls with the number of steps.
    At t = 0 there is no estimate, and the one at t = 1 takes its place.
    """
    x = x_0
    for s, t in pairwise(reversed(grid)):
        estimate = estimate_at(denoiser, x, max(s, 1))
        x = _at(denoiser, estimate.x_0 if s else x_0, t, estimate.epsilon)
    return x


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Return the noise between a and b, on the arc that keeps the norm of noise (Song et al. 2021, appendix D.5).

    Args:
        share: 0 for a, 1 for b.
    """
    angle = torch.arccos(torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0).clamp(-1, 1))
    if angle.sin() < 1e-6:  # the same direction
        return torch.lerp(a, b, share)
    return (torch.sin((1 - share) * angle) * a + torch.sin(share * angle) * b) / angle.sin()


def _at(denoiser: AnyDenoiser, x_0: Tensor, t: int, epsilon: Images) -> Images:
    """x_t of x_0 and epsilon."""
    schedule = denoiser.process.schedule
    return schedule.signal[t].item() * x_0 + schedule.noise[t].item() * epsilon


def _noised(denoiser: AnyDenoiser, x_s: Images, s: int, t: int, epsilon: Images) -> Images:
    """Draw from q(x_t | x_s), s < t."""
    schedule = denoiser.process.schedule
    kept = schedule.signal[t].item() / schedule.signal[s].item()
    added = schedule.noise[t].item() ** 2 - (kept * schedule.noise[s].item()) ** 2
    return kept * x_s + added**0.5 * epsilon
