"""`ResidualUNet` as a `UNet2DModel` of diffusers: the same function of the pixels that `patch` folds into channels."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from nevoa.config.network import OBJECT, ResidualUNetConfig
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.networks import ResidualUNet
from nevoa.networks.embedding import frequencies

if TYPE_CHECKING:
    from diffusers.models.unets.unet_2d import UNet2DModel

Named = Iterator[tuple[str, nn.Module]]


def unet_of(model: Model) -> "UNet2DModel":
    """Return the network of a model as a `UNet2DModel`, float32 on the CPU.

    It takes `pixel_unshuffle(x_t, patch)`, with x_t padded to the sides that the network halves, and the timesteps of
    diffusers, which are `t - 1`.

    Raises:
        NevoaError: the network is not one that a `UNet2DModel` can be.
    """
    from diffusers.models.unets.unet_2d import UNet2DModel

    from nevoa.formats.diffusers.network import DiffusersUNet

    if isinstance(model.network, DiffusersUNet):
        return model.network.unet
    unet = UNet2DModel(**_config(model))
    unet.load_state_dict(_tensors(model.network))
    return unet.eval()


def _config(model: Model) -> dict[str, Any]:
    network = model.network
    if not isinstance(network, ResidualUNet) or not isinstance(model.plan.network, ResidualUNetConfig):
        raise _not_exportable(model)
    config, (channels, height, width) = model.plan.network, model.shape
    down = ["AttnDownBlock2D" if attention else "DownBlock2D" for attention in config.known_attention]
    up = ["AttnUpBlock2D" if attention else "UpBlock2D" for attention in reversed(config.known_attention)]
    groups = _groups(network)
    return {
        "sample_size": [(side + -side % network.downsampling) // config.known_patch for side in (height, width)],
        "in_channels": channels * config.known_patch**2,
        "out_channels": channels * config.known_patch**2,
        "block_out_channels": [config.known_dim * multiplier for multiplier in config.known_multipliers],
        "layers_per_block": config.blocks,
        "down_block_types": down,
        "up_block_types": up,
        "downsample_padding": 0,
        "freq_shift": 1,
        "flip_sin_to_cos": False,
        "attention_head_dim": None,
        "norm_num_groups": groups,
        "attn_norm_num_groups": groups,
        "dropout": config.dropout,
        "resnet_time_scale_shift": "scale_shift" if config.adaptive else "default",
        "num_class_embeds": len(model.classes) + 1 if model.classes else None,
    }


def _not_exportable(model: Model) -> NevoaError:
    kind = model.plan.network.kind
    what = f"A network of kind '{kind}'"
    if kind == OBJECT:
        what = f"Your network {type(model.network).__name__}"
    return NevoaError(
        f"{what} is not a UNet2DModel of diffusers: export it with --to onnx, or load the run with nevoa.load and save "
        "model.network yourself."
    )


def _groups(network: ResidualUNet) -> int:
    """The number of groups in every group norm, which a `UNet2DModel` has only one of."""
    found = {module.num_groups for module in network.modules() if isinstance(module, nn.GroupNorm)}
    if len(found) > 1:
        raise NevoaError(
            f"The group norms of this network have {sorted(found)} groups, and a UNet2DModel of diffusers has one "
            "number for all: train with -o network.groups=1."
        )
    return found.pop()


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    """The network's tensors under the names of diffusers."""
    assert isinstance(network, ResidualUNet)
    found = {
        f"{name}.{kind}": tensor.detach().float().cpu()
        for name, module in _modules(network)
        for kind, tensor in module.state_dict().items()
    }
    first = "time_embedding.linear_1.weight"
    return found | {first: _one_timestep_earlier(found[first])}


def _one_timestep_earlier(weight: Tensor) -> Tensor:
    """The weight that gives at timestep t - 1 what `weight` gives at t.

    The sinusoids of t are those of t - 1, each pair turned by the angle of its frequency.
    """
    sine, cosine = weight.double().chunk(2, dim=1)
    angle = frequencies(weight.shape[1]).double()
    earlier = sine * angle.cos() - cosine * angle.sin(), sine * angle.sin() + cosine * angle.cos()
    return torch.cat(earlier, dim=1).to(weight.dtype)


def _modules(network: ResidualUNet) -> Named:
    """Each module that holds tensors, by its name in diffusers."""
    yield "conv_in", network.stem
    yield "time_embedding.linear_1", network.time.mlp[0]
    yield "time_embedding.linear_2", network.time.mlp[2]
    if network.time.labels is not None:
        yield "class_embedding", network.time.labels
    yield from _stages("down_blocks", "downsamplers", network.downs)
    yield from _block("mid_block", 0, network.middle_in)
    yield from _residual("mid_block.resnets.1", network.middle_out)
    yield from _stages("up_blocks", "upsamplers", network.ups)
    yield "conv_norm_out", network.out[0]
    yield "conv_out", network.out[2]


def _stages(blocks: str, resize: str, layers: nn.ModuleList) -> Named:
    stage = number = 0
    for layer in layers:
        if hasattr(layer, "block"):
            yield from _block(f"{blocks}.{stage}", number, layer)
            number += 1
        else:
            yield f"{blocks}.{stage}.{resize}.0.conv", layer.get_submodule("conv")
            stage, number = stage + 1, 0


def _block(stage: str, number: int, layer: nn.Module) -> Named:
    yield from _residual(f"{stage}.resnets.{number}", layer.get_submodule("block"))
    if not isinstance(attention := layer.get_submodule("attention"), nn.Identity):
        yield from _attention(f"{stage}.attentions.{number}", attention)


def _residual(name: str, block: nn.Module) -> Named:
    parts = {"norm1": "first.0", "conv1": "first.2", "time_emb_proj": "time.1", "norm2": "norm"}
    parts |= {"conv2": "second.2", "conv_shortcut": "shortcut"}
    for theirs, ours in parts.items():
        module = block.get_submodule(ours)
        yield f"{name}.{theirs}", _with_affine(module) if isinstance(module, nn.GroupNorm) else module


def _with_affine(norm: nn.GroupNorm) -> nn.GroupNorm:
    """The norm with weight 1 and bias 0 if it has none: with a time embedding that scales, diffusers keeps both."""
    return norm if norm.affine else nn.GroupNorm(norm.num_groups, norm.num_channels)


def _attention(name: str, attention: nn.Module) -> Named:
    yield f"{name}.group_norm", attention.get_submodule("norm")
    qkv, out = (attention.get_submodule(f"inner.{part}") for part in ("qkv", "out"))
    assert isinstance(qkv, nn.Conv2d) and isinstance(out, nn.Conv2d)
    weights, biases = _parts(qkv, 3)
    for part, weight, bias in zip("qkv", weights, biases, strict=True):
        yield f"{name}.to_{part}", _linear(weight, bias)
    (weight,), (bias,) = _parts(out, 1)
    yield f"{name}.to_out.0", _linear(weight, bias)


def _parts(convolution: nn.Conv2d, count: int) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    assert convolution.bias is not None
    return convolution.weight[:, :, 0, 0].chunk(count), convolution.bias.chunk(count)


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    """A 1x1 convolution as a linear layer."""
    linear = nn.Linear(weight.shape[1], weight.shape[0])
    linear.weight, linear.bias = nn.Parameter(weight.detach()), nn.Parameter(bias.detach())
    return linear
