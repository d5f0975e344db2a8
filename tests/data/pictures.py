"""Image files of every kind, good and bad, made here."""

import io

import numpy as np
from PIL import Image


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """The content of an image file."""
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def photo(number: int = 0, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> Image.Image:
    """Something colourful; each number is another."""
    width, height = size
    rng = np.random.default_rng(number)
    small = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    return small.resize((width, height)).convert(mode)
