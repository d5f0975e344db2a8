"""Image files of every kind, good and bad, made here."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from nevoa.data import ImageSet, load_images


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


PICTURES = [encoded(photo(number), "PNG") for number in range(4)]


def written(folder: Path, files: Mapping[str, bytes | str]) -> ImageSet:
    """Write files into a folder and load it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_images(str(folder))


def kinds(images: ImageSet) -> list[str]:
    """The class of each image."""
    return [images.classes[label] for label in images.labels.tolist()]
