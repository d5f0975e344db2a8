"""The objective of a training: which networks take part, and which denoiser has the loss."""

import copy
from collections.abc import Mapping
from typing import ClassVar

from torch import nn

from nevoa.config import Plan
from nevoa.config.registry import OBJECTIVES
from nevoa.diffusion import Denoiser

# The name of the network that is trained; it is that of its file in a checkpoint, too.
MODEL = "model"


class Denoise:
    """Estimate x_0 (Ho et al. 2020, algorithm 1): the denoiser's own loss.

    Attributes:
        beside: networks beside the one that is trained, each a copy of it at first, and how many times as fast they
            learn; one with 0 stays as it is.
        has_levels: whether the loss of an image belongs to the noise level that was drawn for it.
    """

    beside: ClassVar[Mapping[str, float]] = {}
    has_levels = True

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def network_beside(self, name: str, network: nn.Module) -> nn.Module:
        """The network of that name, made of the one that is trained."""
        return copy.deepcopy(network).eval()

    def denoiser(self, denoisers: Mapping[str, Denoiser], cooled: float, pixels: int) -> Denoiser:
        """The denoiser to train.

        Args:
            denoisers: of all networks, by name.
            cooled: the share of the cool-down that has passed.
            pixels: of an image, height times width.
        """
        return denoisers[MODEL]

    def trained(self, cooled: float) -> tuple[str, ...]:
        """Names of the networks that learn from a batch."""
        return (MODEL,)

    def cost(self, cooled: float) -> float:
        """The cost of training on an image, relative to the start of the training."""
        return 1.0

    def evaluations(self, denoiser: Denoiser) -> int:
        """Evaluations of a network for one image: the gradient takes two products for each one forward.

        Kaplan et al. 2020, section 2.1. Weights that stay need one of the two.
        """
        return 2 if self.plan.training.lora else 3

    @property
    def sets_beside(self) -> int:
        """Sets of weights that the networks beside need: their own and, if they learn, gradients and a moment."""
        return sum(3 if rate else 1 for rate in self.beside.values())


def keeps_best(plan: Plan) -> bool:
    """Whether held-out images choose the model that a run publishes; at least one more has to score it."""
    return int(plan.data.holdout) > 1 and objective_of(plan).has_levels


def objective_of(plan: Plan) -> Denoise:
    """The objective that a plan names."""
    return OBJECTIVES[plan.training.objective](plan)
