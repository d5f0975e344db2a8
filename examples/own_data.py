"""Images of your own: a torch Dataset of letters, drawn when they are asked for.

An item is an image and its label. The image is uint8 or a PIL image, without ToTensor and Normalize: nevoa scales it
itself. The attribute `classes` names the labels, so that images of one letter can be made.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch.utils.data import Dataset

import nevoa

SIDE = 16


class Letters(Dataset):
    """Letters of random size and place, `[16, 16]`. Item n is always the same."""

    classes = ("A", "B", "C")

    def __init__(self, count: int):
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> tuple[Image.Image, int]:
        random, label = np.random.default_rng(number), number % len(self.classes)
        picture = Image.new("L", (SIDE, SIDE))
        font, middle = ImageFont.load_default(random.integers(12, 17).item()), tuple(random.normal(SIDE / 2, 1, 2))
        ImageDraw.Draw(picture).text(middle, self.classes[label], fill=255, font=font, anchor="mm")
        return picture, label


def main(folder: Path) -> str:
    options = ["network.dim=16", "training.batch_size=32", "training.precision=float32"]
    run = nevoa.train(Letters(600), out=folder / "letters", steps=60, options=options, augment="none", progress=False)
    model = run.model()
    nevoa.show(model.sample(12, labels=["A", "B", "C"]), list("ABC") * 4, columns=6).save(folder / "letters.png")
    return f"classes {', '.join(model.classes)}; images in {folder / 'letters.png'}"


if __name__ == "__main__":
    print(main(Path(sys.argv[1] if sys.argv[1:] else tempfile.mkdtemp())))
