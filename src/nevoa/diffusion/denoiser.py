"""A network, the schedule it was trained on and what it predicts: together they denoise."""

from collections.abc import Callable
from typing import NamedTuple

from jaxtyping import Float, Int
from torch import Tensor

from nevoa.diffusion.objective import LossName, WeightingName, loss_per_image, min_snr_weight
from nevoa.diffusion.prediction import PREDICTIONS, PredictionName
from nevoa.diffusion.process import GaussianProcess
from nevoa.diffusion.schedule import NoiseSchedule, at, shaped

Images = Float[Tensor, "B *pixels"]
Timesteps = Int[Tensor, " B"]


class Estimate(NamedTuple):
    """What a denoiser makes of x_t: the clean images and the noise, `x_t = a x_0 + b epsilon`."""

    x_0: Images
    epsilon: Images


class Denoiser:
    """Estimates x_0 and epsilon from (x_t, t).

    Args:
        network: any callable on images `[B, ...]` and timesteps `[B]` that returns the shape of the images.
        prediction: what its output means.
        clip: whether x_0 is clipped to [-1, 1] (and epsilon follows it). Off is the algorithm as published.
    """

    def __init__(
        self,
        network: Callable[[Tensor, Tensor], Tensor],
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
        output, (a, b), kind = self.network(x_t, t), self._scales(x_t, t), PREDICTIONS[self.prediction]
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
    ) -> Float[Tensor, " B"]:
        """Algorithm 1 of Ho et al. 2020 without the optimizer: the loss of each image, its t and epsilon given.

        With `simple` weighting every timestep counts alike (equation 14).
        """
        target = PREDICTIONS[self.prediction].target(x_0, epsilon, *self._scales(x_0, t))
        output = self.network(self.process.forward(x_0, t, epsilon), t).to(x_0.dtype)
        losses = loss_per_image(output, target, loss)
        if weighting == "simple":
            return losses
        return losses * shaped(min_snr_weight(self.prediction, self.schedule.log_snr[t.cpu()].exp()), losses)

    def _scales(self, like: Images, t: Timesteps) -> tuple[Tensor, Tensor]:
        alpha_bar = self.schedule.alpha_bar
        return at(alpha_bar.sqrt(), t, like), at((1 - alpha_bar).sqrt(), t, like)
