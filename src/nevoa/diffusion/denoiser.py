"""A network, the schedule it was trained on and what it predicts: together they denoise."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from nevoa.diffusion.loss import loss_per_image, min_snr_weight
from nevoa.diffusion.prediction import PREDICTIONS, PredictionName
from nevoa.diffusion.process import GaussianProcess
from nevoa.diffusion.schedule import NoiseSchedule, at, shaped
from nevoa.vocabulary import LossName, WeightingName

Images = Float[Tensor, "B *pixels"]
Timesteps = Int[Tensor, " B"]
Labels = Int64[Tensor, " B"]


class Estimate(NamedTuple):
    """What a denoiser makes of x_t: the clean images and the noise, `x_t = a x_0 + b epsilon`."""

    x_0: Images
    epsilon: Images


class Denoiser:
    """Estimates x_0 and epsilon from (x_t, t).

    Args:
        network: any callable on images `[B, ...]` and timesteps `[B]` that returns the shape of the images. A
            conditional one also takes labels `[B]`; without them it predicts for no class in particular.
        prediction: what its output means.
        clip: whether x_0 is clipped to [-1, 1] (and epsilon follows it). Off is the algorithm as published.
    """

    def __init__(
        self,
        network: Callable[..., Tensor],
        schedule: NoiseSchedule,
        prediction: PredictionName = "epsilon",
        clip: bool = False,
    ):
        self.network = network
        self.process = GaussianProcess(schedule)
        self.prediction: PredictionName = prediction
        self.clip = clip

    @property
    def schedule(self) -> NoiseSchedule:
        return self.process.schedule

    def __call__(self, x_t: Images, t: Timesteps) -> Estimate:
        """The estimates at timesteps t `[B]`, 1…T."""
        output, (a, b), kind = self._output(x_t, t), self._scales(x_t, t), PREDICTIONS[self.prediction]
        x_0 = kind.x_0(output, x_t, a, b)
        if not self.clip:
            return Estimate(x_0, kind.epsilon(output, x_t, a, b))
        x_0 = x_0.clamp(-1, 1)
        return Estimate(x_0, (x_t - a * x_0) / b)

    def loss(
        self,
        x_0: Images,
        t: Timesteps,
        epsilon: Images,
        loss: LossName = "huber",
        weighting: WeightingName = "simple",
        label: Labels | None = None,
    ) -> Float[Tensor, " B"]:
        """Algorithm 1 of Ho et al. 2020 without the optimizer: the loss of each image, its t and epsilon given.

        With `simple` weighting every timestep counts alike (equation 14). Labels are for a conditional network.
        """
        target = PREDICTIONS[self.prediction].target(x_0, epsilon, *self._scales(x_0, t))
        given = () if label is None else (label,)
        output = self.network(self.process.forward(x_0, t, epsilon), t, *given).to(x_0.dtype)
        losses = loss_per_image(output, target, loss)
        if weighting == "simple":
            return losses
        return losses * shaped(min_snr_weight(self.prediction, self.schedule.log_snr[t.cpu()].exp()), losses)

    def _output(self, x_t: Images, t: Timesteps) -> Images:
        return self.network(x_t, t)

    def _scales(self, like: Images, t: Timesteps) -> tuple[Tensor, Tensor]:
        alpha_bar = self.schedule.alpha_bar
        return at(alpha_bar.sqrt(), t, like), at((1 - alpha_bar).sqrt(), t, like)


class Guided(Denoiser):
    """A denoiser of images of given classes: classifier-free guidance (Ho and Salimans 2022, equation 6).

    epsilon = epsilon(null) + weight (epsilon(label) - epsilon(null)); their w is `weight` - 1. What is combined is the
    network's output, which comes to the same: epsilon, x_0 and v are affine in one another, and the shares add up to 1.
    Clipping comes after it.

    Args:
        denoiser: whose network is conditional.
        label: class of each image, `[B]`.
        null_label: the label of no class.
        weight: 1 is the class's own distribution, 0 that of all images; each takes one evaluation of the network per
            image, all else two, in one call.
    """

    def __init__(self, denoiser: Denoiser, label: Labels, null_label: int, weight: float = 1.0):
        super().__init__(denoiser.network, denoiser.schedule, denoiser.prediction, denoiser.clip)
        self.label, self.null_label, self.weight = label, torch.full_like(label, null_label), weight

    def _output(self, x_t: Images, t: Timesteps) -> Images:
        if self.weight in (0, 1):
            return self.network(x_t, t, self.label if self.weight else self.null_label)
        labels = torch.cat([self.label, self.null_label])
        conditional, unconditional = self.network(torch.cat([x_t, x_t]), torch.cat([t, t]), labels).chunk(2)
        return unconditional + self.weight * (conditional - unconditional)
