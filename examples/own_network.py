"""A network of your own: a small diffusion transformer (DiT, Peebles and Xie 2023).

An image is cut into patches, every patch becomes a token, and attention blocks mix the tokens. The timestep and the
class scale, shift and gate every block (adaLN-zero). `nevoa.register` gives the network a name, so this file is a
plugin too:

    nevoa train --plugin examples/own_network.py -o network.kind=dit -o network.width=128
"""

import sys
import tempfile
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import nevoa
from nevoa.config import NetworkConfig


class DiTConfig(NetworkConfig):
    """The keys of `network` when its kind is `dit`."""

    width: int = 64
    depth: int = 3
    heads: int = 4
    patch: int = 4


class Block(nn.Module):
    """Attention and a perceptron, each scaled, shifted and gated by the condition; at first it changes nothing."""

    muon = True  # the optimizer muon takes all matrices of the block

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.modulation = zeroed(nn.Linear(width, 6 * width))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift, gate, mlp_scale, mlp_shift, mlp_gate = self.modulation(condition)[:, None].chunk(6, dim=2)
        x = x + gate * self.attention(normalized(x, scale, shift))
        return x + mlp_gate * self.mlp(normalized(x, mlp_scale, mlp_shift))

    def attention(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, width))


class DiT(nn.Module):
    """Maps (x_t, t) or (x_t, t, label) to the shape of x_t, whose sides `patch` must divide.

    Args:
        channels: of the images.
        classes: how many there are; the label `classes` means "no class". 0 if the network is unconditional.
    """

    def __init__(
        self, channels: int, width: int = 64, depth: int = 3, heads: int = 4, patch: int = 4, classes: int = 0
    ):
        super().__init__()
        self.patch, self.width = patch, width
        self.patches = nn.Linear(channels * patch**2, width)
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.labels = nn.Embedding(classes + 1, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.modulation = zeroed(nn.Linear(width, 2 * width))
        self.pixels = zeroed(nn.Linear(width, channels * patch**2))

    def forward(self, x_t: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        height, width = x_t.shape[2:]
        label = torch.full_like(t, self.labels.num_embeddings - 1) if label is None else label
        condition = F.silu(self.time(sines(t / 1000, self.width)) + self.labels(label))
        x = self.patches(F.unfold(x_t, self.patch, stride=self.patch).transpose(1, 2))
        x = x + positions(height // self.patch, width // self.patch, self.width).to(x)
        for block in self.blocks:
            x = block(x, condition)
        x = self.pixels(normalized(x, *self.modulation(condition)[:, None].chunk(2, dim=2)))
        return F.fold(x.transpose(1, 2), (height, width), self.patch, stride=self.patch)


def normalized(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift


def sines(position: Tensor, width: int) -> Tensor:
    """Sines and cosines of a position at wavelengths from 6 down to 0.006."""
    angle = position[:, None] * torch.logspace(0, 3, width // 2, device=position.device)
    return torch.cat([angle.sin(), angle.cos()], dim=1)


def positions(rows: int, columns: int, width: int) -> Tensor:
    """`[rows * columns, width]`: the row of a patch in one half of its numbers, the column in the other."""
    row, column = (sines(torch.arange(count) / count, width // 2) for count in (rows, columns))
    return torch.cat([row.repeat_interleave(columns, dim=0), column.repeat(rows, 1)], dim=1)


def zeroed(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


nevoa.register("network", "dit", DiT, DiTConfig)


def main(folder: Path) -> str:
    options = ["network.kind=dit", "training.batch_size=32", "training.precision=float32"]
    run = nevoa.train("fashion_mnist_10k", out=folder / "dit", steps=100, options=options, progress=False)
    losses = [line["loss"] for line in run.metrics()]
    nevoa.show(run.model().sample(16)).save(folder / "dit.png")
    return f"loss {losses[0]:.3f} -> {losses[-1]:.3f}; images in {folder / 'dit.png'}"


if __name__ == "__main__":
    print(main(Path(sys.argv[1] if sys.argv[1:] else tempfile.mkdtemp())))
