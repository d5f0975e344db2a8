"""The training loss: one number per image."""

from collections.abc import Callable
from typing import Literal

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

LossName = Literal["l1", "l2", "huber"]

LOSSES: dict[LossName, Callable[..., Tensor]] = {"l1": F.l1_loss, "l2": F.mse_loss, "huber": F.smooth_l1_loss}


def loss_per_image(
    output: Float[Tensor, "B *pixels"], target: Float[Tensor, "B *pixels"], loss: LossName = "huber"
) -> Float[Tensor, " B"]:
    """The mean over an image's values of |d|, d^2, or smooth l1 (d^2 / 2 up to |d| = 1, |d| - 1/2 beyond).

    With l2, epsilon prediction and t uniform, the mean over a batch is L_simple (Ho et al. 2020, equation 14).
    """
    return LOSSES[loss](output, target, reduction="none").flatten(1).mean(1)
