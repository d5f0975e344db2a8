"""Path distillation: a student learns to take a few large steps along the path that its teacher takes in many.

Without fresh noise a sampler leads from the same noise to the same image. The student learns where each of its own
steps must lead: Luhman and Luhman 2021, "Knowledge Distillation in Iterative Generative Models for Improved Sampling
Speed", with states between noise and image as further targets.
"""

from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nevoa.config.names import SpacingName, WeightingName
from nevoa.diffusion import AnyDenoiser, Denoiser, Guided
from nevoa.diffusion.condition import Condition
from nevoa.diffusion.loss import Loss
from nevoa.diffusion.schedule import steps_of
from nevoa.sampling import DDIM, DPMSolver, timestep_grid, trajectory

Images = Float[Tensor, "B *pixels"]

# Steps of the teacher's path, as many as `quick` samples in after a short training. Other numbers were not measured.
PATH_STEPS = 7


class Student(Denoiser):
    """A denoiser that is trained to make images in a few steps of Euler's method.

    Args:
        denoiser: what is trained.
        teacher: takes the path; it stays as it is.
        steps, spacing, pixels: the student's own steps, as in `timestep_grid`.

    Example:
        >>> teacher, learner = (Denoiser(one, schedule, "v") for one in (network, copy.deepcopy(network)))
        >>> student = Student(learner, teacher, 2, "angle")
        >>> student.loss(x_0, t, torch.randn_like(x_0)).mean().backward()
    """

    def __init__(self, denoiser: Denoiser, teacher: Denoiser, steps: int, spacing: SpacingName, pixels: int = 1):
        schedule = denoiser.process.schedule
        super().__init__(denoiser.network, schedule, denoiser.prediction, denoiser.clip)
        self.teacher, self.grid = teacher, timestep_grid(schedule, steps, spacing, pixels)
        path_grid = timestep_grid(schedule, min(PATH_STEPS, steps_of(schedule)), "shifted", pixels)
        self.path_grid = sorted({*self.grid, *path_grid}, reverse=True)

    @property
    def evaluations(self) -> int:
        """Evaluations of a network for one path; a gradient costs as much as two."""
        return len(self.path_grid) - 1 + 3 * (len(self.grid) - 1)

    def loss(
        self,
        x_0: Images,
        t: Int[Tensor, " B"],
        epsilon: Images,
        loss: Loss = "l2",
        weighting: WeightingName = "simple",
        condition: Condition | None = None,
    ) -> Float[Tensor, " B"]:
        """Return the loss of each path that begins at epsilon: the mean over the student's steps.

        The target of a step is the x_0 with which Euler's method leads along the path. x_0 and t play no part.
        """
        path, losses = self.path(epsilon, condition), []
        for start, end in pairwise(self.grid):
            at_start = torch.full_like(t, start)
            target = self.with_x_0(self.leading(path[start], start, path[end], end), path[start], at_start)
            losses.append(super().loss(target.x_0, at_start, target.epsilon, loss, weighting, condition))
        return torch.stack(losses).mean(0)

    def path(self, epsilon: Images, condition: Condition | None = None) -> dict[int, Images]:
        """Return the states of the teacher's path from noise to image, by timestep."""
        states = trajectory(_asked(self.teacher, condition), DPMSolver(), epsilon, self.path_grid, lambda: epsilon)
        return {state.t: state.x_t for state in states}

    def images(self, epsilon: Images, condition: Condition | None = None) -> Images:
        """Return the student's images, with gradients through all of its steps."""
        x_t, denoiser = epsilon, _asked(self, condition)
        for t, s in pairwise(self.grid):
            x_t = DDIM().step(denoiser, x_t, t, s, lambda: epsilon).x_s
        return x_t

    def leading(self, x_t: Images, t: int, x_s: Images, s: int) -> Images:
        """Return the x_0 with which Euler's method steps from x_t to x_s."""
        signal, noise = self.process.schedule.signal, self.process.schedule.noise
        kept = (noise[s] / noise[t]).item()
        return (x_s - kept * x_t) / (signal[s] - signal[t] * kept).item()


def _asked(denoiser: Denoiser, condition: Condition | None) -> AnyDenoiser:
    return denoiser if condition is None else Guided(denoiser, condition)
