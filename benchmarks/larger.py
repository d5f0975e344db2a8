"""Compare ways to images of a larger size: a model of half that size or less, enlarged, and a model of that size.

    .venv/bin/python benchmarks/larger.py --small SMALL --upscaler UP [--large LARGE] [--picture sheet.png]

The images of SMALL are enlarged by Pillow and by UP, which was trained on --condition downscaled:N. Each way is
compared with real images that were set aside, at the large size and scaled down to the small one: the Fréchet distance
of features with random weights, precision and recall. The floor is that of as many training images.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from enlarging import interpolated
from PIL.Image import Resampling

import nevoa
from nevoa.data import as_image_set, load_images, load_scoring_images, picture_of
from nevoa.features import frechet_distance, random_network
from nevoa.features.precision_recall import precision_recall

Images = np.ndarray
# Images in each row of the sheet.
SHOWN = 12


def resized(images: Images, height: int, width: int) -> Images:
    """The images in another size, by Lanczos' filter."""
    made = [np.asarray(picture_of(one).resize((width, height), Resampling.LANCZOS)) for one in images]
    return np.stack(made).reshape(len(images), height, width, -1)


def ways(wishes: argparse.Namespace, train: Images) -> Iterator[tuple[str, Images]]:
    """Each way to images of the large size, with what it makes."""
    yield "training images", train[np.random.default_rng(0).permutation(len(train))[: wishes.count]]
    if wishes.large:
        yield "large", nevoa.load(wishes.large).sample(wishes.count)
    small, upscaler = nevoa.load(wishes.small), nevoa.load(wishes.upscaler)
    made, factor = small.sample(wishes.count), upscaler.shape[1] // small.shape[1]
    yield "small, by Lanczos", interpolated(made, factor, Resampling.LANCZOS)
    yield "small, by the upscaler", upscaler.sample(wishes.count, picture=made)


def scores_at(height: int, width: int, train: Images, real: Images) -> Callable[[Images], str]:
    """Return a function that scales images to this size and writes their scores."""
    network = random_network(as_image_set(resized(train, height, width)))
    features = network.features(resized(real, height, width))

    def scores(images: Images) -> str:
        found = network.features(resized(images, height, width))
        near = precision_recall(features, found)
        return f"{frechet_distance(found, features):.3f} {near.precision:.3f} {near.recall:.3f}"

    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", required=True)
    parser.add_argument("--upscaler", required=True)
    parser.add_argument("--large")
    parser.add_argument("--count", type=int, default=2_048)
    parser.add_argument("--picture", type=Path, help="a sheet of the first images, a row for each way")
    wishes = parser.parse_args()
    upscaler, small = nevoa.load(wishes.upscaler), nevoa.load(wishes.small)
    train, sizes = load_images(upscaler.plan.data), (upscaler.shape[1:], small.shape[1:])
    real = load_scoring_images(upscaler.plan.data, train).images
    measures, rows = [scores_at(*size, train.images, real) for size in sizes], []
    print(f"{len(real)} images of {upscaler.plan.data.source} that were set aside, and {wishes.count} of each row")
    print(f"{'':24} " + " ".join(f"at {height}x{width}: distance precision recall" for height, width in sizes))
    start = time.perf_counter()
    for name, made in ways(wishes, train.images):
        seconds = time.perf_counter() - start
        print(f"{name:24} {'   '.join(measure(made) for measure in measures)}   {seconds:.0f} s", flush=True)
        rows.append(made[:SHOWN])
        start = time.perf_counter()
    if wishes.picture:
        nevoa.show(np.concatenate(rows), columns=SHOWN).save(wishes.picture)


if __name__ == "__main__":
    main()
