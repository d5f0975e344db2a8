"""Guidance of your own: a denoiser around a denoiser that pulls the images towards a goal.

The goal is any differentiable function of the estimated images; here it is their brightness. Its gradient with respect
to x_t goes through the network and shifts epsilon (Dhariwal and Nichol 2021, Algorithm 2). Sampling turns gradients
off, so the denoiser turns them on where it needs them.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

import nevoa
from nevoa.data import to_bytes
from nevoa.diffusion import AnyDenoiser, Estimate
from nevoa.sampling import DPMSolver, ImageNoise, timestep_grid, trajectory


class Pulled:
    """A denoiser whose images have a higher `goal`.

    Args:
        denoiser: any denoiser, conditional guidance included.
        goal: maps images `[B, C, H, W]` to one number per image, `[B]`, the larger the better.
        weight: strength of the pull; 0 leaves the denoiser as it is.
    """

    def __init__(self, denoiser: AnyDenoiser, goal: Callable[[Tensor], Tensor], weight: float):
        self.process, self.denoiser, self.goal, self.weight = denoiser.process, denoiser, goal, weight

    def __call__(self, x_t: Tensor, t: Tensor) -> Estimate:
        with torch.enable_grad():
            x_t = x_t.detach().requires_grad_()
            x_0, epsilon = self.denoiser(x_t, t)
            (gradient,) = torch.autograd.grad(self.goal(x_0).sum(), x_t)
        schedule = self.process.schedule
        signal, noise = (
            table[t.cpu()].to(x_t.dtype).to(x_t.device).view(-1, 1, 1, 1) for table in (schedule.signal, schedule.noise)
        )
        epsilon = epsilon - self.weight * noise * gradient
        # Where hardly any signal is left, this division is unstable; images stay between -1 and 1.
        x_0 = ((x_t - noise * epsilon) / signal).clamp(-1, 1)
        return Estimate(x_0.detach(), ((x_t - signal * x_0) / noise).detach())


def brightness(x_0: Tensor) -> Tensor:
    return x_0.flatten(1).mean(1)


def sample(model: nevoa.Model, count: int, weight: float) -> Tensor:
    """Images `[count, C, H, W]` of the same noise and classes for every weight."""
    noise = ImageNoise(0, 0, count, model.shape, model.device)
    denoiser = Pulled(model.denoiser(clip=True, condition=model.condition(count)), brightness, weight)
    *_, end = trajectory(denoiser, DPMSolver(), noise(), timestep_grid(model.schedule, 8, "karras"), noise)
    return end.x_t


def main(folder: Path) -> str:
    model = nevoa.load(device="cpu")
    plain, pulled = sample(model, 10, weight=0), sample(model, 10, weight=30)
    nevoa.show(to_bytes(torch.cat([plain, pulled])), columns=10).save(folder / "brighter.png")
    before, after = brightness(plain).mean(), brightness(pulled).mean()
    return f"brightness {before:.2f} -> {after:.2f}; images in {folder / 'brighter.png'}"


if __name__ == "__main__":
    print(main(Path(sys.argv[1] if sys.argv[1:] else tempfile.mkdtemp())))
