"""The images to compare with: test and training images of a data set, and its feature network."""

import hashlib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from nevoa._util.arguments import comma_separated
from nevoa.config import DataConfig
from nevoa.data import (
    CATALOG,
    TRAIN,
    WHITE,
    ImageSet,
    load_images,
    load_scoring_images,
    size_in_words,
)
from nevoa.data.splits import split_named
from nevoa.errors import NevoaError
from nevoa.evaluation.right_attributes import COLUMN, Described, described
from nevoa.evaluation.right_captions import check_captions
from nevoa.evaluation.shares import draws_in_shares
from nevoa.features.feature_network import FeatureNetwork
from nevoa.features.features import Features, features_of
from nevoa.features.known import PACKAGED, feature_network_for, packaged_network

# The share of images that an error suggests to set aside.
ASIDE = 0.1
ANOTHER = "Choose another source to compare with: --against."
# The part of PACKAGED whose images come with nevoa.
PART = "fashion_mnist_10k"


@dataclass(frozen=True)
class Reference:
    """A data set to compare images with.

    Attributes:
        source: its name.
        found_test: images not trained on, to measure distances to; or why there are none. Of images that a training
            sets aside they are those that choose no model.
        train: images that the feature network was trained on; some of them give the floor.
        feature_network: the one trained on these images, else one with random weights.
        advice: the command that trains one, if its weights are random.
        foreign: whether the model that is measured was trained on another source. Then its copies are found by its
            own training images alone, and its overfitting is not measured.
        data: which images they are; None for images without a source.
        packaged: the features of the test images, where these images are not here but their features come with nevoa.
            Then `train` holds those training images that come with it.

    Example:
        >>> reference = Reference.of(DataConfig(source="fashion_mnist"))
    """

    source: str
    found_test: ImageSet | NevoaError
    train: ImageSet
    feature_network: FeatureNetwork
    advice: str = ""
    foreign: bool = False
    data: DataConfig | None = None
    packaged: Features | None = None

    @classmethod
    def of(cls, data: DataConfig) -> "Reference":
        """The reference for images of a data config. A subset of a data set is compared with all of it."""
        row, trained_on = CATALOG.get(data.source), split_named(data.split)
        data = data.model_copy(update={"limit": None, "split": TRAIN})
        if row is not None and row.part_of:
            row, data = CATALOG[row.part_of], data.model_copy(update={"source": row.part_of, "holdout": 0})
        try:
            train = load_images(data)
        except NevoaError as error:
            if data.source == PACKAGED and trained_on == TRAIN and (found := cls._packaged(data, error)):
                return found
            raise
        network = feature_network_for(train)
        if row is not None and "test" not in row.counts and not train.notes.held_out:
            test = NevoaError(f"{data.source} has no test images. {ANOTHER}")
        elif trained_on == "test":
            test = NevoaError(f"The model was trained on those of {data.source}. {ANOTHER}")
        else:
            try:
                test = load_scoring_images(data, train)
            except NevoaError as error:
                number = max(1, round(ASIDE * len(train)))
                test = NevoaError(f"{error} Or set images aside when you train: -o data.holdout={number}.")
        aside = None if isinstance(test, ImageSet) and not data.holdout else data.holdout
        advice = _training_command(data, aside) if network.info.kind == "random" else ""
        return cls(train.name, test, train, network, advice, data=data)

    @classmethod
    def _packaged(cls, data: DataConfig, why: NevoaError) -> "Reference | None":
        """The reference of what comes with nevoa; None if other sizes or classes are wanted."""
        part = load_images(data.model_copy(update={"source": PART}))
        if part.fingerprint != load_images(PART).fingerprint:
            return None
        network, features = packaged_network()
        test = NevoaError(f"Only their features come with nevoa. {why}")
        return cls(PACKAGED, test, part, network, packaged=features)

    @property
    def has_test(self) -> bool:
        """Whether there are test images, or at least their features."""
        return self.packaged is not None or not isinstance(self.found_test, NevoaError)

    @property
    def test_count(self) -> int:
        """The number of test images that features can be compared with. A NevoaError if there are none."""
        return len(self.test if self.packaged is None else self.packaged)

    @property
    def test(self) -> ImageSet:
        """The test images. A NevoaError if there are none."""
        if isinstance(self.found_test, NevoaError):
            raise NevoaError(f"Test images that were not trained on are missing. {self.found_test}")
        return self.found_test

    @property
    def held_out(self) -> ImageSet:
        """Images of the model's own source that it was not trained on. A NevoaError if there are none."""
        if self.foreign:
            raise NevoaError(
                f"The model was trained on other images than {self.source}. To see whether it overfits, leave out "
                "--against."
            )
        return self.test

    @property
    def captioned(self) -> ImageSet:
        """Held-out images, whose captions can be told apart. A NevoaError if there are too few of them."""
        check_captions(self.held_out)
        return self.held_out

    @property
    def attributes(self) -> tuple[Described, Described]:
        """Training images and held-out ones with their attributes. A NevoaError if no table says them."""
        if self.data is None:
            raise NevoaError(f"{self.source} has no column {COLUMN}.")
        held_out, data = self.held_out, self.data.model_copy(update={"caption_column": COLUMN})
        train, test = described(
            (self.train, held_out), ((named := load_images(data)), load_scoring_images(data, named))
        )
        if not (any(train.images.captions) and any(test.images.captions)):
            raise NevoaError(f"{self.source} has no captions of images that were trained on, or none of others.")
        return train, test

    @property
    def classifier(self) -> FeatureNetwork:
        """The feature network, which knows classes. A NevoaError if it does not."""
        if self.feature_network.info.kind != "classes":
            known = len(self.train.classes)
            missing = f"{self.source} has {'one class alone' if known else 'no classes'}."
            why = f"Train it: {self.advice}" if known > 1 else missing
            raise NevoaError(f"A feature network that was trained to tell classes apart is missing. {why}")
        return self.feature_network

    @property
    def digest(self) -> str:
        """Identifies the images of both splits and the weights of the feature network."""
        test = "" if isinstance(self.found_test, NevoaError) else self.found_test.fingerprint
        if self.packaged is not None:
            test = hashlib.sha256(self.packaged.tobytes()).hexdigest()
        parts = test, self.train.fingerprint, self.feature_network.info.sha256
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def check_shape(self, shape: tuple[int, int, int]) -> None:
        """Raise a NevoaError if images of shape (C, H, W) cannot be compared with the reference."""
        if shape != self.train.shape:
            given, wanted = size_in_words(*shape), size_in_words(*self.train.shape)
            raise NevoaError(
                f"The images are {given}, those of {self.source} are {wanted}. Name the source to compare with, "
                "whose images are then resized: --against."
            )

    def features(self) -> Features:
        """Features of the test images."""
        return features_of(self.test, self.feature_network) if self.packaged is None else self.packaged

    def floor_features(self, count: int, seed: int) -> Iterator[Features]:
        """Features of each of several draws of `count` training images. A perfect model would score as they do.

        They are drawn as a model's images are: each class with its share.
        """
        draws = list(draws_in_shares(self.train, count, seed))
        wanted = np.unique(np.concatenate(draws))
        features = features_of(self.train, self.feature_network, wanted)
        return (features[np.searchsorted(wanted, chosen)] for chosen in draws)

    def floor_images(self, count: int, seed: int) -> Iterator[UInt8[np.ndarray, "N H W C"]]:
        """The images of each of these draws."""
        return (self.train.images[chosen] for chosen in draws_in_shares(self.train, count, seed))


def _training_command(data: DataConfig, holdout: int | str | None) -> str:
    """The command that trains the feature network of these images, with so many set aside; None if none could be."""
    size = "x".join(map(str, data.size)) if isinstance(data.size, tuple) else data.size
    background = None if data.background == WHITE else data.background
    fit = None if data.fit == "crop" else data.fit
    classes = comma_separated(map(str, data.only or ()))
    given = {"size": size, "fit": fit, "classes": classes, "channels": data.channels, "background": background}
    given |= {"min-size": data.min_size}
    given |= {"holdout": None if holdout in (None, "auto") else str(holdout)}
    options = [f" --{name} {shlex.quote(str(value))}" for name, value in given.items() if value]
    return f"nevoa features train {shlex.quote(data.source)}{''.join(options)}"
