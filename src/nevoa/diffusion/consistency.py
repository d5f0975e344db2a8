"""Consistency distillation (Song et al. 2023, "Consistency Models"): a denoiser learns to see to the end of the path.

The probability flow leads every x_t along a path to one image. A consistency function f(x_t, t) is the same all along a
path, and at its end, t = 0, the image itself (equations 4 and 5).
"""

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from nevoa.diffusion.denoiser import Denoiser, Estimate
from nevoa.diffusion.loss import Loss
from nevoa.diffusion.schedule import at, steps_of
from nevoa.vocabulary import WeightingName

Images = Float[Tensor, "B *pixels"]
Timesteps = Int[Tensor, " B"]
Labels = Int64[Tensor, " B"]

# Into how many parts of equal strides of t the path is divided. With few parts, the image at its end is known at t = T
# after fewer steps of training; many parts follow the flow more closely.
PARTS = 12


class Student(Denoiser):
    """A denoiser that is trained until its estimate of x_0 is a consistency function.

    Args:
        denoiser: what is trained.
        teacher: gives the direction of the flow; it stays as it is.

    Example:
        >>> student = Student(Denoiser(copy.deepcopy(network), schedule, "v"), Denoiser(network, schedule, "v"))
        >>> student.loss(x_0, t, torch.randn_like(x_0)).mean().backward()
    """

    def __init__(self, denoiser: Denoiser, teacher: Denoiser):
        super().__init__(denoiser.network, denoiser.process.schedule, denoiser.prediction, denoiser.clip)
        self.teacher = teacher
        self.part = max(1, round(steps_of(denoiser.process.schedule) / PARTS))

    def loss(
        self,
        x_0: Images,
        t: Timesteps,
        epsilon: Images,
        loss: Loss = "l2",
        weighting: WeightingName = "simple",
        label: Labels | None = None,
    ) -> Float[Tensor, " B"]:
        """Return the loss of each image: that of a denoiser whose target is the student's own estimate further down.

        This is equation 7 with the distance, the weights and the timesteps that the denoiser is trained with.
        """
        end = self.end(self.process.forward(x_0, t, epsilon), t, label)
        return super().loss(end.x_0, t, end.epsilon, loss, weighting, label)

    @torch.no_grad()
    def end(self, x_t: Images, t: Timesteps, label: Labels | None = None) -> Estimate:
        """Return the end of the path through x_t, as far as the student knows, and the epsilon that makes up x_t."""
        r = (t - self.part).clamp(min=0)
        x_r = self.flowed(x_t, t, r, label)
        estimate = super().__call__(x_r, r.clamp(min=1), label).x_0
        x_0 = torch.where(at(self.process.schedule.noise, r, x_t) > 0, estimate, x_r)
        return self.with_x_0(x_0, x_t, t)

    def flowed(self, x_t: Images, t: Timesteps, r: Timesteps, label: Labels | None = None) -> Images:
        """Return x_r, to which the teacher's flow leads x_t, 0 <= r < t: a step with the x_0 of its middle.

        This is the midpoint method, of second order. With Euler's method (DDIM), of first order, eight steps from noise
        to image gave three times the Fréchet distance.
        """
        middle = ((t + r) // 2).clamp(min=1)
        start = self.teacher(x_t, t, label)
        x_0 = self.teacher(self.process.forward(start.x_0, middle, start.epsilon), middle, label).x_0
        return self.process.forward(x_0, r, self.with_x_0(x_0, x_t, t).epsilon)
