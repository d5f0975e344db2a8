"""The model of the lowest held-out loss, which a run publishes."""

from dataclasses import dataclass

from torch import nn


@dataclass
class Best:
    """The averaged network as it was at the lowest held-out loss so far.

    Attributes:
        network: does not change.
        loss: of the network on held-out images.
        images_seen: by the network.
        worse: how often the loss was measured since, without a lower one; 0 again once patience has begun a cool-down.
        measured_on: the fingerprint of these images; empty in older checkpoints.
    """

    network: nn.Module
    loss: float
    images_seen: int
    worse: int = 0
    measured_on: str = ""
