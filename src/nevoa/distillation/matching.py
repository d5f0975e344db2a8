"""Distribution matching: a student's images are led to where its teacher finds images likely.

Yin et al. 2024, "One-step Diffusion with Distribution Matching Distillation". A second network, at first a copy of the
teacher, learns to denoise the student's images. Where the two denoisers disagree on a noisy image of the student, its
images are led away from the second network's estimate, towards the teacher's.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nevoa.config.names import SpacingName, WeightingName
from nevoa.diffusion import Denoiser
from nevoa.diffusion.condition import Condition
from nevoa.diffusion.loss import Loss, loss_per_image
from nevoa.distillation.student import Images, Student

# The share of the cool-down after which it begins: it takes a tenth of a distillation, at a fifth of its rate and less.
MATCHING_FROM = 0.8
# The second network learns so many times as fast as the student. Distances at 20, 60 and 120 times, with a student of
# 38,400 paths: 0.484, 0.359 and 0.886 (docs/experiments.md).
SECOND_RATE = 60.0
# A step takes so many times as long as one of paths alone: 25 evaluations instead of 14 (measured: 52 images a second
# instead of 93).
MATCHING_COST = 1.8
# The weight of the paths beside the matching. From 80,000 paths, matching alone reaches 0.390, with the paths 0.305.
PATH_WEIGHT = 0.1
# A teacher without error would make the direction infinite.
LEAST_ERROR = 0.01


class Matching(Student):
    """A student that learns its teacher's distribution beside its paths, and the second network that it takes for this.

    Args:
        denoiser, teacher, steps, spacing, pixels: as in `Student`.
        second: learns to denoise the student's images.

    Example:
        >>> student, teacher, second = (Denoiser(copy.deepcopy(network), schedule, "v") for _ in range(3))
        >>> matching = Matching(student, teacher, 2, "angle", second)
        >>> matching.loss(x_0, t, torch.randn_like(x_0)).mean().backward()
    """

    def __init__(
        self,
        denoiser: Denoiser,
        teacher: Denoiser,
        steps: int,
        spacing: SpacingName,
        second: Denoiser,
        pixels: int = 1,
    ):
        super().__init__(denoiser, teacher, steps, spacing, pixels)
        self.second = second

    @property
    def evaluations(self) -> int:
        """Evaluations of a network for one path and one image; a gradient costs as much as two."""
        return super().evaluations + 3 * (len(self.grid) - 1) + 2 + 3

    def loss(
        self,
        x_0: Images,
        t: Int[Tensor, " B"],
        epsilon: Images,
        loss: Loss = "l2",
        weighting: WeightingName = "simple",
        condition: Condition | None = None,
    ) -> Float[Tensor, " B"]:
        """Return the student's loss plus the second network's, for each image that is made of epsilon.

        No gradient of the one reaches the other. x_0 plays no part; `loss` is that of the path.
        """
        path, images = super().loss(x_0, t, epsilon, loss, weighting, condition), self.images(epsilon, condition)
        # The noise of other images, which is independent; mirrored, so that a single image has another noise too.
        for_direction, for_second = epsilon.roll(1, 0).flip(-1), epsilon.roll(2, 0).flip(-2)
        second = self.second.loss(images.detach(), t, for_second, "l2", weighting, condition)
        return PATH_WEIGHT * path + self.matching_loss(images, t.roll(1), for_direction, condition) + second

    def matching_loss(
        self, x_0: Images, t: Int[Tensor, " B"], epsilon: Images, condition: Condition | None = None
    ) -> Float[Tensor, " B"]:
        """Return half the mean square of `direction`, as a loss of x_0 with a gradient along it."""
        target = x_0.detach() - self.direction(x_0.detach(), t, epsilon, condition)
        return loss_per_image(x_0, target, "l2") / 2

    @torch.no_grad()
    def direction(
        self, x_0: Images, t: Int[Tensor, " B"], epsilon: Images, condition: Condition | None = None
    ) -> Images:
        """Return where the second network's estimate of x_0 lies, seen from the teacher's (equation 7).

        In units of the teacher's mean absolute error for each image (equation 8), so that all noise levels count alike.
        """
        x_t = self.process.forward(x_0, t, epsilon)
        teacher, second = (denoiser(x_t, t, condition).x_0 for denoiser in (self.teacher, self.second))
        error = (x_0 - teacher).abs().mean(tuple(range(1, x_0.ndim)), keepdim=True)
        return (second - teacher) / error.clamp(min=LEAST_ERROR)
