"""Presets, and how a preset, a config file and options become a config."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, SupportsFloat, SupportsIndex, TypedDict, Unpack, get_args

from nevoa._util.arguments import one_or_more, path_of
from nevoa._util.places import expanded
from nevoa.config import Config, DataConfig, parse
from nevoa.config.data import with_augment
from nevoa.config.names import DEFAULT_PRESET, BudgetName
from nevoa.config.options import DataOptions, given
from nevoa.config.registry import PRESETS
from nevoa.config.toml import read_toml, value_of
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    import torch

Tables = Mapping[str, Mapping[str, Any]]
Preset = dict[str, dict[str, Any]]

# Networks whose keys are not given have the defaults of their config class.
# The teaching notebook, unchanged.
CLASSIC: Preset = {
    "data": {"source": "fashion_mnist", "augment": "flip", "holdout": "auto"},
    "diffusion": {"schedule": "linear", "timesteps": 1000, "prediction": "epsilon"},
    "network": {"kind": "unet"},
    "training": {"epochs": 10, "batch_size": 128, "loss": "huber", "optimizer": "adam", "learning_rate": 1e-3},
    "sampling": {"sampler": "ddpm", "clip": False},
}
# The best images in a few minutes on two CPU cores: docs/experiments.md and docs/scaling-laws.md record the choice.
QUICK: Preset = {
    "data": {"source": "fashion_mnist_10k", "holdout": "auto"},
    "diffusion": {"schedule": "cosine", "timesteps": 1000, "prediction": "auto"},
    "network": {
        "kind": "residual",
        "dim": "auto",
        "multipliers": "auto",
        "blocks": 1,
        "attention": "auto",
        "patch": "auto",
        "groups": 1,
        "adaptive": True,
    },
    "training": {
        "minutes": 5,
        "batch_size": "auto",
        "loss": "l2",
        "weighting": "auto",
        "timestep_distribution": "auto",
        "condition": "auto",
        "optimizer": "muon",
        "learning_rate": 1e-3,
        "learning_rate_decay": "linear",
        "cooldown": 0.5,
        "weight_decay": 0.01,
        "warmup_images": 2_000,
        "gradient_clip": 1.0,
        "ema_decay": 0.9995,
        "guide": 0.2,
    },
    "sampling": {"sampler": "dpm_solver", "steps": "auto", "spacing": "shifted"},
}
# Ho et al. 2020, appendix B: 800,000 steps on a GPU.
DDPM_CIFAR10: Preset = {
    "data": {"source": "cifar10", "holdout": "auto"},
    "diffusion": {"schedule": "linear", "timesteps": 1000, "prediction": "epsilon"},
    "network": {"kind": "residual", "dropout": 0.1},
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
}
# As quick, on colour photographs: docs/experiments.md records the choice. Few images start from a model that comes with
# nevoa, by the same recipe: that of --from has a distance of 1.26 in place of 0.67 (500 drawings of people).
PHOTOS: Preset = QUICK | {
    "data": {"size": 64, "channels": 3, "holdout": "auto"},
    "training": QUICK["training"] | {"start": "auto", "minutes": 30},
    "sampling": QUICK["sampling"] | {"steps": 7},
}


class BudgetOptions(TypedDict, total=False):
    """How long to train: at most one of these; None means not given."""

    minutes: SupportsFloat | None
    epochs: SupportsFloat | None
    steps: SupportsIndex | None


class TrainingOptions(DataOptions, BudgetOptions, total=False):
    """Keyword options, with those of `nevoa.config.options.DataOptions`; None means not given.

    Attributes:
        minutes, epochs, steps: the budget; at most one.
        patience: after so many measurements of the held-out loss without a new lowest one the cool-down begins.
        seed: of every random choice.
        lora: rank of adapters that are trained in place of the weights of the model to start from.
        device: cpu, cuda, mps or auto.
        condition: the kinds of condition that the network learns, such as class or text; none for none.
        augment: what to do to images at random: auto, none, strong, a chance, or names such as flip and shift.
        balance: whether to draw each class as often as the others, whatever its number of images.
    """

    patience: SupportsIndex | None
    seed: SupportsIndex | None
    lora: SupportsIndex | None
    device: "str | torch.device | None"
    condition: str | Sequence[str] | None
    augment: str | SupportsFloat | Sequence[str] | Mapping[str, float] | None
    balance: bool | None


def configure(
    source: str | os.PathLike[str] | None = None,
    preset: str | None = None,
    *,
    config: str | os.PathLike[str] | None = None,
    start: Tables | None = None,
    options: str | Sequence[str] = (),
    **keywords: Unpack[TrainingOptions],
) -> Config:
    """Return a config: the preset, then `start` and `options` over it, then the keywords over all.

    A budget (`minutes`, `epochs` or `steps`) replaces one of a lower layer.

    Args:
        source: a file, a folder, or the name of a data set; that of `start` or, without it, of the preset if None. A
            `Path` is never such a name.
        preset: quick, photos, classic, ddpm-cifar10 or one that a plugin registers; `quick` if None.
        config: a config.toml to start from in place of a preset, such as that of a run.
        start: what a model to start from decides: `nevoa.training.starting_from(model)`.
        options: "section.key=value", as on the command line.

    Raises:
        NevoaError: a name or value is unknown, out of range or given twice, or no budget is given.

    Example:
        >>> config = configure("photos/", "classic", epochs=2, options=["training.batch_size=64"])
    """
    if config is not None and preset is not None:
        raise NevoaError("Give a preset or a config, not both.")
    name = PRESETS.checked(DEFAULT_PRESET if preset is None else preset)
    named, set_by_key = _named(source, keywords), parse_overrides(one_or_more(options))
    if config is not None:
        base, unset = read_toml(path_of("config", config), Config).model_dump(), {}
    else:
        base = PRESETS[name]
        _check_has_images(name, merged({} if start else base, start or {}, set_by_key, named), bool(start))
        above = merged({}, set_by_key, named)
        own, chosen = base.get("data", {}).get("source"), above.get("data", {}).get("source")
        # Whether other images than the preset's look like themselves when they are mirrored is not known.
        unset = {"data": {"augment": "auto"}} if own and chosen and not str(chosen).startswith(own) else {}
    result = parse(merged(base, unset, start or {}, set_by_key, named))
    if not (result.training.minutes or result.training.epochs or result.training.steps):
        raise NevoaError("Choose how long to train: minutes, epochs or steps.")
    return result


def with_budget(config: Config, budget: Mapping[str, Any]) -> Config:
    """Return the config with another budget, such as `{"minutes": 10}`, counted from the beginning of the run."""
    if not budget:
        return config
    return parse(merged(config.model_dump(), {"training": {"steps": None}}, {"training": budget}))


def parse_overrides(assignments: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Parse `["training.batch_size=64"]` to `{"training": {"batch_size": 64}}`. A value that is not TOML is text."""
    if not isinstance(assignments, list | tuple) or not all(isinstance(one, str) for one in assignments):
        raise NevoaError(f"options must be a list of texts such as 'training.batch_size=64', not {assignments!r:.60}.")
    tables: dict[str, dict[str, Any]] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        section, dot, name = key.strip().partition(".")
        if not (equals and dot and name):
            raise NevoaError(f"The option '{assignment}' is not of the form section.key=value, as in training.loss=l2.")
        tables.setdefault(section, {})[name] = value_of(text.strip())
    return tables


