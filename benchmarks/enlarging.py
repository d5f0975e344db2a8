"""Enlarge images that were set aside, with models of --condition downscaled:N and by Pillow.

    .venv/bin/python benchmarks/enlarging.py RUN... [--count 512] [--picture sheet.png]

All runs enlarge the means of the same squares of pixels of the same images: the test images of the first run's data, or
those that it held out, and are compared with the originals. Printed: the Fréchet distance of features with random
weights, which is 0 of the originals; and the peak signal-to-noise ratio in dB and the structural similarity, each on
average over the images, by scikit-image.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL.Image import Resampling
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import nevoa
from nevoa.data import load_images, load_scoring_images, picture_of
from nevoa.features import frechet_distance, random_network

Images = np.ndarray
INTERPOLATIONS = Resampling.NEAREST, Resampling.BICUBIC, Resampling.LANCZOS
# Images in each row of the sheet.
SHOWN = 8


def means_of(images: Images, factor: int) -> Images:
    """The mean of each square of `factor` pixels a side."""
    count, height, width, channels = images.shape
    squares = images.reshape(count, height // factor, factor, width // factor, factor, channels)
    return (squares.mean((2, 4)) + 0.5).astype(np.uint8)


def interpolated(small: Images, factor: int, how: Resampling) -> Images:
    """The images enlarged by Pillow."""
    height, width = (factor * side for side in small.shape[1:3])
    enlarged = [np.asarray(picture_of(one).resize((width, height), how)) for one in small]
    return np.stack(enlarged).reshape(len(small), height, width, -1)


def ways(models: dict[str, nevoa.Model], small: Images, factor: int) -> Iterator[tuple[str, Images]]:
    """Each way to enlarge with what it makes."""
    for how in INTERPOLATIONS:
        yield how.name.lower(), interpolated(small, factor, how)
    for name, model in models.items():
        start = time.perf_counter()
        yield name, model.sample(len(small), picture=small)
        print(f"{name}: {(time.perf_counter() - start) / len(small):.2f} s an image")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--count", type=int, default=512)
    parser.add_argument("--picture", type=Path, help="a sheet of the first images, a row for each way")
    wishes = parser.parse_args()
    models = {run: nevoa.load(run) for run in wishes.runs}
    plan = models[wishes.runs[0]].plan
    train = load_images(plan.data)
    images = np.ascontiguousarray(load_scoring_images(plan.data, train).images[: wishes.count])
    factors = {one.factor for model in models.values() for one in model.plan.pictures.values()}
    if len(factors) != 1:
        parser.error("Each run must have been trained with --condition downscaled:N, all with the same N.")
    (factor,) = factors
    small, network = means_of(images, factor), random_network(train)
    features, rows = network.features(images), [images[:SHOWN]]
    print(f"{len(images)} images of {plan.data.source}, enlarged {factor} times to {images.shape[1]}x{images.shape[2]}")
    print(f"{'':24} distance  PSNR  SSIM")
    for name, made in ways(models, small, factor):
        pairs = list(zip(images, made, strict=True))
        distance = frechet_distance(network.features(made), features)
        signal = np.mean([peak_signal_noise_ratio(one, other) for one, other in pairs])
        likeness = np.mean([structural_similarity(one, other, channel_axis=-1) for one, other in pairs])
        print(f"{name:24} {distance:8.3f} {signal:5.1f} {likeness:5.3f}", flush=True)
        rows.append(made[:SHOWN])
    if wishes.picture:
        nevoa.show(np.concatenate(rows), columns=SHOWN).save(wishes.picture)


if __name__ == "__main__":
    main()
