"""What images are compared with: a data set's test and training splits, and its feature network."""

import shlex
from dataclasses import dataclass

import numpy as np

from nevoa._util.random import Stream, generator
from nevoa.config import DataConfig
from nevoa.data import CATALOG, TRAIN, WHITE, ImageSet, load_images, load_test_images, size_in_words
from nevoa.errors import NevoaError
from nevoa.evaluation.feature_network import FeatureNetwork
from nevoa.evaluation.feature_networks import feature_network_for
from nevoa.evaluation.features import Features, features_of


@dataclass(frozen=True)
class Reference:
    """A data set to measure by.

    Attributes:
        source: its name.
        test: images not trained on: what distances are to.
        train: what feature networks are trained on, and what gives the floor.
    """

    source: str
    test: ImageSet
    train: ImageSet
    feature_network: FeatureNetwork

    @classmethod
    def of(cls, data: DataConfig) -> "Reference":
        """The reference for images like those that `data` means; a part of a data set is measured by the whole."""
        row = CATALOG.get(data.source)
        data = data.model_copy(update={"limit": None, "split": TRAIN})
        if row is not None and row.part_of:
            row, data = CATALOG[row.part_of], data.model_copy(update={"source": row.part_of})
        if row is not None and "test" not in row.counts:
            raise NevoaError(f"{data.source} has no test images to compare with; name another source: --against.")
        train = load_images(data)
        try:
            test = load_test_images(data, train)
        except NevoaError as error:
            said = f"Images are measured by others of their kind that were not trained on. Of {data.source}: {error}"
            raise NevoaError(said) from error
        return cls(train.name, test, train, feature_network_for(train, _command(data)))

    def check_shape(self, shape: tuple[int, int, int]) -> None:
        """A NevoaError if images of (C, H, W) are not of the reference's shape."""
        if shape != self.test.shape:
            given, wanted = size_in_words(*shape), size_in_words(*self.test.shape)
            raise NevoaError(
                f"The images are {given}, those of {self.source} are {wanted}. "
                "Compare them with another source: --against."
            )

    def features(self) -> Features:
        """Those of the test images."""
        return features_of(self.test, self.feature_network)

    def floor_features(self, count: int, seed: int) -> Features:
        """Those of `count` training images, drawn by the seed: what a perfect model's images would be like."""
        chosen = generator(seed, Stream.EVALUATION, 2).permutation(len(self.train))[:count]
        return features_of(self.train, self.feature_network)[np.sort(chosen)]


def _command(data: DataConfig) -> str:
    """That trains the feature network of these images."""
    size = "x".join(map(str, data.size)) if isinstance(data.size, tuple) else data.size
    background = None if data.background == WHITE else data.background
    classes = ",".join(map(str, data.only or ()))
    given = {"size": size, "classes": classes, "channels": data.channels, "background": background}
    options = [f" --{name} {shlex.quote(str(value))}" for name, value in given.items() if value]
    return f"nevoa features train {shlex.quote(data.source)}{''.join(options)}"
