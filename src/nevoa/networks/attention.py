"""Attention between the positions of an image, and from them to the tokens of a text."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


def _heads(qkv: Float[Tensor, "B three_inner H W"], heads: int) -> Float[Tensor, "three B heads N dim"]:
    """Split into q, k and v of every head. If `qkv` is channels-last, this is a view."""
    return qkv.permute(0, 2, 3, 1).unflatten(3, (3, heads, -1)).flatten(1, 2).permute(2, 0, 3, 1, 4)


def _attended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Return softmax(q k^T / sqrt(dim)) v."""
    if q.device.type == "mps":  # where some versions of torch misread views (its issue 163597)
        q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
    if not (q.device.type == "cpu" and q.dtype == torch.bfloat16 and q.requires_grad):
        return F.scaled_dot_product_attention(q, k, v)
    # The gradient of the fused kernel in bf16 on a CPU takes 26 ms on matrix units and 15 on AVX-512 (4 heads of 32, 49
    # positions, batches of 128 and 32); that of the formula takes 3 ms on both.
    with torch.autocast("cpu", enabled=False):
        return (q @ k.mT * q.shape[-1] ** -0.5).softmax(dim=-1) @ v


class Attention(nn.Module):
    """Softmax attention between all positions (Vaswani et al. 2017). Its cost grows with (H W)^2.

    Example:
        >>> Attention(8)(torch.randn(2, 8, 7, 7)).shape
        torch.Size([2, 8, 7, 7])
    """

    def __init__(self, dim: int, heads: int = 4, head_dim: int = 32, bias: bool = False):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Conv2d(dim, 3 * heads * head_dim, 1, bias=bias)
        self.out = nn.Conv2d(heads * head_dim, dim, 1)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        y = _attended(*_heads(self.qkv(x), self.heads))
        return self.out(y.transpose(1, 2).flatten(2).unflatten(1, x.shape[2:]).permute(0, 3, 1, 2))


class CrossAttention(nn.Module):
    """Attention from each position to tokens, such as the words of a prompt, added to x (Rombach et al. 2022).

    Keys and values have no bias: a token of zeros, where there is no word, has the value 0.

    Args:
        norm: of x, before it asks.
        dim: channels of x.
        token_width: numbers in a token.

    Example:
        >>> CrossAttention(torch.nn.GroupNorm(1, 8), 8, 64)(torch.randn(2, 8, 7, 7), torch.randn(2, 16, 64)).shape
        torch.Size([2, 8, 7, 7])
    """

    def __init__(self, norm: nn.Module, dim: int, token_width: int, heads: int = 4, head_dim: int = 16):
        super().__init__()
        self.heads, self.norm = heads, norm
        self.q = nn.Conv2d(dim, heads * head_dim, 1)
        self.kv = nn.Linear(token_width, 2 * heads * head_dim, bias=False)
        setattr(self.kv, "muon", True)  # noqa: B010  as in the layers of the text encoder, whose tokens it reads
        self.out = nn.Conv2d(heads * head_dim, dim, 1)

    def forward(self, x: Float[Tensor, "B C H W"], tokens: Float[Tensor, "B L D"]) -> Float[Tensor, "B C H W"]:
        # As for self-attention, views where x is channels-last.
        q = self.q(self.norm(x)).permute(0, 2, 3, 1).flatten(1, 2).unflatten(2, (self.heads, -1)).transpose(1, 2)
        k, v = self.kv(tokens).unflatten(2, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        y = _attended(q, k, v).transpose(1, 2).flatten(2)
        return x + self.out(y.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2))


class LinearAttention(nn.Module):
    """Attention without a softmax over pairs of positions (Shen et al. 2021). Its cost grows with H W.

    q is a softmax over the channels of a head, scaled by head_dim^-0.5; k is a softmax over positions. A head returns
    q (k^T v).

    Example:
        >>> LinearAttention(8)(torch.randn(2, 8, 7, 7)).shape
        torch.Size([2, 8, 7, 7])
    """

    def __init__(self, dim: int, heads: int = 4, head_dim: int = 32):
        super().__init__()
        self.heads = heads
        self.scale = head_dim**-0.5
        self.qkv = nn.Conv2d(dim, 3 * heads * head_dim, 1, bias=False)
        self.out = nn.Sequential(nn.Conv2d(heads * head_dim, dim, 1), nn.GroupNorm(1, dim))

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        qkv = self.qkv(x).permute(0, 2, 3, 1).flatten(1, 2)
        # Head by head, because a batched product would copy every head first.
        heads = zip(*(part.chunk(self.heads, dim=2) for part in qkv.chunk(3, dim=2)), strict=True)
        y = torch.cat([self._attended(q, k, v) for q, k, v in heads], dim=2)
        return self.out(y.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2))

    def _attended(self, q: Tensor, k: Tensor, v: Tensor) -> Float[Tensor, "B N dim"]:
        # Softmax sums in float32 whatever its dtype; autocast would copy q and k to float32 and back.
        with torch.autocast(q.device.type, enabled=False):
            q, k = q.softmax(dim=2), k.softmax(dim=1)
        return q @ (k.mT @ v * self.scale)


class Residual(nn.Module):
    def __init__(self, norm: nn.Module, inner: nn.Module):
        super().__init__()
        self.norm, self.inner = norm, inner

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        return x + self.inner(self.norm(x))
