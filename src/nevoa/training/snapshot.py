"""The content of a checkpoint: a TrainingState to files and back."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError
from torch import nn

from nevoa._util.files import read_json
from nevoa._util.tensors import check_shapes, packed, read_tensors
from nevoa.config import Config
from nevoa.config.toml import to_toml
from nevoa.errors import NevoaError
from nevoa.runs import checkpoint
from nevoa.runs.manifest import CONFIG, EMA, MODEL, OPTIMIZER, SECOND, STATE, TEACHER
from nevoa.training.course import Course
from nevoa.training.optimizer import kept_by
from nevoa.training.state import Mean, RecentMean, TrainingState
from nevoa.version import __version__

FORMAT = 2


class SavedProgress(BaseModel):
    """The content of state.json: how far a training has come, and which training it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: int
    nevoa: str
    torch: str
    config_sha256: str | None = None  # in checkpoints that hold no config
    step: NonNegativeInt
    images_seen: NonNegativeInt
    updates: NonNegativeInt
    matched: NonNegativeInt = 0  # older checkpoints lack it
    not_finite: NonNegativeInt
    seconds: float
    spent: float = 0.0  # older checkpoints lack these three
    course: Course | None = None
    cooled: float = 1.0
    report_seconds: float
    report_loss: Mean
    report_levels: dict[str, Mean] = {}  # older checkpoints have none
    epoch_loss: Mean
    recent_loss: RecentMean
    scaler: dict[str, float | int]


COUNTERS = ("step", "images_seen", "updates", "matched", "not_finite", "seconds", "spent", "report_seconds")
MEANS = ("report_loss", "epoch_loss", "recent_loss")


def restore(state: TrainingState, path: Path, *, accept_changes: bool = False) -> None:
    """Load a checkpoint into a fresh state, completely or not at all.

    A NevoaError says what is missing or does not fit the state's network, optimizer, config or version of torch.

    Args:
        accept_changes: resume although the config or the major version of torch differs.
    """
    progress = read_progress(path / STATE)
    if not accept_changes:
        _check_same(progress, state.config, path)
    for name, wanted in _shapes(state, progress).items():
        check_shapes(path / name, wanted, "this network and optimizer")
    tables = {name: read_tensors(path / name) for name in _tables(state)}
    try:
        state.scaler.load_state_dict(progress.scaler)
    except (KeyError, RuntimeError) as error:
        raise NevoaError(f"{path / STATE} lacks the scale of {state.config.training.precision}: {error}.") from error
    state.network.load_state_dict(tables[MODEL])
    for name, network in _others(state).items():
        network.load_state_dict(tables[name])
    _load_optimizers(state, tables[OPTIMIZER])
    for name in (*COUNTERS, *MEANS, "report_levels"):
        setattr(state, name, getattr(progress, name))
    state.spent = state.spent or state.seconds  # older checkpoints of runs without minutes have 0
    state.course = progress.course or state.course


