"""The training loss: one number per image, and its weight at each noise level."""

from collections.abc import Callable

from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn import functional as F

from nevoa.config.names import PredictionName
from nevoa.config.registry import LOSSES
from nevoa.diffusion.prediction import PREDICTIONS
from nevoa.errors import NevoaError

Loss = str | Callable[[Tensor, Tensor], Tensor]

# gamma in Hang et al. 2023, who recommend 5.
MIN_SNR_GAMMA = 5.0
# Where there is hardly any noise, Li and He 2025 divide by 0.05 in its place.
MOST_FLOW_SCALE = 1 / 0.05


def l1(output: Tensor, target: Tensor) -> Tensor:
    """The mean of `|d|` over the values of each image."""
    return F.l1_loss(output, target, reduction="none").flatten(1).mean(1)


def l2(output: Tensor, target: Tensor) -> Tensor:
    """The mean of `d^2`."""
    return F.mse_loss(output, target, reduction="none").flatten(1).mean(1)


def huber(output: Tensor, target: Tensor) -> Tensor:
    """The mean of `d^2 / 2` up to `|d| = 1`, and of `|d| - 1/2` beyond."""
    return F.smooth_l1_loss(output, target, reduction="none").flatten(1).mean(1)


def loss_per_image(
    output: Float[Tensor, "B *pixels"], target: Float[Tensor, "B *pixels"], loss: Loss = "huber"
) -> Float[Tensor, " B"]:
    """Return the loss of each image, averaged over its values.

    With `l2`, epsilon prediction and uniform t, the mean over a batch is L_simple divided by the number of values (Ho
    et al. 2020, equation 14, sums over them).

    Args:
        loss: `l1`, `|d|`; `l2`, `d^2`; `huber`, `d^2 / 2` up to `|d| = 1` and `|d| - 1/2` beyond; another name that
            is registered; or any function of output and target that returns one number per image.

    Raises:
        NevoaError: if that function returns another shape.

    Example:
        >>> losses = loss_per_image(output, target, lambda output, target: (output - target).abs().flatten(1).amax(1))
    """
    losses = (loss if callable(loss) else LOSSES[loss])(output, target)
    if losses.shape != output.shape[:1]:
        raise NevoaError(
            f"The loss function returned shape {list(losses.shape)}: it must return one number per image, "
            f"{[len(output)]}."
        )
    return losses


def min_snr_weight(prediction: PredictionName, snr: Float64[Tensor, " B"]) -> Float64[Tensor, " B"]:
    """Return the weight of each image's squared error at a signal-to-noise ratio (Hang et al. 2023, equation 8).

    Whatever the network predicts, this weights the squared error of x_0 by min(snr, 5).
    """
    return snr.clamp(max=MIN_SNR_GAMMA) / PREDICTIONS[prediction].error(snr)


def flow_scale(prediction: PredictionName, snr: Float64[Tensor, " T"]) -> Float64[Tensor, " T"]:
    """Return by how much an error of flow is larger than one of the prediction at a signal-to-noise ratio, at most 20.

    A loss of output and target, both times this, is the loss of flow: of x_0 the "x-prediction and v-loss" of Li and He
    2025. That of flow is 1.

    Example:
        >>> flow_scale("x0", torch.tensor([1.0, 4.0, 1e6], dtype=torch.float64))
        tensor([ 2.,  3., 20.], dtype=torch.float64)
    """
    return (PREDICTIONS["flow"].error(snr) / PREDICTIONS[prediction].error(snr)).sqrt().clamp(max=MOST_FLOW_SCALE)
