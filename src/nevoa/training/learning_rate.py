"""The learning rate: warm-up, constant, and a cool-down before the horizon."""

import math

from nevoa.config.plan import TrainingPlan
from nevoa.runs.horizon import Horizon


def learning_rate_at(images_seen: int, horizon: Horizon, plan: TrainingPlan) -> float:
    """Return the learning rate of the batch after `images_seen`: linear warm-up, then constant, then decay.

    It would be 0 just before the first batch and just after the last, so that both teach something. A cool-down of less
    than the whole training lets the same batches begin a longer one (Hägele et al. 2024, section 3).
    """
    seen = images_seen + plan.batch_size
    warmup = min(1.0, seen / plan.warmup_images) if plan.warmup_images else 1.0
    cooled = horizon.cooled_at(images_seen, plan.cooldown)
    kind = "linear" if horizon.cooling and plan.learning_rate_decay == "none" else plan.learning_rate_decay
    decay = {"none": 1.0, "linear": 1 - cooled, "cosine": (1 + math.cos(math.pi * cooled)) / 2}
    return plan.learning_rate * warmup * decay[kind]
