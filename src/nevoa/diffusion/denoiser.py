"""A denoiser: a network together with its schedule and what it predicts."""

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float, Float64
from torch import Tensor

from nevoa.config.names import PredictionName, WeightingName
from nevoa.diffusion.condition import Condition
from nevoa.diffusion.loss import Loss, flow_scale, loss_per_image, min_snr_weight
from nevoa.diffusion.prediction import PREDICTIONS, check_prediction
from nevoa.diffusion.process import GaussianProcess, Images, Timesteps
from nevoa.diffusion.schedule import Schedule, at
from nevoa.errors import NevoaError


class Estimate(NamedTuple):
    """A denoiser's estimate of the two parts of `x_t = signal x_0 + noise epsilon`.

    Example:
        >>> x_0_hat, epsilon_hat = denoiser(x_t, t)
    """

    x_0: Images
    epsilon: Images


@runtime_checkable
class AnyDenoiser(Protocol):
    """The interface that samplers use: a process, and a method that estimates x_0 and epsilon.

    Example:
        >>> isinstance(denoiser, AnyDenoiser)
        True
    """

    @property
    def process(self) -> GaussianProcess:
        """The process that it inverts, with its schedule."""
        ...

    def __call__(self, x_t: Images, t: Timesteps) -> Estimate:
        """Return the estimates for images x_t `[B, ...]` at timesteps t `[B]`, 1…T."""
        ...


class Denoiser:
    """Estimates x_0 and epsilon with a network.

    Args:
        network: any callable of (x_t, t) or, if it is conditional, (x_t, t, condition) that returns the shape of x_t. A
            conditional network that is called without a condition predicts unconditionally.
        schedule: any object with `signal` and `noise`.
        prediction: what the network outputs.
        clip: whether to clip x_0 to [-1, 1] and recompute epsilon from it. The published algorithms do not clip.

    Raises:
        NevoaError: if the schedule does not allow the prediction, and later if the network returns the wrong shape.

    Example:
        >>> denoiser = Denoiser(network, NoiseSchedule.cosine(), "v")
        >>> x_0_hat = denoiser(x_t, t).x_0
        >>> denoiser.loss(x_0, t, torch.randn_like(x_0)).mean().backward()
    """

    def __init__(
        self,
        network: Callable[..., Tensor],
        schedule: Schedule,
        prediction: PredictionName = "epsilon",
        clip: bool = False,
    ):
        self.network = network
        self.process = GaussianProcess(schedule)
        self.prediction: PredictionName = prediction
        self.clip = clip
        check_prediction(prediction, schedule)

    def __call__(self, x_t: Images, t: Timesteps, condition: Condition | None = None) -> Estimate:
        """Return the estimates at timesteps t `[B]`, 1…T.

        Args:
            condition: for a conditional network: labels `[B]`, or a tensor for each kind of condition.
        """
        return self.estimate(self.output(x_t, t, condition), x_t, t)

    def output(self, x_t: Images, t: Timesteps, condition: Condition | None = None) -> Images:
        """Return what the network predicts."""
        output = self.network(x_t, t) if condition is None else self.network(x_t, t, condition)
        if output.shape != x_t.shape:
            raise NevoaError(
                f"The network returned shape {list(output.shape)} for images of shape {list(x_t.shape)}: it must "
                "return the shape of its input."
            )
        return output

    def estimate(self, output: Images, x_t: Images, t: Timesteps) -> Estimate:
        """Turn a prediction of the network into estimates, clipped if the denoiser clips."""
        kind, scales = PREDICTIONS[self.prediction], self._scales(x_t, t)
        x_0 = kind.x_0(output, x_t, *scales)
        return self.clipped(x_0, x_t, t) if self.clip else Estimate(x_0, kind.epsilon(output, x_t, *scales))

    def clipped(self, x_0: Images, x_t: Images, t: Timesteps) -> Estimate:
        """Clip x_0 to [-1, 1] and return it with the epsilon that makes up x_t."""
        return self.with_x_0(x_0.clamp(-1, 1), x_t, t)

    def with_x_0(self, x_0: Images, x_t: Images, t: Timesteps) -> Estimate:
        """Return x_0 with the epsilon that makes up x_t."""
        signal, noise = self._scales(x_t, t)
        return Estimate(x_0, (x_t - signal * x_0) / noise)

    def loss(
        self,
        x_0: Images,
        t: Timesteps,
        epsilon: Images,
        loss: Loss = "huber",
        weighting: WeightingName = "simple",
        condition: Condition | None = None,
    ) -> Float[Tensor, " B"]:
        """Return the training loss of each image at timesteps t with noise epsilon (Ho et al. 2020, Algorithm 1).

        Args:
            loss: a name, or any function of output and target that returns one number per image.
            weighting: `simple` weights all timesteps alike (equation 14); `min_snr` is that of Hang et al. 2023; `flow`
                gives the loss of flow, whatever the network predicts.
            condition: of each image, for a conditional network.
        """
        target = PREDICTIONS[self.prediction].target(x_0, epsilon, *self._scales(x_0, t))
        output = self.output(self.process.forward(x_0, t, epsilon), t, condition).to(x_0.dtype)
        if weighting == "flow":
            scale = at(self._flow_scales, t, output)
            return loss_per_image(scale * output, scale * target, loss)
        losses = loss_per_image(output, target, loss)
        if weighting == "simple":
            return losses
        return losses * at(self._min_snr_weights, t, losses)

    @cached_property
    def _min_snr_weights(self) -> Float64[Tensor, " T"]:
        return min_snr_weight(self.prediction, self._snr)

    @cached_property
    def _flow_scales(self) -> Float64[Tensor, " T"]:
        return flow_scale(self.prediction, self._snr)

    @property
    def _snr(self) -> Float64[Tensor, " T"]:
        return (self.process.signal / self.process.noise) ** 2

    def _scales(self, like: Images, t: Timesteps) -> tuple[Tensor, Tensor]:
        return at(self.process.signal, t, like), at(self.process.noise, t, like)
