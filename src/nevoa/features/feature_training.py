"""Train a feature network on any images: by their classes or, without, by recognizing turned images."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor
from torch.nn import functional as F

from nevoa._util.random import Stream, generator
from nevoa.data import ImageSet, to_unit
from nevoa.errors import NevoaError
from nevoa.features.classifier import Classifier
from nevoa.features.feature_network import ROTATIONS, FeatureNetwork, FeatureNetworkInfo
from nevoa.networks.build import in_channels_last

BATCH = 128
EPOCHS = 16
# Images that are turned, in all.
TURNED = 64_000
# The peak of the cycle, reached after a tenth of the steps.
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.05
# The largest random shift, in pixels.
SHIFT = 2
SEED = 0
# Without test images, one image of this many is held out.
HELD_OUT = 10


class Epoch(NamedTuple):
    """One epoch of training: its number from 1, mean loss, and the network with its measured accuracy.

    Example:
        >>> *_, last = train_feature_network(load_images("shapes"), None)
        >>> last.epoch, last.loss, last.feature_network.info.accuracy
    """

    epoch: int
    loss: float
    feature_network: FeatureNetwork


def train_feature_network(train: ImageSet, test: ImageSet | None, epochs: int | None = None) -> Iterator[Epoch]:
    """Train a classifier with AdamW and one cycle of the learning rate, on shifted and mirrored images.

    Without classes it learns by how many quarters an image was turned (Gidaris et al. 2018); docs/experiments.md
    compares these features with others. Its accuracy is measured on `test`. If that is None, a tenth of the training
    images is held out for it.

    Raises:
        NevoaError: there is a single image and no test image.

    Example:
        >>> for epoch in train_feature_network(load_images("shapes"), None, epochs=16):
        ...     print(epoch.epoch, epoch.loss)
    """
    kept, held_out = _split(train, test)
    epochs = epochs or default_epochs(train)
    info = FeatureNetworkInfo(
        name=train.name,
        fingerprint=train.fingerprint,
        shape=train.shape,
        classes=train.classes,
        images=len(kept),
        accuracy=math.nan,
        measured_on=f"{len(held_out):,} images not trained on",
        kind="classes" if len(train.classes) > 1 else "rotation",
    )
    network = _fresh(info)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = epochs * (len(kept) // BATCH or 1)
    # A tenth of ten steps is one: torch divides by its number of steps minus one.
    rising = 0.2 if steps == 10 else 0.1
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=rising)
    for epoch in range(epochs):
        loss = _epoch(network, optimizer, schedule, train, kept, epoch)
        measured = replace(info, accuracy=accuracy(FeatureNetwork(network, info), held_out))
        yield Epoch(epoch + 1, loss, FeatureNetwork(network, measured))


def default_epochs(train: ImageSet) -> int:
    """Return 16 with several classes; else as many as show 64,000 images, which takes two to five minutes at 28x28."""
    return EPOCHS if len(train.classes) > 1 else max(1, math.ceil(TURNED / len(train)))


def accuracy(feature_network: FeatureNetwork, images: ImageSet) -> float:
    """Share of the images whose most probable class is theirs; of rotations, of the images in all four."""
    pixels, targets = images.images, images.labels
    if feature_network.info.kind == "rotation":
        x, targets = turned(torch.from_numpy(pixels.repeat(ROTATIONS, 0)).permute(0, 3, 1, 2))
        pixels, targets = x.permute(0, 2, 3, 1).numpy(), targets.numpy()
    found = feature_network.probabilities(feature_network.features(pixels)).argmax(1)
    return float((found == targets).mean())


def turned(x: Shaped[Tensor, "B C H W"]) -> tuple[Shaped[Tensor, "B C S S"], Int64[Tensor, " B"]]:
    """Return the middle square of each image, image i turned by i quarters, and by how many: 0 to 3."""
    side = min(x.shape[2:])
    top, left = ((length - side) // 2 for length in x.shape[2:])
    x = x[:, :, top : top + side, left : left + side].clone()
    for quarters in range(1, ROTATIONS):
        x[quarters::ROTATIONS] = x[quarters::ROTATIONS].rot90(quarters, (2, 3))
    return x, torch.arange(len(x)) % ROTATIONS


def _epoch(
    network: Classifier,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    images: ImageSet,
    kept: Int64[np.ndarray, " N"],
    epoch: int,
) -> float:
    network.train()
    rng = generator(SEED, Stream.FEATURE_NETWORK, epoch)
    order, losses = kept[rng.permutation(len(kept))], []
    for number in range(len(kept) // BATCH or 1):
        chosen = order[number * BATCH : (number + 1) * BATCH]
        x = varied(to_unit(images.images[chosen]), rng)
        x, targets = (x, torch.from_numpy(images.labels[chosen])) if len(images.classes) > 1 else turned(x)
        loss = F.cross_entropy(network(x), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return float(np.mean(losses))


def varied(x: Float[Tensor, "B C H W"], rng: np.random.Generator) -> Float[Tensor, "B C H W"]:
    """Shift each image by up to SHIFT pixels in each direction, repeating its edge, and mirror half of them."""
    count, _, height, width = x.shape
    down, right = (torch.from_numpy(rng.integers(-SHIFT, SHIFT + 1, (count, 1))) for _ in range(2))
    mirrored = torch.from_numpy(rng.random((count, 1)) < 0.5)
    rows = (torch.arange(height) + down).clamp(0, height - 1)
    columns = (torch.arange(width) + right).clamp(0, width - 1)
    columns = torch.where(mirrored, columns.flip(1), columns)
    return x[torch.arange(count)[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _fresh(info: FeatureNetworkInfo) -> Classifier:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(SEED)
        # In this layout a batch takes 125 ms instead of 173 (two cores with AVX-512).
        return in_channels_last(Classifier(info.shape[0], info.outputs))


def _split(train: ImageSet, test: ImageSet | None) -> tuple[Int64[np.ndarray, " N"], ImageSet]:
    """The indices of the images to train on, and the images to measure the accuracy on."""
    if test is not None:
        return np.arange(len(train)), test
    if len(train) < 2:
        raise NevoaError("A feature network takes two or more images, one of them to measure it on: add some.")
    order = generator(SEED, Stream.FEATURE_SPLIT, 0).permutation(len(train))
    cut = max(1, len(train) // HELD_OUT)
    return order[cut:], train.take(order[:cut])
