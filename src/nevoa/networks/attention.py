"""Self-attention over the positions of an image."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

Heads = Float[Tensor, "B heads N dim"]


def softmax_attention(q: Heads, k: Heads, v: Heads) -> Heads:
    """softmax(q k^T / sqrt(dim)) v (Vaswani et al. 2017, equation 1)."""
    if q.device.type != "cpu":
        return F.scaled_dot_product_attention(q, k, v)
    # The fused kernel's gradient takes four times as long as these products on a CPU (49 positions, bf16, torch 2.13).
    return (q * q.shape[-1] ** -0.5 @ k.mT).softmax(dim=-1).to(v.dtype) @ v


def _heads(x: Float[Tensor, "B inner H W"], heads: int) -> Float[Tensor, "B heads dim N"]:
    batch, inner, height, width = x.shape
    return x.reshape(batch, heads, inner // heads, height * width)


class Attention(nn.Module):
    """Softmax attention (Vaswani et al. 2017): every position looks at every other. Cost grows with (H W)^2."""

    def __init__(self, dim: int, heads: int = 4, head_dim: int = 32, bias: bool = False):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Conv2d(dim, 3 * heads * head_dim, 1, bias=bias)
        self.out = nn.Conv2d(heads * head_dim, dim, 1)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        q, k, v = (_heads(part, self.heads).mT for part in self.qkv(x).chunk(3, dim=1))
        y = softmax_attention(q, k, v)
        return self.out(y.mT.reshape(len(x), -1, *x.shape[2:]))


class LinearAttention(nn.Module):
    """Attention with the softmax taken apart (Shen et al. 2021), so that cost grows with H W.

    q is a softmax over the channels of a head and scaled by head_dim^-0.5; k is a softmax over positions.
    """

    def __init__(self, dim: int, heads: int = 4, head_dim: int = 32):
        super().__init__()
        self.heads = heads
        self.scale = head_dim**-0.5
        self.qkv = nn.Conv2d(dim, 3 * heads * head_dim, 1, bias=False)
        self.out = nn.Sequential(nn.Conv2d(heads * head_dim, dim, 1), nn.GroupNorm(1, dim))

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        q, k, v = (_heads(part, self.heads) for part in self.qkv(x).chunk(3, dim=1))
        q, k = q.softmax(dim=2) * self.scale, k.softmax(dim=3)
        context = torch.einsum("bhdn,bhen->bhde", k, v)
        y = torch.einsum("bhde,bhdn->bhen", context, q)
        return self.out(y.reshape(len(x), -1, *x.shape[2:]))


class Residual(nn.Module):
    """`x + inner(norm(x))`."""

    def __init__(self, norm: nn.Module, inner: nn.Module):
        super().__init__()
        self.norm, self.inner = norm, inner

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        return x + self.inner(self.norm(x))
