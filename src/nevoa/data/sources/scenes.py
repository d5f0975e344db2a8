"""Scenes: two objects of a shape, a colour and a size, one above, below, left of or right of the other.

What a scene shows is its combination: "a red star above a blue circle" and "a blue circle below a red star" are the
same. A fifth of all combinations are never trained on: they are the test split.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from nevoa._util.random import Stream, generator
from nevoa.data.listing import Listing

COUNTS = {"train": 20_000, "test": 2_000}
SIDE, DRAWN_SIDE = 32, 128
# Of each word: English, and the masculine and feminine form in Portuguese.
SHAPES = {"circle": "círculo", "square": "quadrado", "triangle": "triângulo", "star": "estrela"}
COLOURS = {"red": ("vermelho", "vermelha"), "blue": ("azul", "azul"), "green": ("verde", "verde")}
COLOURS |= {"yellow": ("amarelo", "amarela"), "purple": ("roxo", "roxa")}
SIZES = {"small": ("pequeno", "pequena"), "large": ("grande", "grande")}
RELATIONS = {"above": "por cima de", "below": "por baixo de", "to the left of": "à esquerda de"}
RELATIONS |= {"to the right of": "à direita de"}
SAME = {"above": "below", "to the left of": "to the right of"}
FEMININE = "star"
# By which `nevoa evaluate` tells how well images follow their prompts.
COLUMNS = ("attributes",)
PIXELS = {"red": (214, 48, 49), "blue": (44, 98, 214), "green": (46, 160, 67), "yellow": (236, 196, 30)}
PIXELS |= {"purple": (142, 68, 190)}
# Radii as shares of the side; where the objects are, as shares of it, the first one with the smaller coordinate.
RADII = {"small": 0.1, "large": 0.19}
NEAR, FAR, JITTER = 0.27, 0.73, 0.04
# The combinations whose place in a random order is a multiple of it are held out.
HELD_OUT = 5


@dataclass(frozen=True)
class Thing:
    """An object of a scene.

    Example:
        >>> str(Thing("star", "red", "small"))
        'a small red star'
    """

    shape: str
    colour: str
    size: str

    def __str__(self) -> str:
        return f"a {self.size} {self.colour} {self.shape}"

    @property
    def in_portuguese(self) -> str:
        """Its name in Portuguese."""
        gender = self.shape == FEMININE
        article, colour, size = ("um", "uma")[gender], COLOURS[self.colour][gender], SIZES[self.size][gender]
        return f"{article} {SHAPES[self.shape]} {colour} {size}"


@dataclass(frozen=True)
class Scene:
    """A combination of two objects and how the first lies to the second.

    Example:
        >>> Scene(Thing("star", "red", "small"), "above", Thing("circle", "blue", "large")).captions[1]
        'uma estrela vermelha pequena por cima de um círculo azul grande'
    """

    first: Thing
    relation: str
    second: Thing

    @property
    def captions(self) -> tuple[str, str]:
        """The caption in English, and in Portuguese."""
        portuguese = self.first.in_portuguese, RELATIONS[self.relation], self.second.in_portuguese
        return f"{self.first} {self.relation} {self.second}", " ".join(portuguese)

    @property
    def attributes(self) -> str:
        """Whether it is upright or level; then shape, colour and size of its upper or left object, and of the other.

        Example:
            >>> Scene(Thing("star", "red", "small"), "below", Thing("circle", "blue", "large")).attributes
            'upright, circle, blue, large, star, red, small'
        """
        things = (self.first, self.second) if self.relation in SAME else (self.second, self.first)
        lies = "upright" if self.relation in ("above", "below") else "level"
        return ", ".join([lies, *(word for thing in things for word in (thing.shape, thing.colour, thing.size))])


@cache
def scenes(split: str) -> tuple[Scene, ...]:
    """Return the combinations of a split in both wordings: "test" has those that are held out, "train" the others.

    Example:
        >>> len(scenes("train")), len(scenes("test"))
        (4992, 1248)
    """
    things = [Thing(*words) for words in product(SHAPES, COLOURS, SIZES)]
    every = [parts for parts in product(things, SAME, things) if parts[0] != parts[2]]
    order = generator(0, Stream.SHAPES, 2**32).permutation(len(every)).tolist()
    chosen = [every[index] for place, index in enumerate(order) if (place % HELD_OUT == 0) == (split == "test")]
    worded = ((Scene(one, word, other), Scene(other, SAME[word], one)) for one, word, other in chosen)
    return tuple(scene for both in zip(*worded, strict=True) for scene in both)


def scene(split: str, number: int) -> Scene:
    """Return the combination of an image, which never changes."""
    known = scenes(split)
    return known[number % len(known)]


def list_scenes(split: str) -> Listing:
    """List the images of a split, each with a caption in English and in Portuguese, and its attributes."""
    count = COUNTS[split]
    return Listing(
        read=lambda index: drawn(scene(split, index), index + (split == "test") * COUNTS["train"]),
        file=lambda index: f"scene {index}",
        labels=np.zeros(count, np.int64),
        size=(SIDE, SIDE),
        channels=3,
        captions=tuple(scene(split, index).captions for index in range(count)),
        columns=COLUMNS,
        texts=lambda column: tuple((scene(split, index).attributes,) for index in range(count)),
    )


def drawn(scene: Scene, number: int) -> UInt8[np.ndarray, "128 128 3"]:
    """Draw a scene; the number decides where exactly the objects are, how they are turned, and the background."""
    rng = generator(1, Stream.SHAPES, number)
    image = Image.new("RGB", (DRAWN_SIDE, DRAWN_SIDE), (int(rng.integers(225, 256)),) * 3)
    draw, upright = ImageDraw.Draw(image), scene.relation in ("above", "below")
    first_is_near = scene.relation in ("above", "to the left of")
    beside = rng.uniform(0.38, 0.62)
    for thing, is_near in ((scene.first, first_is_near), (scene.second, not first_is_near)):
        along = (NEAR if is_near else FAR) + rng.uniform(-JITTER, JITTER)
        across = beside + rng.uniform(-JITTER, JITTER)
        x, y = (across, along) if upright else (along, across)
        _draw(draw, thing, DRAWN_SIDE * x, DRAWN_SIDE * y, rng)
    return np.asarray(image)


def _draw(draw: ImageDraw.ImageDraw, thing: Thing, x: float, y: float, rng: np.random.Generator) -> None:
    radius, fill = DRAWN_SIDE * RADII[thing.size] * rng.uniform(0.92, 1.08), PIXELS[thing.colour]
    if thing.shape == "circle":
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
    else:
        draw.polygon(_corners(thing.shape, x, y, radius, rng.uniform(-0.15, 0.15)), fill=fill)


def _corners(shape: str, x: float, y: float, radius: float, turn: float) -> Sequence[tuple[float, float]]:
    count, start = {"triangle": (3, -math.pi / 2), "square": (4, math.pi / 4), "star": (10, -math.pi / 2)}[shape]
    radii = [radius * (0.42 if shape == "star" and i % 2 else 1.15) for i in range(count)]
    angles = [start + turn + 2 * math.pi * i / count for i in range(count)]
    return [(x + r * math.cos(angle), y + r * math.sin(angle)) for r, angle in zip(radii, angles, strict=True)]
