"""Networks that map noisy images, timesteps and labels to a prediction. None depends on a schedule or a loss."""

from nevoa.networks.build import build_network, check_is_module, check_network, evaluating
from nevoa.networks.dropout import Dropout
from nevoa.networks.residual_unet import ResidualUNet
from nevoa.networks.restore import empty_network, network_shapes, restored_network
from nevoa.networks.unet import UNet

__all__ = [
    "Dropout",
    "ResidualUNet",
    "UNet",
    "build_network",
    "check_is_module",
    "check_network",
    "empty_network",
    "evaluating",
    "network_shapes",
    "restored_network",
]
