"""A `UNet2DModel` of diffusers as a network of nevoa, under the name `diffusers`."""

import json
from typing import Any

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from nevoa._util.packages import needs
from nevoa.errors import NevoaError, reason
from nevoa.networks.padding import cropped, padded

# As for networks of nevoa. diffusers makes as many modules as a config says, in memory that the weights do not count.
MOST_LAYERS = 64


class DiffusersUNet(nn.Module):
    """A `UNet2DModel` that takes timesteps 1…T, and images of any size.

    Args:
        channels: of the images.
        unet: the config of the UNet2DModel, as JSON, but for the number of classes.
        patch: side of the square of pixels that is folded into channels.
        classes: how many classes a conditional network has; 0 for an unconditional network.

    Takes noisy images `[B, C, H, W]`, timesteps `[B]` and, with classes, labels `[B]`, where None is the null label,
    `classes`. Returns `[B, C, H, W]`. Raises a NevoaError if diffusers is missing or the config does not fit.
    """

    # The module that low-rank adapters are for: diffusers and peft find them under the names of its layers.
    adapted_module = "unet"
    label_tensors = "unet.class_embedding.weight", "unet.time_embedding.linear_2.bias"

    def __init__(self, channels: int = 3, unet: str = "{}", patch: int = 1, classes: int = 0):
        super().__init__()
        config = _checked(json.loads(unet), channels * patch**2, classes)
        self.unet = _built(config)
        self.patch, self.null_label = patch, classes
        self.downsampling = patch * 2 ** (len(self.unet.config.block_out_channels) - 1)

    def forward(
        self, x: Float[Tensor, "B C H W"], t: Int[Tensor, " B"], label: Int64[Tensor, " B"] | None = None
    ) -> Float[Tensor, "B C H W"]:
        folded = F.pixel_unshuffle(padded(x, self.downsampling), self.patch)
        if self.null_label:
            label = torch.full_like(t, self.null_label) if label is None else label
        output = self.unet(folded, t - 1, label, return_dict=False)[0]
        return cropped(F.pixel_shuffle(output, self.patch), *x.shape[2:])


def _checked(config: dict[str, Any], channels: int, classes: int) -> dict[str, Any]:
    """The config with an embedding for the classes. A NevoaError if it has other channels or too many layers."""
    for key in ("in_channels", "out_channels"):
        if config.get(key, 3) != channels:
            raise NevoaError(f"The UNet2DModel has {key}={config.get(key, 3)}, and the images need {channels}.")
    layers = config.get("layers_per_block", 1)
    if isinstance(layers, int) and layers > MOST_LAYERS:
        raise NevoaError(
            f"The UNet2DModel has layers_per_block={layers}: nevoa opens networks with {MOST_LAYERS} at most."
        )
    return config | {"num_class_embeds": classes + 1 if classes else None}


def _built(config: dict[str, Any]) -> Any:
    needs("diffusers", "diffusers")
    from diffusers.models.unets.unet_2d import UNet2DModel

    try:
        return UNet2DModel(**config)
    except Exception as error:  # a wrong value fails anywhere in its constructor
        raise ValueError(f"diffusers makes no UNet2DModel of it: {reason(error)}") from error
