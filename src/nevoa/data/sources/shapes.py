"""Coloured shapes, drawn here: data of any size and number without a file."""

import math

import numpy as np
from PIL import Image, ImageDraw

from nevoa._util.random import Stream, generator
from nevoa.data.listing import Listing
from nevoa.errors import NevoaError

CLASSES = ("circle", "square", "triangle", "star", "ring")
COUNTS = {"train": 10_000, "test": 2_000}
SIDE = 32
# They are drawn this large, and made smaller smoothly.
DRAWN = 128


def list_shapes(split: str) -> Listing:
    """One shape an image, of one colour on another; number i is always the same, and of class i modulo 5."""
    if split not in COUNTS:
        raise NevoaError(f"shapes has the splits train and test, no '{split}'.")
    first, count = (0, COUNTS["train"]) if split == "train" else (COUNTS["train"], COUNTS["test"])
    return Listing(
        count=count,
        read=lambda index: drawn(first + index),
        file=lambda index: f"shape {first + index}",
        labels=np.arange(first, first + count) % len(CLASSES),
        classes=CLASSES,
        size=(SIDE, SIDE),
        channels=3,
    )


def drawn(number: int) -> np.ndarray:
    """Shape number i, uint8 [128, 128, 3]."""
    rng = generator(0, Stream.SHAPES, number)
    behind = rng.integers(0, 90, 3) if rng.random() < 0.5 else rng.integers(165, 256, 3)
    # The complement's hue, turned a little: a shape is never of the colour of its background.
    colour = (behind + 128 + rng.integers(-50, 51, 3)) % 256
    image = Image.new("RGB", (DRAWN, DRAWN), tuple(behind.tolist()))
    draw, fill = ImageDraw.Draw(image), tuple(colour.tolist())
    radius = DRAWN * rng.uniform(0.22, 0.4)
    x, y = (DRAWN / 2 + rng.uniform(-1, 1) * (DRAWN * 0.46 - radius) for _ in range(2))
    turn, kind = rng.uniform(0, 2 * math.pi), CLASSES[number % len(CLASSES)]
    box = (x - radius, y - radius, x + radius, y + radius)
    if kind == "circle":
        draw.ellipse(box, fill=fill)
    elif kind == "ring":
        draw.ellipse(box, outline=fill, width=round(radius * 0.4))
    else:
        draw.polygon(_corners(kind, x, y, radius, turn), fill=fill)
    return np.asarray(image)


def _corners(kind: str, x: float, y: float, radius: float, turn: float) -> list[tuple[float, float]]:
    count = {"triangle": 3, "square": 4, "star": 10}[kind]
    radii = [radius * (0.45 if kind == "star" and i % 2 else 1) for i in range(count)]
    angles = [turn + 2 * math.pi * i / count for i in range(count)]
    return [(x + r * math.cos(angle), y + r * math.sin(angle)) for r, angle in zip(radii, angles, strict=True)]
