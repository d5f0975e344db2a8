"""The content of a checkpoint: a TrainingState to files and back."""

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
from nevoa._util.versions import check_format, check_known
from nevoa.config import Plan, changes
from nevoa.config.plan import difference
from nevoa.config.toml import read_toml, to_toml
from nevoa.errors import NevoaError
from nevoa.networks.adapters import Adapted
from nevoa.runs import checkpoint
from nevoa.runs.horizon import Horizon
from nevoa.runs.manifest import BEST, EMA, GUIDE, MODEL, OPTIMIZER, PLAN, STATE
from nevoa.training.best import Best
from nevoa.training.optimizer import kept_by
from nevoa.training.state import Mean, RecentMean, TrainingState
from nevoa.version import __version__

FORMAT = 3


class SavedBest(BaseModel):
    """The part of state.json about the model of the lowest held-out loss."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    loss: float
    images_seen: NonNegativeInt
    worse: NonNegativeInt
    measured_on: str = ""


class SavedProgress(BaseModel):
    """The content of state.json: how far a training has come, and which training it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: int
    nevoa: str
    torch: str
    images_seen: NonNegativeInt
    horizon: Horizon
    updates: dict[str, NonNegativeInt]
    not_finite: NonNegativeInt
    work: float
    seconds: float
    spent: float
    autoguidance: float | None = None
    guide_seen: NonNegativeInt = 0
    start: str | None = None
    best: SavedBest | None = None
    cooled: float
    report_seconds: float
    report_loss: Mean
    report_levels: dict[str, Mean]
    epoch_loss: Mean
    recent_loss: RecentMean
    scaler: dict[str, float | int]


COUNTERS = (
    *("images_seen", "updates", "not_finite", "work", "seconds", "spent", "report_seconds"),
    *("autoguidance", "guide_seen"),
)
MEANS = ("report_loss", "epoch_loss", "recent_loss")
# What the held-out loss depends on besides the network: with others, losses cannot be compared.
MEASURED = {"data.fingerprint", "data.holdout", "training.loss", "training.weighting"}


def restore(state: TrainingState, path: Path, *, accept_changes: bool = False) -> None:
    """Load a checkpoint into a fresh state, completely or not at all.

    A NevoaError says what is missing or does not fit the state's network, optimizer, plan or version of torch.

    Args:
        accept_changes: resume although the plan or the major version of torch differs.
    """
    progress = read_progress(path)
    if not accept_changes:
        _check_same(progress, state.plan, path)
    if progress.start != start_of(state):
        raise NevoaError(
            f"The model of {state.plan.training.start} has changed since adapters were trained beside its weights: put "
            "it back, or choose another --out."
        )
    if (path / GUIDE).is_file():
        state.guide = state.frozen_average()
    if progress.best is not None:
        state.best = Best(state.frozen_average(), **progress.best.model_dump())
    for name, wanted in _shapes(state, progress).items():
        check_shapes(path / name, wanted, "this network and optimizer")
    tables = {name: read_tensors(path / name) for name in _tables(state)}
    try:
        state.scaler.load_state_dict(progress.scaler)
    except (KeyError, RuntimeError) as error:
        raise NevoaError(f"{path / STATE} lacks the scale of {state.plan.training.precision}: {error}.") from error
    state.network.load_state_dict(tables[MODEL])
    for name, network in _others(state).items():
        network.load_state_dict(tables[name])
    _load_optimizers(state, tables[OPTIMIZER])
    for name in (*COUNTERS, *MEANS, "report_levels", "horizon"):
        setattr(state, name, getattr(progress, name))
    if accept_changes and MEASURED & changes(read_toml(path / PLAN, Plan), state.plan).keys():
        state.best = None


