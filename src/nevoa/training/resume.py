"""A run that is gone on with: as it was begun, or not at all."""

import re

from nevoa.config import Config
from nevoa.errors import NevoaError

# What a run keeps from its start when it is gone on with.
RESOLVED = (
    *("steps", "device", "precision", "threads", "compile"),
    *("preview_every_images", "preview_steps", "checkpoint_every_images"),
)

SUM = re.compile(r"[0-9a-f]{64}")


def continued(config: Config, saved: Config, accept_changes: bool = False) -> Config:
    """`config` with what only `saved` has resolved.

    A NevoaError names everything else that differs, data included, unless changes are accepted.
    """
    wish, was = config.training, saved.training
    same_budget = (wish.minutes, wish.epochs) == (was.minutes, was.epochs)
    resolved = {key: getattr(was, key) for key in RESOLVED if getattr(wish, key) in (None, "auto")}
    if not same_budget:
        resolved["steps"] = wish.steps
    config = config.model_copy(update={"training": wish.model_copy(update=resolved)})
    if config != saved and not accept_changes:
        raise NevoaError(
            f"This folder holds a run with other settings ({difference(saved, config)}). Choose another --out, or go "
            "on with these all the same: --accept-changes."
        )
    return config


def difference(saved: Config, config: Config) -> str:
    """Keys and values in which two configs differ, in words."""
    before, after = (
        {f"{section}.{key}": value for section, table in each.model_dump().items() for key, value in table.items()}
        for each in (saved, config)
    )
    keys = [key for key in before | after if before.get(key) != after.get(key)]
    return ", ".join(f"{key}: {_shown(before.get(key))} there, {_shown(after.get(key))} here" for key in keys)


def _shown(value: object) -> str:
    """As a user types it; of the sum of all images the beginning."""
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return "nothing" if value is None else text[:8] if SUM.fullmatch(text) else text
