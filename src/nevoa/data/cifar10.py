"""CIFAR-10 (Krizhevsky 2009)."""

from nevoa.data import hub
from nevoa.data.store import ImageSet, Split

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
HUB_ID = "uoft-cs/cifar10"
INSTEAD = "another SOURCE, such as fashion_mnist_10k with -o data.size=32"


def complete(split: Split) -> ImageSet:
    """All 50,000 or 10,000 images, from the Hugging Face Hub."""
    images, labels = hub.load(HUB_ID, split, "img", 3, INSTEAD)
    return ImageSet.of("cifar10", images, labels, CLASSES)