def read_progress(folder: Path) -> SavedProgress:
    """Read the state.json of a checkpoint. A NevoaError if it is damaged."""
    path = folder / STATE
    values = read_json(path)
    check_format(path, values.get("format"), FORMAT)
    try:
        return SavedProgress.model_validate(values)
    except ValidationError as error:
        check_known(path, error.errors())
        first = error.errors()[0]
        raise NevoaError(f"{path} is damaged: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from error


def save_checkpoint(state: TrainingState, folder: Path, resumed_from: Path | None = None) -> Path:
    """Save a state as a checkpoint in `folder`; see `nevoa.runs.checkpoint.save`."""
    return checkpoint.save(folder, state.images_seen, contents(state), resumed_from)


def contents(state: TrainingState) -> dict[str, bytes]:
    """The files of a checkpoint by name, without the manifest."""
    files = {name: packed(tensors.items()) for name, tensors in _tables(state).items()}
    progress: dict[str, Any] = {"format": FORMAT, "nevoa": __version__, "torch": torch.__version__}
    progress |= {"scaler": state.scaler.state_dict(), "horizon": asdict(state.horizon), "cooled": state.cooled}
    progress |= {name: getattr(state, name) for name in COUNTERS}
    progress |= {name: asdict(getattr(state, name)) for name in MEANS}
    progress |= {"start": start_of(state)}
    if state.best is not None:
        progress["best"] = {name: getattr(state.best, name) for name in SavedBest.model_fields}
    progress["report_levels"] = {level: asdict(mean) for level, mean in state.report_levels.items()}
    return files | {PLAN: to_toml(state.plan).encode(), STATE: json.dumps(progress, indent=2).encode()}


def start_of(state: TrainingState) -> str | None:
    """The sha256 of weights that stay, and that a checkpoint of adapters does not hold; None if all are trained."""
    return state.network.start if isinstance(state.network, Adapted) else None


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
    beside = {f"{name}.safetensors": network for name, network in state.beside.items()}
    others = {EMA: average, GUIDE: state.guide, BEST: state.best and state.best.network}
    return beside | {name: network for name, network in others.items() if network is not None}


def _parameters(state: TrainingState) -> Iterator[tuple[str, nn.Parameter]]:
    """Everything that an optimizer changes, with names that differ."""
    named = list(state.network.named_parameters())
    for beside, network in state.beside.items():
        named += [(f"{beside}/{name}", parameter) for name, parameter in network.named_parameters()]
    return ((name, parameter) for name, parameter in named if parameter.requires_grad)


def _homes(state: TrainingState) -> dict[nn.Parameter, torch.optim.Optimizer]:
    """The optimizer of each parameter."""
    return {p: optimizer for optimizer in state.optimizers for group in optimizer.param_groups for p in group["params"]}


def _shapes(state: TrainingState, progress: SavedProgress) -> dict[str, dict[str, torch.Size]]:
    """Names and shapes of all tensors that such a checkpoint has to hold."""
    shapes = {name: {key: tensor.shape for key, tensor in table.items()} for name, table in _tables(state).items()}
    homes, updated = _homes(state), {state.networks[name] for name in progress.updates}
    changed = {parameter for network in updated for parameter in network.parameters()}
    shapes[OPTIMIZER] = {
        f"{name}/{key}": parameter.shape if alike else torch.Size()
        for name, parameter in _parameters(state)
        if parameter in changed
        for key, alike in kept_by(type(homes[parameter])).items()
    }
    return shapes


def _check_same(progress: SavedProgress, plan: Plan, path: Path) -> None:
    here, there = (version.partition(".")[0] for version in (torch.__version__, progress.torch))
    if here != there:
        raise NevoaError(
            f"{path} was made with torch {progress.torch}, but this is {torch.__version__}: the rest of the run "
            "would differ. Install that version, or resume anyway with --accept-changes."
        )
    found = changes(read_toml(path / PLAN, Plan), plan)
    if any(difference(key) in ("accepted", "never") for key in found if key != "data.source"):
        raise NevoaError(
            f"{path} was made with another plan than this run's. Choose another --out, or resume anyway with "
            "--accept-changes."
        )


def _load_optimizers(state: TrainingState, tensors: dict[str, torch.Tensor]) -> None:
    homes, parameters = _homes(state), dict(_parameters(state))
    for name, tensor in tensors.items():
        parameter_name, _, key = name.rpartition("/")
        parameter = parameters[parameter_name]
        # Moments have the memory layout of their parameter; a step is a number.
        value = tensor.to(state.device) if tensor.ndim == 0 else torch.empty_like(parameter).copy_(tensor)
        homes[parameter].state[parameter][key] = value
