"""The distance to expect of a training, for the images and settings of which it was measured: docs/scaling-laws.md."""

from dataclasses import dataclass
from math import exp

from nevoa.config import Plan
from nevoa.config.presets import configure
from nevoa.config.sections import flat
from nevoa.sampling.options import AUTOGUIDANCE
from nevoa.training.draft import STEPS, steps_after
from nevoa.training.width import MOST, expected_distance

# The preset, and the images with the most operations for which the law was compared with trials. The package's 10,000
# images give what 60,000 do, while each is seen about twenty times or less.
PRESET, SOURCES = "quick", {"fashion_mnist": MOST, "fashion_mnist_10k": 6e13}
# The trials began here. They differ from the law by 4.3 % (root mean square of the logarithm), four other runs by 7 %;
# with the recipe before, nine runs of five minutes on three machines differed from its law by 14 %.
LEAST, SPREAD = 5e12, 0.14
# The trials had no guide. With that of the preset, distances are so many times as large.
GUIDED = 0.65
TRIALS = (
    *("data.holdout=0", "diffusion.prediction=flow", "training.weighting=simple"),
    *("training.timestep_distribution=log_normal", "network.patch=2"),
    *("network.multipliers=[1, 2]", "network.attention=[false, false]"),
)
WEIGHT = f"sampling.autoguidance={AUTOGUIDANCE}"
# Keys that the law knows, or that change the distance no more than another seed does.
BUDGET = "minutes", "images", "batch_size"
OTHERS = "seed", "accumulation", "device", "precision", "threads", "compile", "preview_steps", "weigh_guide"
INTERVALS = "report_every_images", "preview_every_images", "checkpoint_every_images"
FREE = {f"training.{key}" for key in (*BUDGET, *OTHERS, *INTERVALS, "guide")} | {"network.dim"}
FREE |= {f"data.{key}" for key in ("augment", "strict", "fingerprint", "images")} | {"classes", "sampling.steps"}


@dataclass(frozen=True)
class Expected:
    """The distance `fd_fashion` of 2,048 images, with the ends of its 95 % interval.

    Example:
        >>> str(Expected(2.7, 2.5, 3.0))
        'fd_fashion 2.7 (2.5 to 3)'
    """

    distance: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"fd_fashion {self.distance:.2g} ({self.low:.2g} to {self.high:.2g})"


def expected(plan: Plan, flop: float) -> Expected | None:
    """Return the distance to expect after `flop` operations of training; None where it was not measured."""
    source, dim = plan.data.source, getattr(plan.network, "dim", None)
    if (
        not (LEAST <= flop <= SOURCES.get(source, 0.0) and isinstance(dim, int) and plan.classes)
        or plan.data.conditioned
    ):
        return None
    measured = flat(configure(source, PRESET, steps=1, options=(*TRIALS, WEIGHT)))
    guide, usual = plan.training.guide, measured["training.guide"]
    others = any(measured.get(key, value) != value for key, value in flat(plan).items() if key not in FREE)
    if others or guide not in (0, usual) or plan.sampling.steps not in (STEPS, steps_after(plan.training.images)):
        return None
    distance = expected_distance(flop, dim) * (GUIDED if guide else 1)
    return Expected(distance, distance * exp(-2 * SPREAD), distance * exp(2 * SPREAD))
