"""Where the time of a training goes, and where its horizon is: arithmetic on measured seconds."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nevoa.config.plan import TrainingPlan
from nevoa.runs.horizon import Horizon
from nevoa.runs.journal import Costs
from nevoa.training.guide import AFTER_IMAGES
from nevoa.training.state import TrainingState
from nevoa.training.step import passes

# Previews, and checkpoints, each take at most this share of a run's time unless the config says how often they come.
SHARE = 0.015
# As many are enough for any run, but one in ten minutes, so that a crash costs no more.
MOST_BETWEEN = 10
SECONDS_BETWEEN = 600
# Fewer steps than these show too little of what has been learned.
FEWEST_PREVIEW_STEPS = 10
REPORT_IMAGES, FEWEST_REPORTS = 2_000, 30


@dataclass
class Budget:
    """Moves the horizon of a training so that it ends within its minutes: the speed of a machine changes.

    Attributes:
        plan: of the training.
        costs: seconds of an image and of the rest, as they were measured; None keeps the horizon.
        started: `time.perf_counter()` at which this process began.
        before: seconds that earlier processes spent on the training.
        decided: horizons that the journal has, by the `images_seen` at which they begin: they are repeated, so that an
            interrupted training ends as it would have.
        last: the last decision of this process, or its beginning: work done, and the seconds that it took.
        clock: tells the seconds.
    """

    plan: TrainingPlan | None = None
    costs: Costs | None = None
    started: float = 0.0
    before: float = 0.0
    decided: Mapping[int, Horizon] = field(default_factory=dict[int, Horizon])
    last: tuple[float, float] = (0.0, 0.0)
    clock: Callable[[], float] = time.perf_counter

    @property
    def spent(self) -> float:
        """Seconds that the training has taken so far."""
        return self.before + self.clock() - self.started

    def horizon(self, state: TrainingState) -> Horizon:
        """Return where the training ends, decided again if that is due."""
        training = state.plan.training
        if training.patience and passes(state.images_seen, training.batch_size, training.report_every_images):
            # Process 0 alone measures held-out images, and may have begun the cool-down.
            state.horizon = state.group.broadcast(lambda: state.horizon)
        if self.costs is not None:
            state.spent = self.spent
        if state.images_seen in self.decided:
            self.last = state.work, state.seconds
            return self.decided[state.images_seen]
        horizon = state.horizon
        if self.costs is None or state.images_seen < horizon.next_decision(training.batch_size):
            return horizon
        images = state.group.broadcast(lambda: self.decide(state))
        if training.patience and horizon.cooling:  # the time that is left would only be for memorising
            images = min(images, horizon.images)
        return horizon.moved(state.images_seen, images, training.cooldown)

    def fitting(self, images_seen: int, image_seconds: float) -> int:
        """Return the images of the whole training if each after `images_seen` takes `image_seconds`."""
        assert self.plan is not None and self.costs is not None
        plan, costs = self.plan, scaled(self.costs.at(image_seconds), self.plan.preview_steps)
        beside = rare(plan.preview_every_images, plan.checkpoint_every_images, costs)
        left = 60 * (plan.minutes or 0) - self.spent
        return images_seen + images_within(costs, beside, left, plan.batch_size, plan.cooldown, images_seen)

    def decide(self, state: TrainingState) -> int:
        """Return the images of the whole training at the speed since the last decision.

        Those that are left are at most halved or doubled, so that a short stop of the machine ends no training.
        """
        assert self.costs is not None
        (last_work, last_seconds), self.last = self.last, (state.work, state.seconds)
        speed = (state.seconds - last_seconds) / (state.work - last_work) if state.work > last_work else None
        image_seconds = self.costs.image if speed is None else state.cost_ahead * speed
        seen, size = state.images_seen, state.plan.training.batch_size
        batches = math.ceil((state.horizon.images - seen) / size)
        return min(
            max(self.fitting(seen, image_seconds), seen + size * ((batches + 1) // 2)), seen + 2 * size * batches
        )


# The budget of a training whose horizon stays.
FIXED = Budget()


@dataclass(frozen=True)
class Rare:
    """The work of a training beside its steps: previews, or checkpoints.

    Attributes:
        seconds: that one takes.
        interval: images between two; None while only their number is decided.
        between: how many come before that at the end, while there is no interval.
    """

    seconds: float
    interval: int | None
    between: int = 0

    def every(self, images: int, batch_size: int) -> int:
        """Return the images between two, in a training of so many: whole batches."""
        return self.interval or batch_size * math.ceil(math.ceil(images / batch_size) / (self.between + 1))


def rare(previews: int | None, checkpoints: int | None, costs: Costs, seconds: float = 0.0) -> tuple[Rare, Rare]:
    """Return the previews and the checkpoints of a run: by interval, or as many as a small share of its time pays for.

    A preview takes the held-out loss with it, which does not make previews rarer: it chooses the model.

    Args:
        previews, checkpoints: images between two, if that is known.
        seconds: that the run takes.
    """
    found = (costs.preview, costs.held_out, previews), (costs.checkpoint, 0.0, checkpoints)
    first, second = (Rare(cost + after, every, 0 if every else _between(cost, seconds)) for cost, after, every in found)
    return first, second


def timetable(
    known: Mapping[str, int | None], costs: Costs, seconds: float, left: float, batch_size: int, cooldown: float
) -> dict[str, int]:
    """Return the horizon, and how often to preview and save, where that is not known yet.

    Args:
        known: keys of a TrainingPlan: images, preview_steps and the intervals.
        seconds: that the whole run takes.
        left: of them from now on.
    """
    steps = known["preview_steps"] or costs.preview_steps
    if known["preview_steps"] is None and known["preview_every_images"] is None:
        paid = int(SHARE * seconds / costs.preview * costs.preview_steps)
        steps = min(steps, max(paid, FEWEST_PREVIEW_STEPS))
    costs = scaled(costs, steps)
    previews, checkpoints = beside = rare(
        known["preview_every_images"], known["checkpoint_every_images"], costs, seconds
    )
    images = known["images"] or images_within(costs, beside, left, batch_size, cooldown)
    every = previews.every(images, batch_size)
    if known["images"] is None and previews.interval is None:
        # In whole batches the interval may leave out several previews and held-out losses: their time is for images.
        left -= costs.checkpoint * (cooldown < 1)
        most = every * (previews.between + 1)
        while (more := images + batch_size) <= most:
            intervals = every, checkpoints.every(more, batch_size)
            if _seconds(more, intervals, batch_size, costs) > left:
                break
            images = more
    found = {"preview_every_images": every, "checkpoint_every_images": checkpoints.every(images, batch_size)}
    return {"images": images, "preview_steps": steps, **found}


def images_within(
    costs: Costs, beside: Sequence[Rare], left: float, batch_size: int, cooldown: float, seen: int = 0
) -> int:
    """Return how many images fit into `left` seconds, with what comes beside them: whole batches, at least one.

    Args:
        seen: images that the training has seen before.
    """
    per_image = costs.image + sum(one.seconds / max(one.interval, batch_size) for one in beside if one.interval)
    # One checkpoint comes before the cool-down.
    once = costs.end + costs.checkpoint * (cooldown < 1) + sum(one.seconds * (1 + one.between) for one in beside)
    images, fewer = (
        batch_size * max(1, int((left - seconds) / per_image / batch_size)) for seconds in (once, once + costs.weight)
    )
    return images if seen + images < AFTER_IMAGES else fewer


def report_interval(images: int, batch_size: int) -> int:
    """Return the number of images between two reports: fewer in a short run, so that its loss curve has points."""
    return min(REPORT_IMAGES, batch_size * max(1, images // batch_size // FEWEST_REPORTS))


def total_seconds(plan: TrainingPlan, costs: Costs) -> float:
    """From the first step to the end."""
    intervals = plan.preview_every_images, plan.checkpoint_every_images
    return _seconds(plan.images, intervals, plan.batch_size, scaled(costs, plan.preview_steps))


def _seconds(images: int, intervals: tuple[int, int], batch_size: int, costs: Costs) -> float:
    """The same, by the images between two previews and between two checkpoints."""
    previews, checkpoints = (math.ceil(images / max(every, batch_size)) for every in intervals)  # one a step at most
    beside = previews * (costs.preview + costs.held_out) + checkpoints * costs.checkpoint
    return images * costs.image + beside + costs.end + costs.weight * (images >= AFTER_IMAGES)


def _between(cost: float, seconds: float) -> int:
    """How many of a thing fit into its share of a run, not counting that at the end."""
    most = max(MOST_BETWEEN, int(seconds / SECONDS_BETWEEN))
    return max(0, min(most, int((SHARE * seconds - cost) / cost)))


def scaled(costs: Costs, preview_steps: int) -> Costs:
    """Return the costs with previews in another number of steps."""
    return replace(costs, preview=costs.preview * preview_steps / costs.preview_steps, preview_steps=preview_steps)
