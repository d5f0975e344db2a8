"""Networks that map noisy images, timesteps and labels to a prediction. None depends on a schedule or a loss."""

from nevoa.networks.attention import Attention, CrossAttention, LinearAttention
from nevoa.networks.blocks import ConvNextBlock, PreNormBlock, ResnetBlock
from nevoa.networks.build import build_network, check_is_module, check_network, evaluating, fresh_network
from nevoa.networks.convolution import DoublingConv2d
from nevoa.networks.dropout import Dropout
from nevoa.networks.embedding import Condition, TimestepEmbedding, null_condition, sinusoidal
from nevoa.networks.pictures import Consistency, Pictures
from nevoa.networks.residual_unet import ResidualUNet
from nevoa.networks.restore import empty_network, network_shapes, restored_network
from nevoa.networks.unet import UNet

__all__ = [
    "Attention",
    "Condition",
    "Consistency",
    "ConvNextBlock",
    "CrossAttention",
    "DoublingConv2d",
    "Dropout",
    "LinearAttention",
    "Pictures",
    "PreNormBlock",
    "ResidualUNet",
    "ResnetBlock",
    "TimestepEmbedding",
    "UNet",
    "build_network",
    "check_is_module",
    "check_network",
    "empty_network",
    "evaluating",
    "fresh_network",
    "network_shapes",
    "null_condition",
    "restored_network",
    "sinusoidal",
]
