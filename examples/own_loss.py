"""A loss of your own: the pseudo-Huber loss (Song and Dhariwal 2023), which large errors do not dominate.

A loss is any function of the network's output and its target, both `[B, C, H, W]`, that returns one number per image,
`[B]`. This one is about |d|^2 / 2c for small differences d, and |d| - c for large ones.
"""

import math
import sys
import tempfile
from pathlib import Path

from torch import Tensor

import nevoa


def pseudo_huber(output: Tensor, target: Tensor) -> Tensor:
    """sqrt(|d|^2 + c^2) - c, where |d| is the norm of the whole difference and c grows with the size of the image."""
    difference = (output - target).flatten(1)
    c = 0.00054 * math.sqrt(difference.shape[1])
    return (difference.square().sum(1) + c**2).sqrt() - c


def main(folder: Path) -> str:
    options = ["network.dim=16", "training.batch_size=32", "training.report_every_images=320"]
    run = nevoa.train(
        "fashion_mnist_10k",
        out=folder / "huber",
        loss=pseudo_huber,
        size=16,
        steps=60,
        options=[*options, "training.precision=float32"],
        progress=False,
    )
    losses = [line["loss"] for line in run.metrics()]
    return f"loss {losses[0]:.2f} -> {losses[-1]:.2f}; run in {run.folder}"


if __name__ == "__main__":
    print(main(Path(sys.argv[1] if sys.argv[1:] else tempfile.mkdtemp())))
