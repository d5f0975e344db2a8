"""Self-attention over the positions of an image."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from nevoa.networks.convolution import on_matrix_units


def _heads(qkv: Float[Tensor, "B three_inner H W"], heads: int) -> Float[Tensor, "three B heads N dim"]:
    """q, k and v of every head: with channels last, a view."""
    return qkv.permute(0, 2, 3, 1).unflatten(3, (3, heads, -1)).flatten(1, 2).permute(2, 0, 3, 1, 4)


def _attended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(dim)) v."""
    if not (on_matrix_units(q) and q.requires_grad):
        return F.scaled_dot_product_attention(q, k, v)
    # Its gradient in bf16 on a CPU takes 26 ms (4 heads of 32, 49 positions, batch 128), the formula's 3.
    with torch.autocast("cpu", enabled=False):
        return (q @ k.mT * q.shape[-1] ** -0.5).softmax(dim=-1) @ v


class Attention(nn.Module):
    """Softmax attention (Vaswani et al. 2017): every position looks at every other. Cost grows with (H W)^2."""

    def __init__(self, dim: int, heads: int = 4, head_dim: int = 32, bias: bool = False):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Conv2d(dim, 3 * heads * head_dim, 1, bias=bias)
        self.out = nn.Conv2d(heads * head_dim, dim, 1)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        y = _attended(*_heads(self.qkv(x), self.heads))
        return self.out(y.transpose(1, 2).reshape(len(x), *x.shape[2:], -1).permute(0, 3, 1, 2))


class LinearAttention(nn.Module):
    """Attention with the softmax taken apart (Shen et al. 2021), so that cost grows with H W.

    q is a softmax over the channels of a head and scaled by head_dim^-0.5; k is a softmax over positions. A head gives
    out(q (k^T v)) with v = x V, which is q (k^T x) V out: products of positions by head_dim are made of q and k alone.
    """

    def __init__(self, dim: int, heads: int = 4, head_dim: int = 32):
        super().__init__()
        self.heads = heads
        self.scale = head_dim**-0.5
        self.qkv = nn.Conv2d(dim, 3 * heads * head_dim, 1, bias=False)
        self.out = nn.Sequential(nn.Conv2d(heads * head_dim, dim, 1), nn.GroupNorm(1, dim))

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        project, norm = self.out
        to_q, to_k, to_v = self.qkv.weight.flatten(1).chunk(3)
        weight, bias = project.parameters()
        pixels = x.flatten(2).mT
        q, k = F.linear(pixels, to_q), F.linear(pixels, to_k)
        # Softmax sums in float32 whatever it is given; autocast would copy q and k to float32 and back for it.
        with torch.autocast(x.device.type, enabled=False):
            q = q.unflatten(2, (self.heads, -1)).softmax(dim=3).flatten(2)
            k = k.softmax(dim=1)
        context = (k.mT @ pixels).unflatten(1, (self.heads, -1)) @ to_v.unflatten(0, (self.heads, -1)).mT
        context = context @ weight.flatten(1).T.unflatten(0, (self.heads, -1)) * self.scale
        y = q @ context.flatten(1, 2) + bias
        return norm(y.mT.unflatten(2, x.shape[2:]))


class Residual(nn.Module):
    """`x + inner(norm(x))`."""

    def __init__(self, norm: nn.Module, inner: nn.Module):
        super().__init__()
        self.norm, self.inner = norm, inner

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        return x + self.inner(self.norm(x))
