"""The named data sets: one name, one content, so that a result always says what it was trained on."""

from collections.abc import Callable
from dataclasses import dataclass

from nevoa.data import cifar10, fashion_mnist
from nevoa.data.store import ImageSet, Split


@dataclass(frozen=True)
class Dataset:
    """One row of the catalogue.

    Attributes:
        counts: images per split.
        flips: whether a mirrored image is one more image of the data.
        where: what a user reads about where it comes from.
        load: reads a split, slowly; `nevoa.data.open_source` keeps what it returns.
        part_of: the data set whose training images these are some of; models of a part are measured by the whole.
    """

    counts: dict[Split, int]
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    licence: str
    where: str
    load: Callable[[Split], ImageSet]
    flips: bool
    part_of: str | None = None


CATALOG: dict[str, Dataset] = {
    "fashion_mnist_10k": Dataset(
        counts={"train": 10_000},
        shape=(1, 28, 28),
        classes=fashion_mnist.CLASSES,
        licence="MIT",
        where="in this package",
        load=fashion_mnist.embedded,
        flips=fashion_mnist.FLIPS,
        part_of="fashion_mnist",
    ),
    "fashion_mnist": Dataset(
        counts={"train": 60_000, "test": 10_000},
        shape=(1, 28, 28),
        classes=fashion_mnist.CLASSES,
        licence="MIT",
        where="Debian's dataset-fashion-mnist, else the Hugging Face Hub",
        load=fashion_mnist.complete,
        flips=fashion_mnist.FLIPS,
    ),
    "cifar10": Dataset(
        counts={"train": 50_000, "test": 10_000},
        shape=(3, 32, 32),
        classes=cifar10.CLASSES,
        licence="not stated",
        where="the Hugging Face Hub",
        load=cifar10.complete,
        flips=True,
    ),
}
