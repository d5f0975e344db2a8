"""Several trainings of one config with other seeds: how much their distances differ, and whether two configs do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np

from nevoa.config import ModelPlan, Plan
from nevoa.config.plan import INTERVALS
from nevoa.config.sections import flat
from nevoa.evaluation.intervals import Interval

# The quantiles of Student's t, by the degrees of freedom: half of the central 95 %, in standard errors.
QUANTILES = {
    1: 12.7062,
    1.2: 8.6488,
    1.5: 6.0167,
    2: 4.3027,
    2.5: 3.5747,
    3: 3.1824,
    4: 2.7764,
    5: 2.5706,
    7: 2.3646,
    10: 2.2281,
    20: 2.0860,
    inf: 1.9600,
}


@dataclass(frozen=True)
class Group:
    """Runs whose configs differ in the training's seed only, and their distances.

    Example:
        >>> Group(("a-0", "a-1"), (0.30, 0.34)).mean
        0.32
    """

    names: tuple[str, ...]
    distances: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean of the distances."""
        return float(np.mean(self.distances))

    @property
    def deviation(self) -> float | None:
        """Their standard deviation; None of one run."""
        return float(np.std(self.distances, ddof=1)) if len(self.distances) > 1 else None

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval of the mean by Student's t; None of one run."""
        count = len(self.distances)
        return None if self.deviation is None else _interval(self.mean, self.deviation / sqrt(count), count - 1)

    def minus(self, other: "Group") -> Interval | None:
        """The difference of the means and its 95 % interval by Welch's t.

        One run has no spread of its own: then it is that of the other group. None if both are one run.
        """
        counts, spreads = (len(self.names), len(other.names)), (self.deviation, other.deviation)
        known = [spread for spread in spreads if spread is not None]
        if not known:
            return None
        parts = [(known[0] if one is None else one) ** 2 / count for one, count in zip(spreads, counts, strict=True)]
        if len(known) == 1:
            freedom = max(counts) - 1.0
        else:
            weights = [part**2 / (count - 1) for part, count in zip(parts, counts, strict=True)]
            freedom = sum(parts) ** 2 / sum(weights) if sum(weights) else inf
        return _interval(self.mean - other.mean, sqrt(sum(parts)), freedom)


def groups(plans: Mapping[str, ModelPlan], distances: Mapping[str, float]) -> Sequence[Group]:
    """The runs by plan, in the order of the first of each. A seed that occurs twice counts once.

    Example:
        >>> [group.names for group in groups({"a": plan}, {"a": 0.3})]
        [('a',)]
    """
    found: dict[str, dict[int, str]] = {}
    for name, plan in plans.items():
        # If the training of a model is unknown, nobody can say that another was trained in the same way.
        recipe, seed = (_recipe(plan), plan.training.seed) if isinstance(plan, Plan) else (name, 0)
        found.setdefault(recipe, {}).setdefault(seed, name)
    return [Group(tuple(names.values()), tuple(distances[name] for name in names.values())) for names in found.values()]


def t_quantile(freedom: float) -> float:
    """Return the half-width of the central 95 % of Student's t distribution, in standard errors, within 0.4 %."""
    # Between two rows, the logarithm is almost linear in 1 / freedom.
    return float(np.exp(np.interp(-1 / freedom, [-1 / row for row in QUANTILES], np.log([*QUANTILES.values()]))))


def _interval(value: float, error: float, freedom: float) -> Interval:
    reach = t_quantile(freedom) * error
    return Interval(value, value - reach, value + reach)


def _recipe(plan: Plan) -> str:
    """The plan without the seed, and without what follows from the speed of the machine.

    That is how often a training reports, previews and saves, its threads, whether it compiles; and of a budget of
    minutes, how many images fitted into it. The same images may lie in different places. Other
    held-out images may have chosen the model.
    """
    timed = ("training.images",) if plan.training.minutes else ()
    sped = {*(f"training.{key}" for key in ("seed", "threads", "compile", "preview_steps")), *INTERVALS, *timed}
    return repr({key: value for key, value in flat(plan).items() if key not in {"data.source", "data.division", *sped}})
