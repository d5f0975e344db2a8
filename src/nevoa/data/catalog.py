"""The named data sets. A name always means the same content, so that results can be compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nevoa.data.decode import Size
from nevoa.data.listing import Listing
from nevoa.data.sources import builtin
from nevoa.data.sources.hub import PARQUET, Place, list_hub

INSTEAD = "fashion_mnist_10k or shapes, which need no network, or a folder of images"
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
RICE = ("Arborio", "Basmati", "Ipsala", "Jasmine", "Karacadag")


@dataclass(frozen=True)
class Dataset:
    """One row of the catalogue.

    Attributes:
        counts: the number of images in each split, by the publisher's names; None if unknown.
        channels: 1 or 3.
        size: (height, width); None if images differ.
        flips: whether mirrored images look like images of the data set.
        place: on the Hugging Face Hub, if it is there.
        classes: their names; empty if there are none, or too many to list here.
        unnamed: the number of classes whose names are not listed here.
        local: lists a split without the Hub; returns None if this machine does not have it.
        local_place: a name for that place.
        part_of: the data set that these images are a part of, and that models trained on them are compared with.
    """

    counts: Mapping[str, int | None]
    channels: int
    size: Size | None
    licence: str
    flips: bool
    place: Place | None = None
    classes: tuple[str, ...] = ()
    unnamed: int = 0
    local: Callable[[str], Listing | None] = lambda split: None
    local_place: str | None = None
    part_of: str | None = None

    @property
    def class_count(self) -> int:
        """The number of classes; 0 if unknown."""
        return len(self.classes) or self.unnamed

    @property
    def where(self) -> str:
        """Where the images come from, for people."""
        return ", else ".join(filter(None, (self.local_place, f"hf:{self.place.hub_id}" if self.place else None)))

    def list(self, split: str) -> Listing:
        """List the images of a split. A NevoaError if they are not available."""
        found = self.local(split)
        if found is None:
            assert self.place is not None
            found = list_hub(self.place, split, INSTEAD)
        return found


CATALOG: dict[str, Dataset] = {
    "fashion_mnist_10k": Dataset(
        {"train": 10_000},
        channels=1,
        size=(28, 28),
        licence="MIT",
        flips=builtin.CLOTHES_FLIP,
        classes=builtin.CLOTHES,
        local=builtin.list_fashion_mnist_10k,
        local_place="in this package",
        part_of="fashion_mnist",
    ),
    "shapes": Dataset(
        builtin.SHAPE_COUNTS,
        channels=3,
        size=(builtin.SHAPE_SIDE, builtin.SHAPE_SIDE),
        licence="MIT",
        flips=True,
        classes=builtin.SHAPES,
        local=builtin.list_shapes,
        local_place="drawn here",
    ),
    "digits": Dataset(
        builtin.DIGIT_COUNTS,
        channels=1,
        size=(8, 8),
        licence="CC BY 4.0",
        flips=False,
        classes=builtin.DIGITS,
        local=builtin.list_digits,
        local_place="scikit-learn",
    ),
    "fashion_mnist": Dataset(
        {"train": 60_000, "test": 10_000},
        channels=1,
        size=(28, 28),
        licence="MIT",
        flips=builtin.CLOTHES_FLIP,
        place=Place("zalando-datasets/fashion_mnist", image="image", label="label"),
        classes=builtin.CLOTHES,
        local=builtin.list_debian,
        local_place="Debian's dataset-fashion-mnist",
    ),
    "mnist": Dataset(
        {"train": 60_000, "test": 10_000},
        channels=1,
        size=(28, 28),
        licence="MIT",
        flips=False,
        place=Place("ylecun/mnist", image="image", label="label"),
        classes=builtin.DIGITS,
    ),
    "a_mnist": Dataset(
        {"train": 120_000, "test": 10_000},
        channels=1,
        size=(28, 28),
        licence="MIT",
        flips=False,
        place=Place("gorar/A-MNIST", "amnist", PARQUET, image="image", label="label"),
        classes=builtin.DIGITS,
    ),
    "cifar10": Dataset(
        {"train": 50_000, "test": 10_000},
        channels=3,
        size=(32, 32),
        licence="not stated",
        flips=True,
        place=Place("uoft-cs/cifar10", image="img", label="label"),
        classes=CIFAR10,
    ),
    "svhn": Dataset(
        {"train": 73_257, "test": 26_032, "extra": 531_131},
        channels=3,
        size=(32, 32),
        licence="non-commercial",
        flips=False,
        place=Place("ufldl-stanford/svhn", "cropped_digits", image="image", label="label"),
        classes=builtin.DIGITS,
    ),
    "celeba": Dataset(
        {"train": 162_770, "validation": 19_867, "test": 19_962},
        channels=3,
        size=None,
        licence="photographs: research only",
        flips=True,
        # One of forty attributes: the one that is easiest to see.
        place=Place("tpremoli/CelebA-attrs", image="image", label="Smiling"),
        unnamed=2,
    ),
    "plants": Dataset(
        {"train": None},
        channels=3,
        size=None,
        licence="GPL 3.0",
        flips=True,
        place=Place("sampath017/plants", "default", PARQUET, image="image", label="label"),
    ),
    "indoor_scenes": Dataset(
        {"train": None, "validation": None, "test": None},
        channels=3,
        size=(416, 416),
        licence="MIT, for research",
        flips=True,
        place=Place("keremberke/indoor-scene-classification", "mini", PARQUET, image="image", label="labels"),
        unnamed=67,
    ),
    "quickdraw_small": Dataset(
        {"train": None, "valid": None, "test": None},
        channels=1,
        size=(28, 28),
        licence="CC BY 4.0",
        flips=False,
        place=Place("Xenova/quickdraw-small", image="image", label="label"),
        unnamed=345,
    ),
    "quickdraw": Dataset(
        {"train": 50_426_266},
        channels=1,
        size=(28, 28),
        licence="CC BY 4.0",
        flips=False,
        place=Place("google/quickdraw", "preprocessed_bitmaps", PARQUET, image="image", label="word"),
        unnamed=345,
    ),
    "milly_images": Dataset(
        {"train": 39},
        channels=3,
        size=None,
        licence="Unlicense",
        flips=True,
        place=Place("spongus/milly-images", image="image", label=""),
    ),
    "rice": Dataset(
        {"train": 75_000},
        channels=3,
        size=(250, 250),
        licence="not stated",
        flips=True,
        place=Place("miladfa7/Rice-Image-Dataset", "default", PARQUET, image="image", label="label"),
        classes=RICE,
    ),
    "butterflies": Dataset(
        {"train": None},
        channels=3,
        size=None,
        licence="CC0",
        flips=True,
        place=Place("imageomics/Curated_GoldStandard_Hoyal_Cuthill", "default", PARQUET, image="image", label="label"),
    ),
    "cat_and_dog": Dataset(
        {"train": 8_000, "test": 2_000},
        channels=3,
        size=None,
        licence="CC0",
        flips=True,
        place=Place("Bingsu/Cat_and_Dog", image="image", label="labels"),
        classes=("cat", "dog"),
    ),
}
