"""Rank images that get worse in steps, by the features of several networks.

    .venv/bin/python benchmarks/features.py SOURCE [--size 32] [--count 1500] [--samples NAME=FILE.npy ...]

SOURCE needs classes: the network that knows them is what the others are compared with. Half of the images are the
reference, and those that get worse come from the other half. Printed: for each network the Fréchet distances, divided
by that of unchanged images, and Kendall's tau of its ranking of all sets with that of the labelled network.
"""

import argparse
from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import torch
from torch.nn import functional as F

from nevoa.data import ImageSet, load_images
from nevoa.features import FeatureNetwork, feature_network_for, random_network, train_feature_network
from nevoa.features.frechet import frechet_distance

Images = np.ndarray
BLOCK = 4


def halves(images: ImageSet) -> tuple[ImageSet, ImageSet]:
    order = np.random.default_rng(0).permutation(len(images))
    parts = order[: len(order) // 2], order[len(order) // 2 :]
    one, other = (ImageSet.of(images.name, images.images[p], images.labels[p], images.classes) for p in parts)
    return one, other


def blurred(images: Images, sigma: float) -> Images:
    reach = int(np.ceil(3 * sigma))
    kernel = torch.exp(-(torch.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    kernel, x = kernel / kernel.sum(), torch.from_numpy(images).permute(0, 3, 1, 2).float()
    x, channels = F.pad(x, (reach,) * 4, mode="reflect"), x.shape[1]
    for shape in ((1, 1, 1, -1), (1, 1, -1, 1)):
        x = F.conv2d(x, kernel.view(shape).expand(channels, *[-1] * 3), groups=channels)
    return x.round().clamp(0, 255).permute(0, 2, 3, 1).to(torch.uint8).numpy()


def noisy(images: Images, sigma: float) -> Images:
    return (images + np.random.default_rng(1).normal(0, sigma, images.shape)).round().clip(0, 255).astype(np.uint8)


def patched(images: Images, count: int) -> Images:
    """Replace so many blocks of each image by those of others, at the same place."""
    rng, result = np.random.default_rng(4), images.copy()
    for image in result:
        for _ in range(count):
            top, left = (BLOCK * rng.integers(0, side // BLOCK) for side in image.shape[:2])
            block = np.s_[top : top + BLOCK, left : left + BLOCK]
            image[block] = images[rng.integers(len(images))][block]
    return result


def warped(images: Images, pixels: float) -> Images:
    """Bend each image by smooth random shifts of about so many pixels."""
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    count, _, height, width = x.shape
    straight = F.affine_grid(torch.eye(2, 3).expand(count, 2, 3), [count, 1, height, width], align_corners=False)
    shifts = np.random.default_rng(5).normal(0, 2 * pixels / height, (count, 2, 4, 4)).astype(np.float32)
    smooth = F.interpolate(torch.from_numpy(shifts), (height, width), mode="bicubic").permute(0, 2, 3, 1)
    x = F.grid_sample(x, straight + smooth, padding_mode="reflection", align_corners=False)
    return x.round().clamp(0, 255).permute(0, 2, 3, 1).to(torch.uint8).numpy()


def graded(pool: ImageSet, count: int) -> Iterator[tuple[str, Images]]:
    base, rng = pool.images[:count], np.random.default_rng(2)
    yield "real", base
    ways: dict[str, tuple[Callable[[Images, float], Images], tuple[float, ...]]] = {
        "blur": (blurred, (0.5, 0.7, 1.0, 1.5)),
        "noise": (noisy, (4, 8, 16, 32)),
        "patches": (lambda images, number: patched(images, int(number)), (1, 2, 4, 8, 16)),
        "warp": (warped, (0.3, 0.6, 1, 2, 3)),
    }
    for name, (change, amounts) in ways.items():
        yield from ((f"{name} {amount:g}", change(base, amount)) for amount in amounts)
    for share in (0.1, 0.2, 0.3, 0.5, 0.7):
        missing = max(1, round(share * len(pool.classes)))
        kept = np.flatnonzero(pool.labels >= missing)
        yield f"missing {missing}", pool.images[rng.choice(kept, count, replace=len(kept) < count)]
    for number in (1000, 500, 200, 100, 30):
        yield f"copies {number}", pool.images[rng.choice(rng.permutation(len(pool))[:number], count)]


def networks(pool: ImageSet) -> Iterator[tuple[str, FeatureNetwork]]:
    known = feature_network_for(load_images(pool.name)) if pool.name == "fashion_mnist" else None
    *_, labelled = (None,) if known else train_feature_network(pool, None)
    yield "labelled", known or labelled.feature_network  # pyright: ignore[reportOptionalMemberAccess]
    nameless = ImageSet.of(pool.name, pool.images, np.zeros(len(pool)), ())
    yield "random", random_network(nameless)
    *_, turned = train_feature_network(nameless, None)
    yield "rotation", turned.feature_network


def tau(one: dict[str, float], other: dict[str, float]) -> float:
    """The share of pairs in the same order, minus that of the others."""
    pairs = list(combinations(one, 2))
    return sum(np.sign((one[a] - one[b]) * (other[a] - other[b])) for a, b in pairs) / len(pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("--size", type=int)
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--samples", action="append", default=[], metavar="NAME=FILE.npy")
    wishes = parser.parse_args()
    reference, pool = halves(load_images(wishes.source, size=wishes.size))
    sets = dict(graded(pool, min(wishes.count, len(pool))))
    sets |= {name: np.load(path) for name, _, path in (each.partition("=") for each in wishes.samples)}
    found: dict[str, dict[str, float]] = {}
    for name, network in networks(pool):
        real = network.features(reference.images)
        found[name] = {each: frechet_distance(network.features(images), real) for each, images in sets.items()}
        print(f"{name}: tau {tau(found['labelled'], found[name]):.2f}", flush=True)
        for each, distance in found[name].items():
            print(f"  {each:14}{distance / found[name]['real']:8.3g}", flush=True)


if __name__ == "__main__":
    main()
