"""Named starting points: tables laid over the config's defaults."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

from nevoa.config import Config, DataConfig, merged, parse, parse_overrides
from nevoa.errors import NevoaError, unknown

DEFAULT_PRESET = "quick"

PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    # The teaching notebook, as it was.
    "classic": {
        "data": {"source": "fashion_mnist", "flip": True},
        "diffusion": {"schedule": "linear", "timesteps": 1000, "prediction": "epsilon"},
        "network": {"kind": "unet", "dim": 28, "multipliers": (1, 2, 4), "block": "convnext", "mult": 2},
        "training": {
            "epochs": 10,
            "batch_size": 128,
            "loss": "huber",
            "optimizer": "adam",
            "learning_rate": 1e-3,
        },
        "sampling": {"sampler": "ddpm", "clip": False},
    },
    # The best images in a few minutes on two CPU cores; how it was chosen is in docs/experiments.md.
    "quick": {
        "data": {"source": "fashion_mnist_10k"},
        "diffusion": {"schedule": "cosine", "timesteps": 1000, "prediction": "v"},
        "network": {
            "kind": "residual",
            "dim": 64,
            "multipliers": (1, 2),
            "blocks": 1,
            "attention": (False, False),
            "patch": 2,
            "groups": 1,
            "adaptive": True,
        },
        "training": {
            "minutes": 5,
            "batch_size": 64,
            "loss": "l2",
            "conditional": "auto",
            "optimizer": "muon",
            "learning_rate": 2e-3,
            "learning_rate_decay": "linear",
            "weight_decay": 0.01,
            "warmup_images": 2_000,
            "gradient_clip": 1.0,
            "ema_decay": 0.9995,
        },
        "sampling": {"sampler": "dpm_solver", "steps": 7, "spacing": "karras"},
    },
    # Ho et al. 2020, appendix B: 800,000 steps on a GPU.
    "ddpm-cifar10": {
        "data": {"source": "cifar10"},
        "diffusion": {"schedule": "linear", "timesteps": 1000, "prediction": "epsilon"},
        "network": {
            "kind": "residual",
            "dim": 128,
            "multipliers": (1, 2, 2, 2),
            "blocks": 2,
            "attention": (False, True, False, False),
            "dropout": 0.1,
        },
        "training": {
            "steps": 800_000,
            "batch_size": 128,
            "loss": "l2",
            "optimizer": "adam",
            "learning_rate": 2e-4,
            "warmup_images": 640_000,
            "gradient_clip": 1.0,
            "ema_decay": 0.9999,
            "report_every_images": 50_000,
        },
        "sampling": {"sampler": "ddpm", "variance": "large"},
    },
}

# As quick, by flow matching.
PRESETS["flow"] = merged(PRESETS["quick"], {"diffusion": {"schedule": "flow", "prediction": "flow"}})


class TrainingOptions(TypedDict, total=False):
    """What is said by name of a training; None is as good as nothing.

    Attributes:
        minutes, epochs, steps: the budget; at most one.
        seed: decides everything random.
        conditional: whether the network is told the classes.
        split, only, limit, size, channels, background, flip, strict: as `nevoa.config.DataConfig` has them.
    """

    minutes: float | None
    epochs: float | None
    steps: int | None
    seed: int | None
    conditional: bool | None
    split: str | None
    only: Sequence[str | int] | None
    limit: int | None
    size: int | str | tuple[int, int] | None
    channels: int | None
    background: str | None
    flip: bool | None
    strict: bool | None


def configure(
    source: str | None = None,
    preset: str = DEFAULT_PRESET,
    *,
    options: Sequence[str] = (),
    **wishes: Unpack[TrainingOptions],
) -> Config:
    """A config: the preset, over it `options` ("section.key=value"), over them what is given by name.

    Budgets (`minutes`, `epochs`, `steps`) replace each other; at most one is given.
    """
    if preset not in PRESETS:
        raise unknown("preset", preset, PRESETS)
    named: dict[str, dict[str, Any]] = {"data": {"source": source} if source is not None else {}, "training": {}}
    for key, value in wishes.items():
        if key not in TrainingOptions.__annotations__:
            raise unknown("setting", key, TrainingOptions.__annotations__)
        if value is not None:
            named["data" if key in DataConfig.model_fields else "training"][key] = value
    set_by_key = parse_overrides(options)
    tables = _fitting(PRESETS[preset], set_by_key)
    if source and not source.startswith(tables["data"]["source"]):
        # Whether to mirror was said of the preset's own images.
        tables = tables | {"data": {key: value for key, value in tables["data"].items() if key != "flip"}}
    config = parse(merged(tables, set_by_key, named))
    if not (config.training.minutes or config.training.epochs or config.training.steps):
        raise NevoaError("Say how long to train: --minutes, --epochs or --steps.")
    return config


def _fitting(tables: dict[str, dict[str, Any]], wishes: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A preset whose sampling takes no more steps than the timesteps that are wished for."""
    timesteps, steps = wishes.get("diffusion", {}).get("timesteps"), tables["sampling"].get("steps")
    if not (isinstance(timesteps, int) and steps and timesteps < steps):
        return tables
    return merged(tables, {"sampling": {"steps": None}})