def read_progress(path: Path) -> SavedProgress:
    """Read the state.json of a checkpoint. A NevoaError if it is damaged."""
    values = read_json(path)
    if values.get("format") != FORMAT:
        raise NevoaError(f"{path} has format {values.get('format')}, but this version of nevoa reads format {FORMAT}.")
    try:
        return SavedProgress.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise NevoaError(f"{path} is damaged: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from error


def save_checkpoint(state: TrainingState, folder: Path, resumed_from: Path | None = None) -> Path:
    """Save a state as a checkpoint in `folder`; see `nevoa.runs.checkpoint.save`."""
    return checkpoint.save(folder, state.images_seen, contents(state), resumed_from)


def contents(state: TrainingState) -> dict[str, bytes]:
    """The files of a checkpoint by name, without the manifest."""
    files = {name: packed(tensors.items()) for name, tensors in _tables(state).items()}
    progress: dict[str, Any] = {"format": FORMAT, "nevoa": __version__, "torch": torch.__version__}
    progress |= {"scaler": state.scaler.state_dict(), "course": asdict(state.course), "cooled": state.cooled()}
    progress |= {name: getattr(state, name) for name in COUNTERS}
    progress |= {name: asdict(getattr(state, name)) for name in MEANS}
    progress["report_levels"] = {level: asdict(mean) for level, mean in state.report_levels.items()}
    return files | {CONFIG: to_toml(state.config).encode(), STATE: json.dumps(progress, indent=2).encode()}


def optimizer_tensors(state: TrainingState) -> Iterator[tuple[str, torch.Tensor]]:
    """The optimizers' tensors (moments, step) of each parameter, named "parameter/key"."""
    names: dict[torch.Tensor, str] = {parameter: name for name, parameter in _parameters(state)}
    for optimizer in state.optimizers:
        for parameter, kept in optimizer.state.items():
            for key, tensor in kept.items():
                yield f"{names[parameter]}/{key}", tensor


def _tables(state: TrainingState) -> dict[str, dict[str, torch.Tensor]]:
    tables = {MODEL: state.network.state_dict(), OPTIMIZER: dict(optimizer_tensors(state))}
    return tables | {name: network.state_dict() for name, network in _others(state).items()}


def _others(state: TrainingState) -> dict[str, nn.Module]:
    """The networks beside the one that is trained."""
    average = None if state.average is state.network else state.average
    others = {EMA: average, TEACHER: state.teacher, SECOND: state.second}
    return {name: network for name, network in others.items() if network is not None}


def _parameters(state: TrainingState) -> Iterator[tuple[str, nn.Parameter]]:
    """Everything that an optimizer changes, with names that differ."""
    named = list(state.network.named_parameters())
    if state.second is not None:
        named += [(f"second/{name}", parameter) for name, parameter in state.second.named_parameters()]
    return ((name, parameter) for name, parameter in named if parameter.requires_grad)


def _homes(state: TrainingState) -> dict[nn.Parameter, torch.optim.Optimizer]:
    """The optimizer of each parameter."""
    return {p: optimizer for optimizer in state.optimizers for group in optimizer.param_groups for p in group["params"]}


def _shapes(state: TrainingState, progress: SavedProgress) -> dict[str, dict[str, torch.Size]]:
    """Names and shapes of all tensors that such a checkpoint has to hold."""
    shapes = {name: {key: tensor.shape for key, tensor in table.items()} for name, table in _tables(state).items()}
    homes, second = _homes(state), set(state.second.parameters() if state.second is not None else ())
    shapes[OPTIMIZER] = {
        f"{name}/{key}": parameter.shape if alike else torch.Size()
        for name, parameter in _parameters(state)
        if (progress.matched if parameter in second else progress.updates)
        for key, alike in kept_by(type(homes[parameter])).items()
    }
    return shapes


def _check_same(progress: SavedProgress, config: Config, path: Path) -> None:
    here, there = (version.partition(".")[0] for version in (torch.__version__, progress.torch))
    if here != there:
        raise NevoaError(
            f"{path} was made with torch {progress.torch}, but this is {torch.__version__}: the rest of the run "
            "would differ. Install that version, or resume anyway with --accept-changes."
        )
    saved = checkpoint.config_of(path)
    same = saved.followed(config) == config if saved else progress.config_sha256 == _sha256(config)
    if not same:
        raise NevoaError(
            f"{path} was made with another config than this run's. Choose another --out, or resume anyway with "
            "--accept-changes."
        )


def _sha256(config: Config) -> str:
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()


def _load_optimizers(state: TrainingState, tensors: dict[str, torch.Tensor]) -> None:
    homes, parameters = _homes(state), dict(_parameters(state))
    for name, tensor in tensors.items():
        parameter_name, _, key = name.rpartition("/")
        parameter = parameters[parameter_name]
        # Moments have the memory layout of their parameter; a step is a number.
        value = tensor.to(state.device) if tensor.ndim == 0 else torch.empty_like(parameter).copy_(tensor)
        homes[parameter].state[parameter][key] = value