def _as_now(section: str, table: Mapping[str, Any]) -> dict[str, Any]:
    return with_augment(table) if section == "data" else dict(table)


def merged(base: Tables, *layers: Tables) -> dict[str, dict[str, Any]]:
    """Lay two-level tables over `base`; later layers win.

    A network of another kind replaces the table below it; a budget replaces every budget below it.
    """
    result = {section: _as_now(section, table) for section, table in base.items()}
    budgets = set(get_args(BudgetName))
    for layer in layers:
        for section, own in layer.items():
            table = _as_now(section, own)
            below = result.get(section, {})
            kind = below.get("kind", "unet" if section == "network" else None)
            if table.get("kind", kind) != kind:
                below = {}
            if chosen := budgets & table.keys():
                if len(chosen) > 1:
                    raise NevoaError(f"Give one of minutes, epochs and steps, not {' and '.join(sorted(chosen))}.")
                below = {key: value for key, value in below.items() if key not in budgets}
            result[section] = {**below, **table}
    return result


def _named(source: str | os.PathLike[str] | None, keywords: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the source and the keywords as tables."""
    tables: dict[str, dict[str, Any]] = {"data": {}, "training": {}}
    if source is not None:
        # The absolute path, because a relative one may be the name of a data set.
        text = source if isinstance(source, str) else str(expanded(path_of("The source", source)).absolute())
        tables["data"]["source"] = text
    for key, value in given(configure, keywords, TrainingOptions).items():
        tables["data" if key in DataConfig.model_fields else "training"][key] = value
    return tables


def _check_has_images(name: str, tables: Tables, starts: bool) -> None:
    """A NevoaError if nothing names the images. Those of the preset are not for a model that is trained further."""
    if "source" in tables.get("data", {}):
        return
    if starts:
        raise NevoaError("Name the images to train the model on: nevoa train SOURCE --from MODEL.")
    raise NevoaError(f"The preset {name} has no images of its own. Give some: nevoa train FOLDER --preset {name}.")
