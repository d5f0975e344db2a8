"""Do the images that a model makes show the augmentation that it was trained with? Shoes of Fashion-MNIST point left.

    .venv/bin/python benchmarks/leaks.py [--steps 1000] [--augment none flip strong]

A model learns the shoes of `fashion_mnist_10k` with each augmentation. Printed is the share of 1,000 of its images that
are nearer to a training image than their mirror images are; and that of real test images, if Fashion-MNIST is there.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import nevoa
from nevoa.data import load_images
from nevoa.data.nearest import nearest_images

SHOES = ["Sandal", "Sneaker", "Ankle boot"]
COUNT = 1_000


def share(images: np.ndarray, training: np.ndarray) -> float:
    """How many images are nearer to a training image than they are mirrored."""
    as_they_are, mirrored = (nearest_images(one, training).distance for one in (images, images[:, :, ::-1]))
    return float((as_they_are < mirrored).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--augment", nargs="+", default=["none", "flip", "strong"])
    wishes = parser.parse_args()
    training = load_images("fashion_mnist_10k", only=SHOES).images
    try:
        real = load_images("fashion_mnist", only=SHOES, split="test").images[:COUNT]
        print(f"real test images  {share(real, training):.1%}", flush=True)
    except nevoa.NevoaError as error:
        print(error)
    options = ["network.dim=32", "training.batch_size=64", "training.guide=0"]
    for augment in wishes.augment:
        with TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            asked = {"steps": wishes.steps, "only": SHOES, "augment": augment, "options": options, "out": out}
            run = nevoa.train("fashion_mnist_10k", **asked)
            print(f"{augment}  {share(run.model().sample(COUNT), training):.1%}", flush=True)


if __name__ == "__main__":
    main()
