"""Resuming a run: with the settings it was started with, or not at all."""

import warnings
from pathlib import Path

from nevoa.config import ON_DEVICE, Config
from nevoa.config.training import TrainingConfig
from nevoa.data import changed_files
from nevoa.errors import NevoaError
from nevoa.parallel.device import choose_device, devices
from nevoa.runs import Run
from nevoa.runs.checkpoint import checkpoints

# A resumed run keeps these from its start.
SETTLED = (
    *(*ON_DEVICE, "steps", "batch_size", "report_every_images"),
    *("preview_every_images", "preview_steps", "checkpoint_every_images"),
)
# Settled anew on another device.
BY_DEVICE = {"precision": "auto", "threads": None, "compile": None}


def resumed(config: Config, saved: Config, accept_changes: bool = False) -> Config:
    """`config`, with the open values that `saved` has settled.

    The budget may differ, the same images may lie elsewhere, and another device may compute, with a warning. A
    NevoaError lists everything else that differs, unless changes are accepted. Another batch size is always refused.
    """
    wanted, was = config.training, saved.training
    settled = {key: getattr(was, key) for key in SETTLED if getattr(wanted, key) in (None, "auto")}
    if budget_of(wanted) != budget_of(was):
        settled["steps"] = wanted.steps
    if wanted.device == "auto" and was.device not in ("auto", *devices()):
        settled["device"] = choose_device()
    if (device := settled.get("device", wanted.device)) != was.device:
        settled |= {key: value for key, value in BY_DEVICE.items() if getattr(wanted, key) == value}
        warnings.warn(
            f"The run was trained on {was.device} and continues on {device}: its results differ by rounding from those "
            f"of {was.device}, and its steps take another time.",
            stacklevel=2,
        )
    config = config.updated("training", **settled)
    if config.training.batch_size != was.batch_size:
        raise NevoaError(
            f"This run has batches of {was.batch_size} images and keeps them, because it counts steps: set "
            f"training.batch_size={was.batch_size}, or choose another --out."
        )
    if getattr(config.network, "dim", None) == "auto":
        config = config.updated("network", dim=getattr(saved.network, "dim", "auto"))
    if not accept_changes and saved.followed(config) != config:
        files = changed_files(saved.data.fingerprint, config.data.fingerprint)
        changes = saved.moved(config).changes(config)
        lines = "\n  ".join(["The run in this folder has other settings:", *changes, *filter(None, [files])])
        raise NevoaError(f"{lines}\nChoose another --out, or resume with the new settings: --accept-changes.")
    return config


def config_of(run: Run) -> Config | None:
    """The config of an existing run; None if the folder holds none."""
    return run.last_config() if run.exists or checkpoints(run.checkpoints) else None


def with_holdout_of(saved: Config | None, config: Config) -> Config:
    """The config, with as many images set aside as an existing run has, unless it names a number."""
    if saved is None or config.data.holdout != "auto":
        return config
    return config.updated("data", holdout=saved.data.holdout)


def with_start_of(saved: Config, config: Config) -> Config:
    """The config, with the model that a run with checkpoints started from, if nothing is left in its place."""
    before, now = saved.training.start, config.training.start
    if before is None or now in (None, before) or not (Path(before).is_absolute() and Path(now).is_absolute()):
        return config
    if Path(before).exists():
        return config
    warnings.warn(f"{before}, where this run started, is gone: it goes on from its own checkpoint.", stacklevel=2)
    return config.updated("training", start=before)


def budget_of(training: TrainingConfig) -> tuple[float | None, ...]:
    """The budget: minutes, epochs or steps. Epochs of more images are more steps, and so another budget."""
    return training.minutes, training.epochs, training.steps if training.minutes is None else None
