"""The training loss: one number per image, and what it counts at each noise level."""

from collections.abc import Callable

from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn import functional as F

from nevoa.diffusion.prediction import PredictionName
from nevoa.vocabulary import LossName

# The value that Hang et al. 2023 settle on.
MIN_SNR_GAMMA = 5.0

LOSSES: dict[LossName, Callable[..., Tensor]] = {"l1": F.l1_loss, "l2": F.mse_loss, "huber": F.smooth_l1_loss}


def loss_per_image(
    output: Float[Tensor, "B *pixels"], target: Float[Tensor, "B *pixels"], loss: LossName = "huber"
) -> Float[Tensor, " B"]:
    """The mean over an image's values of |d|, d^2, or smooth l1 (d^2 / 2 up to |d| = 1, |d| - 1/2 beyond).

    With l2, epsilon prediction and t uniform, the mean over a batch is L_simple over the number of values (Ho et al.
    2020, equation 14, has the sum of an image's).
    """
    return LOSSES[loss](output, target, reduction="none").flatten(1).mean(1)


def min_snr_weight(prediction: PredictionName, snr: Float64[Tensor, " B"]) -> Float64[Tensor, " B"]:
    """What an image's loss counts at a signal-to-noise ratio, as if it were on x_0 and weighted with min(SNR, 5).

    A squared error of x_0 is 1 / SNR of epsilon's and 1 / (SNR + 1) of v's (Hang et al. 2023).
    """
    per_x_0 = {"x0": 1.0, "epsilon": snr, "v": snr + 1}[prediction]
    return snr.clamp(max=MIN_SNR_GAMMA) / per_x_0
