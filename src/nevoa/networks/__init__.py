"""What predicts: networks on images, timesteps and labels. None knows a schedule or a loss."""

from nevoa.networks.residual_unet import ResidualUNet
from nevoa.networks.unet import UNet

__all__ = ["ResidualUNet", "UNet"]
