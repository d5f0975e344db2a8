"""The course of a training: how many steps it takes, and how the learning rate falls at the end.

The number of steps may be decided again while training. The learning rate then stays continuous.
"""

import math
from dataclasses import dataclass

from nevoa.config import TrainingConfig

# The next decision comes after a sixteenth of the steps that are left: far apart at first, close together at the end.
# After an eighth, a machine that turned seven times slower soon after the start took 5 minutes to 6:30 (simulated).
NEXT = 16


@dataclass(frozen=True)
class Course:
    """The number of steps of a training, and the decision that it results from.

    Attributes:
        steps: of the whole training.
        since: the step after which it was decided.
        cooled: the share of the cool-down that had passed by then.
        at_once: whether the cool-down goes on from there, however long it is, and whatever the config says.
    """

    steps: int
    since: int = 0
    cooled: float = 0.0
    at_once: bool = False  # older checkpoints lack it

    def decided(self, step: int, steps: int, cooldown: float) -> "Course":
        """Return the course with another number of steps, decided after `step`."""
        return Course(steps, step, self.cooled_at(step, cooldown), self.at_once)

    @property
    def next_decision(self) -> int:
        """The step after which the number of steps is decided again."""
        return self.since + max(1, (self.steps - self.since) // NEXT)

    def cooled_at(self, step: int, cooldown: float) -> float:
        """Return the share of the cool-down that has passed after `step`.

        Args:
            cooldown: the share of the steps, at their end, in which the learning rate decays.
        """
        begin = self._cools_from(cooldown)
        passed = 0.0 if step <= begin else min(1.0, (step - begin) / (self.steps - begin))
        return self.cooled + (1 - self.cooled) * passed

    def share_left(self, step: int, cooldown: float, cooled: float) -> float:
        """Return the share of the steps after `step` that begin when `cooled` of the cool-down has passed."""
        if step >= self.steps:
            return 0.0
        if self.cooled >= cooled:
            return 1.0
        begin = self._cools_from(cooldown)
        reached = begin + (self.steps - begin) * (cooled - self.cooled) / (1 - self.cooled)
        return (self.steps - max(step, reached)) / (self.steps - step)

    def _cools_from(self, cooldown: float) -> float:
        return self.since if self.at_once else max(self.since, (1 - cooldown) * self.steps)


def learning_rate_at(step: int, course: Course, config: TrainingConfig) -> float:
    """Return the learning rate of `step`, from 1: linear warm-up, then constant, then decay in the cool-down.

    It would be 0 just before the first step and just after the last, so that both learn something. A cool-down of less
    than the whole training lets the same steps begin a longer one (Hägele et al. 2024, section 3).
    """
    seen = step * config.known_batch_size
    warmup = min(1.0, seen / config.warmup_images) if config.warmup_images else 1.0
    cooled = course.cooled_at(step - 1, config.cooldown)
    kind = "linear" if course.at_once and config.learning_rate_decay == "none" else config.learning_rate_decay
    decay = {"none": 1.0, "linear": 1 - cooled, "cosine": (1 + math.cos(math.pi * cooled)) / 2}
    return config.learning_rate * warmup * decay[kind]
