"""The conditions of a measurement under a name: results of the same protocol can be compared."""

from dataclasses import dataclass
from typing import Any

from nevoa._util.arguments import counted
from nevoa.errors import NevoaError
from nevoa.evaluation.reference import Reference
from nevoa.evaluation.shares import DRAWS

# In version 1 the floor was one random draw of training images; the scores of images are the same in both.
VERSION = 2
# The version for features that need no classes.
IMAGES_VERSION = 1
COUNT = 10_000
SEED = 0
# Digest of the Fashion-MNIST images, both splits, and the packaged feature network.
FASHION = "301eaacd7326af34f3dfc8314b8bcbed96338a51a4c5c89a5ccf18205c28f112"


@dataclass(frozen=True)
class Protocol:
    """Everything that decides a score besides the images themselves.

    Attributes:
        count: number of images that are measured.
        seed: decides the training images of the floor, and every other random choice.
        sampler: how the images were made (sampler, steps, variance, clip, ...); None for images from files.

    Example:
        >>> Protocol(reference, count=16).departures
        ['16 images instead of 10,000']
    """

    reference: Reference
    count: int
    seed: int = SEED
    sampler: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """`nevoa-fashion/2` for all of Fashion-MNIST and the packaged feature network.

        Any other reference adds the first 8 digits of its digest, as in `nevoa-cifar10-1a2b3c4d/2`. With features that
        need no classes the name is `nevoa-images-1a2b3c4d/1`.
        """
        return f"nevoa-{self.reference_name}/{self.version}"

    @property
    def version(self) -> int:
        """The version of the protocol, which depends on the kind of features."""
        return VERSION if self.reference.feature_network.info.kind == "classes" else IMAGES_VERSION

    @property
    def reference_name(self) -> str:
        """The part of the name that stands for images and feature network."""
        info, digest = self.reference.feature_network.info, self.reference.digest
        short_name = info.short_name if info.kind == "classes" else "images"
        return short_name if digest == FASHION else f"{short_name}-{digest:.8}"

    @property
    def suffix(self) -> str:
        """The part of a report's file name that tells its conditions, but for how the images were made."""
        return f"{self.count}-seed{self.seed}-{self.reference_name}-{self.version}"

    @property
    def departures(self) -> list[str]:
        """How this measurement differs from the protocol; empty if it can be compared with all others."""
        departures = []
        if self.count != COUNT:
            departures.append(f"{counted(self.count, 'image')} instead of {COUNT:,}")
        if self.seed != SEED:
            departures.append(f"seed {self.seed} instead of {SEED}")
        return departures

    @property
    def title(self) -> str:
        """The name, with the departures in parentheses."""
        return f"{self.name} ({'; '.join(self.departures)})" if self.departures else self.name

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values for a report."""
        reference, info = self.reference, self.reference.feature_network.info
        accuracy = None if info.kind == "random" else info.accuracy
        test = None if isinstance(reference.found_test, NevoaError) else reference.found_test
        where = "images set aside" if reference.train.notes.held_out else "test split"
        where = where if reference.packaged is None else f"features of the {where}"
        compared = f"{where}, {reference.test_count:,} images" if reference.has_test else "no test images"
        draws = (
            f"mean and standard deviation of {DRAWS} draws of {self.count:,} training images, each class with its share"
        )
        all_of_them = f"all {len(reference.train):,} training images"
        return {
            "name": self.name,
            "departures": self.departures,
            "count": self.count,
            "seed": self.seed,
            "sampler": self.sampler,
            "reference": f"{reference.source}, {compared}",
            "reference_fingerprint": test and test.fingerprint,
            "floor": draws if self.count < len(reference.train) else all_of_them,
            "feature_network": {
                "name": info.name,
                "kind": info.kind,
                "sha256": info.sha256,
                "accuracy": accuracy,
            },
            "resize": "none of the images; --against resizes those of the source to their size",
            "rounding": "to the nearest of 256 levels; values outside are clamped",
        }
