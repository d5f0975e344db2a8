"""What a training's time is spent on: pure arithmetic on measured seconds."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from nevoa.config import TrainingConfig
from nevoa.runs.decisions import Costs

# Previews, and checkpoints, each take at most this share of a run's time unless the config says how often they come.
SHARE = 0.015
# As many are enough for any run, but one in ten minutes, so that a crash costs no more.
MOST_BETWEEN = 10
SECONDS_BETWEEN = 600
# Fewer steps than these show too little of what has been learned.
FEWEST_PREVIEW_STEPS = 10
CHUNKS, TURNS = 8, 4
REPORT_IMAGES, FEWEST_REPORTS = 2_000, 30


def steady_seconds(steps: Iterable[float], warm: float, at_least: float) -> float:
    """What a step takes on an idle machine: the fastest of eight chunks, by their means.

    Other work in these seconds would halve a plan. If it goes on, the training decides anew (`nevoa.training.pace`).

    Args:
        steps: seconds of one step after another, measured as they are asked for.
        warm: seconds of steps that are not counted, at least one step.
        at_least: seconds of steps that are, at least three.
    """
    source, counted = iter(steps), list[float]()
    passed = next(source)
    while passed < warm:
        passed += next(source)
    while len(counted) < 3 or sum(counted) < at_least:
        counted.append(next(source))
    size = math.ceil(len(counted) / CHUNKS)
    return min(fmean(counted[i : i + size]) for i in range(0, len(counted), size))


def in_turn(steps: Sequence[Iterator[float]], turn: float) -> list[float]:
    """What a step of each of several trainings takes on an idle machine: the fastest of a few turns, by their means.

    The trainings alternate, so that other work slows all of them alike. The first turn of each warms it up.

    Args:
        steps: of each training, seconds of one step after another, measured as they are asked for.
        turn: seconds of steps, at least one step.
    """
    turns = [[_mean_of_turn(stream, turn) for stream in steps] for _ in range(TURNS)]
    return [min(times) for times in zip(*turns[1:], strict=True)]


def _mean_of_turn(steps: Iterator[float], turn: float) -> float:
    passed = [next(steps)]
    while sum(passed) < turn:
        passed.append(next(steps))
    return fmean(passed)


def is_open(training: TrainingConfig) -> bool:
    """Whether `budgeted` would have anything to say: with all of it given, nothing need be measured."""
    return None in (training.steps, training.preview_every_images, training.checkpoint_every_images)


def budgeted(training: TrainingConfig, costs: Costs, seconds: float, left: float) -> dict[str, Any]:
    """What the config leaves open of steps, previews and checkpoints.

    Args:
        seconds: the whole run is to take.
        left: of them from now on.
    """
    costs, preview_steps = _affordable_preview(training, costs, seconds)
    previews, checkpoints = (_between(cost, seconds) for cost in (costs.preview, costs.checkpoint))
    steps = training.steps or steps_within(training, costs, left, previews, checkpoints)

    def every(count: int) -> int:
        return training.known_batch_size * math.ceil(steps / (count + 1))

    return {
        "steps": steps,
        "preview_steps": preview_steps,
        "preview_every_images": training.preview_every_images or every(previews),
        "checkpoint_every_images": training.checkpoint_every_images or every(checkpoints),
    }


def report_interval(training: TrainingConfig) -> int:
    """Images between two reports: fewer in a short run, so that its loss is a curve."""
    return min(REPORT_IMAGES, training.known_batch_size * max(1, (training.steps or 0) // FEWEST_REPORTS))


def total_seconds(training: TrainingConfig, costs: Costs) -> float:
    """From the first step to the end, of a config that leaves nothing open."""
    steps, batch = training.steps or 0, training.known_batch_size
    previews, checkpoints = (
        math.ceil(steps * batch / max(every, batch))  # at most one after a step
        for every in (training.preview_every_images or math.inf, training.checkpoint_every_images or math.inf)
    )
    preview = _scaled(costs, training.preview_steps or costs.preview_steps).preview
    return steps * costs.step + previews * preview + checkpoints * costs.checkpoint + costs.end


def steps_within(training: TrainingConfig, costs: Costs, left: float, previews: int = 0, checkpoints: int = 0) -> int:
    """How many steps fit into `left` seconds, one at least.

    Args:
        previews, checkpoints: how many come before the last ones, where the config leaves that open.
    """
    costs, batch = _scaled(costs, training.preview_steps or costs.preview_steps), training.known_batch_size
    # One checkpoint comes before the cool-down.
    once, per_step = costs.end + costs.checkpoint * (training.cooldown < 1), costs.step
    for cost, every, between in (
        (costs.preview, training.preview_every_images, previews),
        (costs.checkpoint, training.checkpoint_every_images, checkpoints),
    ):
        once += cost * (1 if every else 1 + between)
        per_step += cost * batch / max(every, batch) if every else 0.0
    return max(1, int((left - once) / per_step))


def _between(cost: float, seconds: float) -> int:
    """How many of a thing fit into its share of a run, not counting that at the end."""
    most = max(MOST_BETWEEN, int(seconds / SECONDS_BETWEEN))
    return max(0, min(most, int((SHARE * seconds - cost) / cost)))


def _affordable_preview(training: TrainingConfig, costs: Costs, seconds: float) -> tuple[Costs, int]:
    """The costs with previews of as many steps as their share pays for, and that number."""
    steps = training.preview_steps or costs.preview_steps
    if training.preview_steps is None and training.preview_every_images is None:
        paid = int(SHARE * seconds / costs.preview * costs.preview_steps)
        steps = min(steps, max(paid, FEWEST_PREVIEW_STEPS))
    return _scaled(costs, steps), steps


def _scaled(costs: Costs, preview_steps: int) -> Costs:
    return replace(costs, preview=costs.preview * preview_steps / costs.preview_steps, preview_steps=preview_steps)
