"""Checkpoints: all of a TrainingState, whole or not there, never a pickle."""

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file

from nevoa.errors import NevoaError
from nevoa.files import published, sha256
from nevoa.run import load_tensors
from nevoa.training.state import Mean, TrainingState

FORMAT = 1
KEEP = 2
COUNTERS = ("step", "images_seen", "seconds")
MEANS = ("report_loss", "epoch_loss")


def save(state: TrainingState, folder: Path) -> Path:
    """Write `folder/IMAGES_SEEN`, verify it, then remove all but the two newest. Saving a moment again does nothing."""
    target = folder / f"{state.images_seen:012d}"
    if not is_valid(target):
        shutil.rmtree(target, ignore_errors=True)
        with published(target) as temporary:
            temporary.mkdir()
            _write(state, temporary)
    if not is_valid(target):
        raise NevoaError(f"The checkpoint {target} could not be read back. Is the disk failing?")
    for old in _all(folder)[:-KEEP]:
        shutil.rmtree(old)
    return target


def newest(folder: Path) -> Path | None:
    """The newest checkpoint that is whole, or None."""
    return next((path for path in reversed(_all(folder)) if is_valid(path)), None)


def restore(state: TrainingState, path: Path) -> None:
    """Put a fresh state where the checkpoint is. A NevoaError if it is of another format or does not fit."""
    about = json.loads((path / "state.json").read_text())
    if about["format"] != FORMAT:
        raise NevoaError(f"{path} has format {about['format']}; this nevoa reads {FORMAT}.")
    try:
        state.network.load_state_dict(load_tensors(path / "model.safetensors"))
        if state.average is not state.network:
            state.average.load_state_dict(load_tensors(path / "ema.safetensors"))
        _load_optimizers(state, load_tensors(path / "optimizer.safetensors"))
    except (RuntimeError, KeyError, ValueError) as error:
        raise NevoaError(f"{path} does not fit this network and optimizer: {error}.") from error
    for name in COUNTERS:
        setattr(state, name, about[name])
    for name in MEANS:
        setattr(state, name, Mean(**about[name]))
    state.scaler.load_state_dict(about.get("scaler", {}))


def is_valid(path: Path) -> bool:
    """Whether every file that the manifest lists is there, with its size and sha256. The manifest is written last."""
    try:
        manifest = json.loads((path / "manifest.json").read_text())
        return all(
            (path / name).stat().st_size == about["bytes"] and sha256(path / name) == about["sha256"]
            for name, about in manifest.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _all(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.name.isdecimal())


def _write(state: TrainingState, folder: Path) -> None:
    _save_tensors(state.network.state_dict().items(), folder / "model.safetensors")
    if state.average is not state.network:
        _save_tensors(state.average.state_dict().items(), folder / "ema.safetensors")
    _save_tensors(optimizer_tensors(state), folder / "optimizer.safetensors")
    about = {"format": FORMAT} | {name: getattr(state, name) for name in COUNTERS}
    about |= {name: asdict(getattr(state, name)) for name in MEANS}
    about |= {"scaler": state.scaler.state_dict()}
    (folder / "state.json").write_text(json.dumps(about))
    manifest = {file.name: {"bytes": file.stat().st_size, "sha256": sha256(file)} for file in sorted(folder.iterdir())}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2))


def _save_tensors(tensors: Iterable[tuple[str, torch.Tensor]], path: Path) -> None:
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors}, path)


def optimizer_tensors(state: TrainingState) -> Iterator[tuple[str, torch.Tensor]]:
    """What the optimizers keep of each parameter (moments, step), as "parameter's name/key"."""
    names: dict[torch.Tensor, str] = {parameter: name for name, parameter in state.network.named_parameters()}
    for optimizer in state.optimizers:
        for parameter, kept in optimizer.state.items():
            for key, tensor in kept.items():
                yield f"{names[parameter]}/{key}", tensor


def _load_optimizers(state: TrainingState, tensors: dict[str, torch.Tensor]) -> None:
    homes = {
        id(p): optimizer for optimizer in state.optimizers for group in optimizer.param_groups for p in group["params"]
    }
    parameters = dict(state.network.named_parameters())
    for name, tensor in tensors.items():
        parameter_name, _, key = name.rpartition("/")
        parameter = parameters[parameter_name]
        # Moments lie in memory as their parameter does; a step is a number.
        value = tensor.to(state.device) if tensor.ndim == 0 else torch.empty_like(parameter).copy_(tensor)
        homes[id(parameter)].state[parameter][key] = value
