"""Tensors in files: safetensors, never pickle."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from nevoa._util.files import damaged
from nevoa.errors import NevoaError


def packed(tensors: Iterable[tuple[str, Tensor]]) -> bytes:
    """Serialize named tensors."""
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors})


def unpacked(data: bytes, path: Path) -> dict[str, Tensor]:
    """Parse serialized tensors. A NevoaError names `path` if they are damaged."""
    try:
        return load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise damaged(path, error) from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a file. A NevoaError if it cannot be read."""
    try:
        return unpacked(path.read_bytes(), path)
    except OSError as error:
        raise damaged(path, error) from error


def check_shapes(path: Path, wanted: Mapping[str, torch.Size], of: str = "the network of its config") -> None:
    """Check that a file holds tensors of exactly these names and shapes, by its header alone. A NevoaError if not."""
    try:
        with safe_open(path, framework="pt") as file:
            found = {name: torch.Size(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, TypeError, RuntimeError) as error:
        raise damaged(path, error) from error
    if found != wanted:
        raise NevoaError(f"{path} does not fit {of}: {difference(found, wanted)}.")


def difference(found: Mapping[str, object], wanted: Mapping[str, object]) -> str:
    """Describe the first entry in which two tables differ."""
    name = next(name for name in sorted({*found, *wanted}) if found.get(name) != wanted.get(name))
    return f"{name} is {_words(found.get(name))}, not {_words(wanted.get(name))}"


def _words(value: object) -> str:
    if value is None:
        return "absent"
    return f"{list(value)}" if isinstance(value, torch.Size) else f"{value}"
