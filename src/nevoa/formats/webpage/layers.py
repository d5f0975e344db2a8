"""A table of layers that are operations of their own on a web page, in place of the functions that they call."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nevoa.conditions.number import SPAN, WIDTH, NumberEmbedding
from nevoa.conditions.tags import TagsEmbedding
from nevoa.conditions.text_encoder import HEADS, TextEncoder
from nevoa.formats.webpage.functions import Emit
from nevoa.networks import Attention, CrossAttention, DoublingConv2d, LinearAttention, sinusoidal

# Below any number, but not below NaN.
LEAST = torch.finfo(torch.float32).min


def _attention(emit: Emit, layer: Attention, x: Tensor) -> Tensor:
    return layer.out(_of_heads(emit, "attention", layer.qkv(x), layer.heads))


def _linear_attention(emit: Emit, layer: LinearAttention, x: Tensor) -> Tensor:
    return layer.out(_of_heads(emit, "linear_attention", layer.qkv(x), layer.heads))


def _of_heads(emit: Emit, kind: str, qkv: Tensor, heads: int) -> Tensor:
    """The output of all heads, side by side; torch's numbers are not needed, only their shape."""
    return emit(kind, [qkv], torch.zeros(1, qkv.shape[1] // 3, *qkv.shape[2:]), heads=heads)


def _cross_attention(emit: Emit, layer: CrossAttention, x: Tensor, tokens: Tensor) -> Tensor:
    # A layer for each token is a convolution of an image with a pixel for each.
    _, count, width = tokens.shape
    columns = emit("transpose", [tokens], torch.zeros(1, width, count, 1))
    q, kv = layer.q(layer.norm(x)), F.conv2d(columns, layer.kv.weight[..., None, None])
    return x + layer.out(emit("attention", [q, kv], torch.zeros_like(q), heads=layer.heads))


def _doubling(emit: Emit, layer: DoublingConv2d, x: Tensor) -> Tensor:
    # The weights themselves; those that torch computes from them would take 16/9 of their place.
    height, width = x.shape[2:]
    output = torch.zeros(1, layer.weight.shape[0], 2 * height, 2 * width)
    numbers = {"stride": 1, "top": 1, "left": 1, "kernel": [3, 3], "double": 1}
    return emit("conv", [x], output, layer.weight, layer.bias, **numbers)


def _text(emit: Emit, layer: TextEncoder, rows: Tensor) -> tuple[Tensor, Tensor]:
    weights = layer.table.weight, layer.places, *layer.layers.parameters()
    eps = next(one.eps for one in layer.modules() if isinstance(one, nn.LayerNorm))
    tokens = torch.zeros(1, rows.shape[1], layer.token_width)
    emit("words", [rows], tokens, *weights, heads=HEADS, eps=eps)
    vector = layer.out(emit("pooled", [rows, tokens], torch.zeros(1, layer.token_width)))
    return _unless_nothing(emit, rows, vector, torch.zeros(vector.shape[1]), least=1), tokens


def _tags(emit: Emit, layer: TagsEmbedding, has: Tensor) -> Tensor:
    tags = emit("tags", [has], torch.zeros(1, layer.table.shape[1]), layer.table)
    return _unless_nothing(emit, has, layer.out(tags), layer.none, least=0)


def _number(emit: Emit, layer: NumberEmbedding, number: Tensor) -> Tensor:
    place = emit("place", [number], torch.zeros(1), layer.get_buffer("range"), span=SPAN)
    return _unless_nothing(emit, number, layer.mlp(sinusoidal(place, WIDTH)), layer.none, least=LEAST)


def _unless_nothing(emit: Emit, asked: Tensor, found: Tensor, none: Tensor, least: float) -> Tensor:
    """Return `none` where nothing is asked, which a first number below `least` means; otherwise `found`."""
    return emit("unless_nothing", [asked, found], torch.zeros_like(found), none, least=least)


# Layers in place of whose functions operations are recorded.
LAYERS: dict[type[nn.Module], Callable[..., Tensor | tuple[Tensor, Tensor]]] = {
    Attention: _attention,
    LinearAttention: _linear_attention,
    CrossAttention: _cross_attention,
    DoublingConv2d: _doubling,
    TextEncoder: _text,
    TagsEmbedding: _tags,
    NumberEmbedding: _number,
}
