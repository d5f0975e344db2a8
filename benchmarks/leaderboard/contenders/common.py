"""What the contenders share: the command line, the training clock, and what they say of their training.

Needs numpy and torch only, as `drawing.py` does: both run in every contender's own environment.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

TELL_SECONDS = 30.0
# The U-Nets of denoising-diffusion-pytorch and diffusers halve the sides up to five times.
MULTIPLE = 32
# What makes images of two contenders comparable.
ASKED = "source", "size", "minutes", "sampling_minutes", "count", "width"


@dataclass(frozen=True)
class Task:
    """What every contender is asked for, and where its `images.npy` and `about.json` go.

    Attributes:
        source: of the training images, as nevoa names it; the others read them in `data`.
        size: they are squares of so many pixels; None for clothes, which keep their size.
        width: of nevoa's network, which takes the place of the contender's own; None keeps that.
    """

    data: Path
    minutes: float
    sampling_minutes: float
    count: int
    out: Path
    source: str
    size: int | None = None
    width: int | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of an image: (C, H, W)."""
        side, _, channels = np.load(self.data, mmap_mode="r").shape[1:]
        return channels, side, side

    @property
    def labels(self) -> Path:
        """The classes of the training images, integers `[N]`."""
        return self.data.with_name("labels.npy")

    @property
    def padding(self) -> int:
        """Pixels around an image, for a U-Net that halves it many times."""
        return -self.shape[1] % MULTIPLE // 2 if self.width is None else 0

    @property
    def padded(self) -> tuple[int, int, int]:
        """The shape with this border."""
        channels, side, _ = self.shape
        return channels, side + 2 * self.padding, side + 2 * self.padding

    @property
    def padding_in_words(self) -> str:
        """The end of the settings in the table."""
        return f", images padded to {self.padded[1]}" if self.padding else ""

    @classmethod
    def parse(cls) -> "Task":
        """From the command line, the same for every contender."""
        parser = argparse.ArgumentParser()
        parser.add_argument("--data", type=Path, required=True, help="training images, uint8 [N, H, H, C]")
        parser.add_argument("--minutes", type=float, required=True, help="of training, setup not counted")
        parser.add_argument("--sampling-minutes", type=float, required=True, help="for all images together")
        parser.add_argument("--count", type=int, required=True, help="images to draw")
        parser.add_argument("--out", type=Path, required=True, help="folder")
        parser.add_argument("--source", required=True, help="of these images, as nevoa names it")
        parser.add_argument("--size", type=int, help="their side; none for clothes")
        parser.add_argument("--width", type=int, help="train nevoa's network of this width, 32 images a step")
        task = cls(**vars(parser.parse_args()))
        task.out.mkdir(parents=True, exist_ok=True)
        return task


class Teller:
    """Prints a line now and then, so that a log shows life."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def tell(self, line: str) -> None:
        """Print the line if the last one was half a minute ago."""
        if time.perf_counter() - self._last >= TELL_SECONDS:
            self._last = time.perf_counter()
            print(line, flush=True)


class Clock(Teller):
    """The training budget. It runs from where it is made; a contender makes no step that starts after its end."""

    def __init__(self, minutes: float) -> None:
        super().__init__()
        self._start, self.budget = time.perf_counter(), minutes * 60

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._start

    @property
    def is_up(self) -> bool:
        return self.seconds >= self.budget

    def tell_step(self, step: int, loss: float | None = None) -> None:
        """Where training is."""
        shown = "" if loss is None else f"  loss {loss:.4f}"
        self.tell(f"training: step {step}{shown}  {self.seconds:.0f} of {self.budget:.0f} s")


@dataclass(frozen=True)
class Training:
    """What was trained, and for how long. `settings` is in words; `parameters` counts the network's numbers."""

    contender: str
    version: str
    settings: str
    parameters: int
    steps: int
    images_seen: int
    training_seconds: float


def parameters(network: torch.nn.Module) -> int:
    """How many numbers it learns."""
    return sum(parameter.numel() for parameter in network.parameters())
