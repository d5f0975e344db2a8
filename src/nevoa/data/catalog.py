"""The named data sets: one name, one content, so that a result always says what it was trained on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nevoa.data.decode import Size
from nevoa.data.listing import Listing
from nevoa.data.sources import digits, fashion_mnist, shapes
from nevoa.data.sources.hub import PARQUET, Place, list_hub

INSTEAD = "fashion_mnist_10k or shapes, which need no network, or a folder of pictures"
DIGITS = tuple("0123456789")
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
RICE = ("Arborio", "Basmati", "Ipsala", "Jasmine", "Karacadag")


@dataclass(frozen=True)
class Dataset:
    """One row of the catalogue.

    Attributes:
        counts: images by split, in the words of the one who published it; None where that is not known.
        channels: 1 or 3.
        size: (height, width); None where images differ.
        flips: whether a mirrored image is one more image of the data.
        place: on the Hugging Face Hub; None for what is not there.
        classes: names; empty where there are none, or too many to have by heart: they come with the images.
        unnamed: how many classes there are, where their names are not listed here.
        local: lists a split without the Hub, or says by None that this machine has it not.
        local_place: where that is, in words.
        part_of: the data set whose training images these are some of; models of a part are measured by the whole.
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
        """How many classes there are, as far as is known."""
        return len(self.classes) or self.unnamed

    @property
    def where(self) -> str:
        """Where it comes from, in words."""
        return ", else ".join(filter(None, (self.local_place, f"hf:{self.place.hub_id}" if self.place else None)))

    def list(self, split: str) -> Listing:
        """The images of a split. A NevoaError if they cannot be had."""
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
        flips=fashion_mnist.FLIPS,
        classes=fashion_mnist.CLASSES,
        local=fashion_mnist.list_embedded,
        local_place="in this package",
        part_of="fashion_mnist",
    ),
    "shapes": Dataset(
        shapes.COUNTS,
        channels=3,
        size=(shapes.SIDE, shapes.SIDE),
        licence="MIT",
        flips=True,
        classes=shapes.CLASSES,
        local=shapes.list_shapes,
        local_place="drawn here",
    ),
    "digits": Dataset(
        digits.COUNTS,
        channels=1,
        size=(8, 8),
        licence="CC BY 4.0",
        flips=False,
        classes=DIGITS,
        local=digits.list_digits,
        local_place="scikit-learn",
    ),
    "fashion_mnist": Dataset(
        {"train": 60_000, "test": 10_000},
        channels=1,
        size=(28, 28),
        licence="MIT",
        flips=fashion_mnist.FLIPS,
        place=Place("zalando-datasets/fashion_mnist", image="image", label="label"),
        classes=fashion_mnist.CLASSES,
        local=fashion_mnist.list_debian,
        local_place="Debian's dataset-fashion-mnist",
    ),
    "mnist": Dataset(
        {"train": 60_000, "test": 10_000},
        channels=1,
        size=(28, 28),
        licence="MIT",
        flips=False,
        place=Place("ylecun/mnist", image="image", label="label"),
        classes=DIGITS,
    ),
    "a_mnist": Dataset(
        {"train": 120_000, "test": 10_000},
        channels=1,
        size=(28, 28),
        licence="MIT",
        flips=False,
        place=Place("gorar/A-MNIST", "amnist", PARQUET, image="image", label="label"),
        classes=DIGITS,
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
        classes=DIGITS,
    ),
    "celeba": Dataset(
        {"train": 162_770, "validation": 19_867, "test": 19_962},
        channels=3,
        size=None,
        licence="photographs: research only",
        flips=True,
        # Forty attributes, each a column of its own: the one that is easiest to see.
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
