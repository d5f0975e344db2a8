"""Train a feature network on any labelled images."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

from nevoa._util.random import Stream, generator
from nevoa.data import ImageSet, to_unit
from nevoa.errors import NevoaError
from nevoa.evaluation.classifier import Classifier
from nevoa.evaluation.feature_network import FeatureNetwork, FeatureNetworkInfo

BATCH = 128
EPOCHS = 16
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


def train_feature_network(train: ImageSet, test: ImageSet | None, epochs: int = EPOCHS) -> Iterator[Epoch]:
    """Train a classifier with AdamW and one cycle of the learning rate, on shifted and mirrored images.

    Its accuracy is measured on `test`. If that is None, a tenth of the training images is held out for it. A NevoaError
    if there are fewer than two classes.

    Example:
        >>> for epoch in train_feature_network(load_images("shapes"), None, epochs=16):
        ...     print(epoch.epoch, epoch.loss)
    """
    if len(train.classes) < 2:
        known = (
            f"A feature network needs two or more classes; {train.name} has {len(train.classes)}. Without one, 'nevoa "
            "evaluate' measures with random features."
        )
        raise NevoaError(f"{known} {train.notes.unsettled}".strip())
    kept, unseen = _split(train, test)
    network = _fresh(train)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = epochs * (len(kept) // BATCH or 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    info = FeatureNetworkInfo(
        name=train.name,
        fingerprint=train.fingerprint,
        shape=train.shape,
        classes=train.classes,
        images=len(kept),
        accuracy=math.nan,
        measured_on=f"{len(unseen):,} images not trained on",
    )
    for epoch in range(epochs):
        loss = _epoch(network, optimizer, schedule, train, kept, epoch)
        measured = replace(info, accuracy=accuracy(FeatureNetwork(network, info), unseen))
        yield Epoch(epoch + 1, loss, FeatureNetwork(network, measured))


def accuracy(feature_network: FeatureNetwork, images: ImageSet) -> float:
    """Share of the images whose most probable class is their label."""
    found = feature_network.probabilities(feature_network.features(images.images)).argmax(1)
    return float((found == images.labels).mean())


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
        loss = F.cross_entropy(network(x), torch.from_numpy(images.labels[chosen]))
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


def _fresh(images: ImageSet) -> Classifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return Classifier(images.shape[0], len(images.classes))


def _split(train: ImageSet, test: ImageSet | None) -> tuple[Int64[np.ndarray, " N"], ImageSet]:
    """The indices of the images to train on, and the images to measure the accuracy on."""
    if test is not None:
        return np.arange(len(train)), test
    order = generator(SEED, Stream.FEATURE_NETWORK).permutation(len(train))
    cut = max(1, len(train) // HELD_OUT)
    return order[cut:], replace(train, images=train.images[order[:cut]], labels=train.labels[order[:cut]])
