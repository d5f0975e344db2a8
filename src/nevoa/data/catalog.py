"""The named data sets. A name always means the same content, so that results can be compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nevoa.config.registry import Table
from nevoa.data.decode import Size
from nevoa.data.hub import PARQUET, Place, list_hub
from nevoa.data.listing import Listing, of_arrays
from nevoa.data.sources import builtin, scenes
from nevoa.data.store import ImageSet
from nevoa.errors import NevoaError

INSTEAD = "fashion_mnist_10k or shapes, which need no network, or a folder of images"


@dataclass(frozen=True)
class Dataset:
    """A named data set.

    Args:
        counts: the number of images in each split, by the publisher's names; None if unknown.
        channels: 1 or 3.
        size: (height, width); None if images differ.
        licence: as the publisher states it.
        classes: their number; 0 if unknown.
        flips: whether mirrored images look like images of the data set.
        images: returns the images of a split of `counts`, as `nevoa.data.as_image_set` takes them.
        place: on the Hugging Face Hub, if it is there.
        local: lists a split of `counts` without the Hub; returns None where that is not possible.
        local_place: a name for that place.
        otherwise: where the images are to be had without the Hub, as an error says.
        part_of: the data set that these images are a part of, and that models trained on them are compared with.

    Example:
        >>> gray = Dataset({"train": 100}, 1, (8, 8), "CC0", images=lambda split: np.full((100, 8, 8), 127, np.uint8))
    """

    counts: Mapping[str, int | None]
    channels: int
    size: Size | None
    licence: str
    classes: int = 0
    flips: bool = False
    place: Place | None = None
    local: Callable[[str], Listing | None] = lambda split: None
    local_place: str | None = None
    part_of: str | None = None
    otherwise: str = ""
    images: Callable[[str], Any] | None = None

    @property
    def where(self) -> str:
        """Return the places that the images come from, in words."""
        made = self.images and "a plugin"
        return ", else ".join(filter(None, (made, self.local_place, self.place and f"hf:{self.place.hub_id}")))

    def list(self, split: str) -> Listing:
        """List the images of a split. A NevoaError if they are not available."""
        if self.images and split in self.counts:
            found = self.made(split)
            pictures = None if found.pictures is None else of_arrays(found.pictures)
            listing = of_arrays(found.images, found.labels, found.classes)
            return replace(listing, captions=found.captions, numbers=found.numbers, pictures=pictures)
        found = self.local(split) if split in self.counts else None
        if found is not None:
            return found
        if self.place is None:
            raise NevoaError(f"This data set has no split '{split}': choose {' or '.join(self.counts)}.")
        try:
            return list_hub(self.place, split, INSTEAD)
        except NevoaError as error:
            raise NevoaError(f"{error} {self.otherwise}".rstrip()) from error

    def made(self, split: str) -> ImageSet:
        """The images that a function makes. A NevoaError if they are not such images."""
        assert self.images
        from nevoa.data.objects import as_image_set  # imports torch

        return as_image_set(self.images(split))


MNIST, GRAY, COLOUR = {"train": 60_000, "test": 10_000}, 1, 3

# A table: counts, channels, size, licence, classes, flips, place.
# fmt: off
ROWS: dict[str, Dataset] = {
    "fashion_mnist_10k": Dataset(
        {"train": 10_000}, GRAY, (28, 28), "MIT", 10, builtin.CLOTHES_FLIP,
        local=builtin.list_fashion_mnist_10k, local_place="in this package", part_of="fashion_mnist"),
    "shapes": Dataset(
        builtin.SHAPE_COUNTS, COLOUR, (32, 32), "MIT", 5, True, local=builtin.list_shapes, local_place="drawn here"),
    "scenes": Dataset(  # two objects in a relation, with captions in two languages
        scenes.COUNTS, COLOUR, (32, 32), "MIT", 0, False, local=scenes.list_scenes, local_place="drawn here"),
    "digits": Dataset(
        builtin.DIGIT_COUNTS, GRAY, (8, 8), "CC BY 4.0", 10, False,
        local=builtin.list_digits, local_place="scikit-learn"),
    "fashion_mnist": Dataset(
        MNIST, GRAY, (28, 28), "MIT", 10, builtin.CLOTHES_FLIP, Place("zalando-datasets/fashion_mnist"),
        local=builtin.list_debian, local_place="Debian's dataset-fashion-mnist",
        otherwise="Or, on Debian: apt install dataset-fashion-mnist."),
    "mnist": Dataset(MNIST, GRAY, (28, 28), "MIT", 10, False, Place("ylecun/mnist")),
    "a_mnist": Dataset(
        {"train": 120_000, "test": 10_000}, GRAY, (28, 28), "MIT", 10, False,
        Place("gorar/A-MNIST", "amnist", PARQUET)),
    "cifar10": Dataset(
        {"train": 50_000, "test": 10_000}, COLOUR, (32, 32), "not stated", 10, True, Place("uoft-cs/cifar10")),
    "svhn": Dataset(
        {"train": 73_257, "test": 26_032, "extra": 531_131}, COLOUR, (32, 32), "non-commercial", 10, False,
        Place("ufldl-stanford/svhn", "cropped_digits")),
    "celeba": Dataset(  # its label is one of forty attributes: the one that is easiest to see
        {"train": 162_770, "validation": 19_867, "test": 19_962}, COLOUR, None, "photographs: research only", 2, True,
        Place("tpremoli/CelebA-attrs", label="Smiling")),
    "plants": Dataset(
        {"train": None}, COLOUR, None, "GPL 3.0", 0, True, Place("sampath017/plants", "default", PARQUET)),
    "indoor_scenes": Dataset(
        {"train": None, "validation": None, "test": None}, COLOUR, (416, 416), "MIT, for research", 67, True,
        Place("keremberke/indoor-scene-classification", "mini", PARQUET)),
    "quickdraw_small": Dataset(
        {"train": None, "valid": None, "test": None}, GRAY, (28, 28), "CC BY 4.0", 345, False,
        Place("Xenova/quickdraw-small")),
    "quickdraw": Dataset(
        {"train": 50_426_266}, GRAY, (28, 28), "CC BY 4.0", 345, False,
        Place("google/quickdraw", "preprocessed_bitmaps", PARQUET, label="word")),
    "milly_images": Dataset(
        {"train": 39}, COLOUR, None, "Unlicense", 0, True, Place("spongus/milly-images", label="")),
    "rice": Dataset(
        {"train": 75_000}, COLOUR, (250, 250), "not stated", 5, True,
        Place("miladfa7/Rice-Image-Dataset", "default", PARQUET)),
    "butterflies": Dataset(
        {"train": None}, COLOUR, None, "CC0", 0, True,
        Place("imageomics/Curated_GoldStandard_Hoyal_Cuthill", "default", PARQUET)),
    "cat_and_dog": Dataset(
        {"train": 8_000, "test": 2_000}, COLOUR, None, "CC0", 2, True, Place("Bingsu/Cat_and_Dog")),
}
# fmt: on
CATALOG = Table("dataset", ROWS)
