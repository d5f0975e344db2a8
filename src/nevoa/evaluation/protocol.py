"""How quality is measured, under a name: two results of one protocol can be compared."""

from dataclasses import dataclass
from typing import Any

from nevoa.evaluation.reference import Reference

VERSION = 1
COUNT = 10_000
SEED = 0


@dataclass(frozen=True)
class Protocol:
    """All that decides a score besides the images themselves.

    Attributes:
        sampler: how the images were made: sampler, steps, variance, clip; None where they came from files.
    """

    reference: Reference
    count: int
    seed: int = SEED
    sampler: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """`nevoa-fashion/1` for Fashion-MNIST at its own size."""
        return f"nevoa-{self.reference.feature_network.card.short_name}/{VERSION}"

    @property
    def departures(self) -> list[str]:
        """Where a measurement is not as the protocol has it; empty if it can be compared with all others."""
        departures = []
        if self.count != COUNT:
            departures.append(f"{self.count:,} images instead of {COUNT:,}")
        if self.seed != SEED:
            departures.append(f"seed {self.seed} instead of {SEED}")
        return departures

    def as_dict(self) -> dict[str, Any]:
        """For a report."""
        reference, card = self.reference, self.reference.feature_network.card
        return {
            "name": self.name,
            "departures": self.departures,
            "count": self.count,
            "seed": self.seed,
            "sampler": self.sampler,
            "reference": f"{reference.source}, test split, {len(reference.test):,} images",
            "reference_fingerprint": reference.test.fingerprint,
            "floor": f"{min(self.count, len(reference.train)):,} training images drawn by the seed",
            "feature_network": {"name": card.name, "sha256": card.sha256, "accuracy": card.accuracy},
            "resize": "none: images of another size are refused",
            "rounding": "to the nearest of 256 levels, what lies outside clamped",
        }
