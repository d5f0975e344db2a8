"""How many steps fit into the minutes: decided again while training, because the pace of a machine changes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from nevoa.config import TrainingConfig
from nevoa.runs.decisions import Costs
from nevoa.training.budget import steps_within


@dataclass
class Pace:
    """Watches the pace of a training that has a budget of minutes.

    Attributes:
        training: its config.
        costs: seconds of a step and of the rest, as they were measured.
        started: `time.perf_counter()` at which this process began.
        before: seconds that earlier processes spent on the training.
        decided: numbers of steps that an interrupted process decided on, by the step after which it did: they are
            repeated, so that the training ends as it would have.
        last: the last decision of this process, or its beginning: work done, and the seconds that it took.
    """

    training: TrainingConfig
    costs: Costs
    started: float
    before: float = 0.0
    decided: Mapping[int, int] = field(default_factory=dict[int, int])
    last: tuple[float, float] = (0.0, 0.0)

    @property
    def spent(self) -> float:
        """Seconds that the training has taken so far."""
        return self.before + time.perf_counter() - self.started

    def fitting(self, step: int, step_seconds: float) -> int:
        """Return the number of steps of the whole training if those after `step` take `step_seconds` each."""
        left = 60 * (self.training.minutes or 0) - self.spent
        return step + steps_within(self.training, self.costs.at(step_seconds), left)

    def decide(self, step: int, work: float, seconds: float, planned: int, ahead: float = 1.0) -> int:
        """Return the number of steps at the pace since the last decision.

        The steps that are left are at most halved or doubled, so that a short stop of the machine ends no training.

        Args:
            step: steps done.
            work: what they cost, if a step costs 1 where nothing makes it dearer.
            seconds: that they took.
            planned: the number of steps until now.
            ahead: what the steps that are left cost on average.
        """
        (last_work, last_seconds), self.last = self.last, (work, seconds)
        if step in self.decided:
            return self.decided[step]
        pace = (seconds - last_seconds) / (work - last_work) if work > last_work else None
        left, step_seconds = planned - step, self.costs.step if pace is None else ahead * pace
        return min(max(self.fitting(step, step_seconds), step + (left + 1) // 2), step + 2 * left)
