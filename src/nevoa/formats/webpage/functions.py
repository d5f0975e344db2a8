"""The operations of a web page: a table of torch's functions.

A row is called with `emit`, the result that torch computed, and the arguments. It appends operations, and returns
False if the page cannot do it with these arguments.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Emit = Callable[..., Tensor]
Function = Callable[..., bool]

# Functions whose result has only the shape of their argument.
LIKE = {"full_like", "zeros_like", "ones_like"}
# Functions whose result has the numbers of their first argument, in the same order, if it has the same shape: a column
# of channels is the same with and without ones behind it.
SAME = {"float", "to", "contiguous", "dropout", "clone", "view", "reshape", "unsqueeze", "flatten"}


def shape_of(value: Tensor) -> tuple[int, int, int]:
    """Return the shape (C, H, W) without the batch; ones where there are fewer dimensions."""
    channels, height, width = (*value.shape[1:], 1, 1, 1)[:3]
    return channels, height, width


def _pair(value: Any) -> tuple[int, int]:
    first, second = value if isinstance(value, list | tuple) else (value, value)
    return first, second


# The arguments of torch's convolutions, in their order, and their defaults.
CONVOLUTION = "input", "weight", "bias", "stride", "padding", "dilation", "groups"
TRANSPOSED = "input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation"
LEFT_OUT = {"bias": None, "stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1}


def _convolution(names: tuple[str, ...]) -> Function:
    def row(emit: Emit, result: Tensor, *args: Any, **options: Any) -> bool:
        given = LEFT_OUT | dict(zip(names, args, strict=False)) | options
        x, weight, groups = given["input"], given["weight"], given["groups"]
        kernel = list(weight.shape[2:])
        named = {"valid": 0, "same": [(side - 1) // 2 for side in kernel]}
        (down, across), (top, left) = _pair(given["stride"]), _pair(named.get(str(given["padding"]), given["padding"]))
        plain = down == across and (_pair(given["dilation"]), _pair(given["output_padding"])) == ((1, 1), (0, 0))
        # Each channel has a kernel of its own.
        depthwise = names == CONVOLUTION and weight.shape[:2] == (groups, 1) and groups == x.shape[1]
        kind = "transposed" if names == TRANSPOSED else "depthwise" if depthwise and groups > 1 else "conv"
        emit(kind, [x], result, weight, given["bias"], stride=down, top=top, left=left, kernel=kernel)
        return plain and (groups == 1 or depthwise)

    return row


def _linear(emit: Emit, result: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> bool:
    if x.ndim == 2:
        emit("linear", [x], result, weight, bias)
    return x.ndim == 2


def _group_norm(
    emit: Emit,
    result: Tensor,
    x: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> bool:
    emit("norm", [x], result, weight, bias, groups=num_groups, eps=eps)
    return (weight is None) == (bias is None)


def _embedding(emit: Emit, result: Tensor, label: Tensor, weight: Tensor, *_: Any, **__: Any) -> bool:
    emit("embedding", [label], result, weight)
    return True


def _unary(kind: str) -> Function:
    def row(emit: Emit, result: Tensor, x: Tensor, *_: Any, **options: Any) -> bool:
        emit(kind, [x], result)
        return options.get("approximate", "none") == "none"

    return row


def _sum(emit: Emit, result: Tensor, a: Any, b: Any, *, alpha: float = 1) -> bool:
    return alpha == 1 and _binary(emit, "add", result, a, b)


def _product(emit: Emit, result: Tensor, a: Any, b: Any) -> bool:
    return _binary(emit, "multiply", result, a, b)


def _difference(emit: Emit, result: Tensor, a: Any, b: Any, *, alpha: float = 1) -> bool:
    negative = -b
    known = not isinstance(b, Tensor) or _product(emit, negative, b, -1)
    return alpha == 1 and known and _binary(emit, "add", result, a, negative)


def _binary(emit: Emit, kind: str, result: Tensor, a: Any, b: Any) -> bool:
    """Add or multiply two tensors or a tensor and a number. The second may be a number for each channel, or one."""
    a, b = (one if isinstance(one, Tensor) else torch.tensor(float(one)) for one in (a, b))
    if a.numel() < b.numel():
        a, b = b, a
    aligned = (1,) * (result.ndim - b.ndim) + tuple(b.shape)
    per_channel = (1, *result.shape[1:2], *[1] * (result.ndim - 2))
    if a.numel() != result.numel() or not (b.numel() == 1 or aligned in (per_channel, tuple(result.shape))):
        return False
    emit(kind, [a, b], result)
    return True


def _addcmul(emit: Emit, result: Tensor, x: Tensor, a: Tensor, b: Tensor, *, value: float = 1) -> bool:
    product = a * b
    return value == 1 and _product(emit, product, a, b) and _sum(emit, result, product, x)


def _cat(emit: Emit, result: Tensor, tensors: Sequence[Tensor], dim: int = 0) -> bool:
    emit("concatenate", list(tensors), result)
    return dim == 1


def _window(emit: Emit, result: Tensor, x: Tensor, channel: int = 0, top: int = 0, left: int = 0) -> bool:
    """Copy a part of a value; zeros where it reaches beyond."""
    emit("window", [x], result, channel=channel, top=top, left=left)
    return True


def _pad(
    emit: Emit, result: Tensor, x: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = 0
) -> bool:
    left, _, top, _ = (*pad, 0, 0, 0)[:4]
    return (
        x.ndim == 4 and len(pad) <= 4 and mode == "constant" and not value and _window(emit, result, x, 0, -top, -left)
    )


def _getitem(emit: Emit, result: Tensor, x: Tensor, index: Any) -> bool:
    """A part of a value by slices, or all of it with dimensions added."""
    places = index if isinstance(index, tuple) else (index,)
    slices = [place for place in places if isinstance(place, slice) and place.step in (None, 1)]
    first = [place.indices(size)[0] for place, size in zip(slices, x.shape, strict=False)]
    if len(slices) < len(places):
        adds = all(place is None or place is ... for place in places if place not in slices)
        return adds and not any(first) and shape_of(result) == shape_of(x) and _window(emit, result, x)
    return first[0] == 0 and _window(emit, result, x, *first[1:])


def _chunk(emit: Emit, result: Sequence[Tensor], x: Tensor, chunks: int, dim: int = 0) -> bool:
    channel = 0
    for part in result:
        _window(emit, part, x, channel)
        channel += part.shape[1]
    return dim == 1


def _shuffle(kind: str) -> Function:
    def row(emit: Emit, result: Tensor, x: Tensor, factor: int) -> bool:
        emit(kind, [x], result, factor=factor)
        return True

    return row


FUNCTIONS: dict[str, Function] = {
    "conv2d": _convolution(CONVOLUTION),
    "conv_transpose2d": _convolution(TRANSPOSED),
    "linear": _linear,
    "group_norm": _group_norm,
    "embedding": _embedding,
    **{name: _unary(name) for name in ("silu", "gelu", "sin", "cos")},
    **dict.fromkeys(("add", "__add__", "__radd__", "add_"), _sum),
    **dict.fromkeys(("sub", "__sub__"), _difference),
    **dict.fromkeys(("mul", "__mul__", "__rmul__"), _product),
    "addcmul": _addcmul,
    "cat": _cat,
    "pad": _pad,
    "__getitem__": _getitem,
    "chunk": _chunk,
    **{name: _shuffle(name) for name in ("pixel_shuffle", "pixel_unshuffle")},
}
