"""Resuming a run: with the settings it was started with, or not at all."""

import re

from nevoa._util.device import devices
from nevoa.config import Config
from nevoa.errors import NevoaError

# A resumed run keeps these from its start.
SETTLED = (
    *("steps", "device", "precision", "threads", "compile"),
    *("preview_every_images", "preview_steps", "checkpoint_every_images"),
)
# Settled anew on another device.
BY_DEVICE = {"precision": "auto", "threads": None, "compile": None}

HASH = re.compile(r"[0-9a-f]{64}")


def resumed(config: Config, saved: Config, accept_changes: bool = False) -> Config:
    """`config`, with the open values that `saved` has settled.

    A NevoaError lists everything else that differs, data included, unless changes are accepted.
    """
    wanted, was = config.training, saved.training
    same_budget = (wanted.minutes, wanted.epochs) == (was.minutes, was.epochs)
    settled = {key: getattr(was, key) for key in SETTLED if getattr(wanted, key) in (None, "auto")}
    if not same_budget:
        settled["steps"] = wanted.steps
    if wanted.device not in ("auto", was.device):
        settled |= {key: value for key, value in BY_DEVICE.items() if getattr(wanted, key) == value}
    config = config.updated("training", **settled)
    if config != saved and not accept_changes:
        raise NevoaError(
            f"The run in this folder has other settings ({difference(saved, config)}). Choose another --out, or resume "
            "with the new settings: --accept-changes."
        )
    if config.training.device not in ("auto", *devices()):
        raise NevoaError(
            f"This run was trained on {config.training.device}, which this machine lacks. Resume it on the CPU with "
            "-o training.device=cpu --accept-changes; its results then differ by rounding."
        )
    return config


def difference(saved: Config, config: Config) -> str:
    """Keys and values in which two configs differ, in words."""
    before, after = (
        {f"{section}.{key}": value for section, table in each.model_dump().items() for key, value in table.items()}
        for each in (saved, config)
    )
    keys = [key for key in before | after if before.get(key) != after.get(key)]
    return ", ".join(f"{key}: run {_shown(before.get(key))}, now {_shown(after.get(key))}" for key in keys)


def _shown(value: object) -> str:
    """A value as a user types it; a hash by its beginning."""
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return "not set" if value is None else text[:8] if HASH.fullmatch(text) else text
