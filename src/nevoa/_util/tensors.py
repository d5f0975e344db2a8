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
    """Serialize named tensors. Tied weights are written under each of their names."""
    flat, places = dict[str, Tensor](), set[int]()
    for name, tensor in tensors:
        value = tensor.detach().cpu().contiguous()
        place = value.untyped_storage().data_ptr()
        flat[name] = value.clone() if place in places else value  # safetensors refuses shared memory
        places.add(place)
    return save(flat)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a file. A NevoaError if it cannot be read."""
    try:
        return load(path.read_bytes())
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise damaged(path, error) from error


def shapes_in(path: Path) -> dict[str, torch.Size]:
    """Names and shapes of the tensors of a file, by its header alone. A NevoaError if it cannot be read."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: torch.Size(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, TypeError, RuntimeError) as error:
        raise damaged(path, error) from error


def check_shapes(path: Path, wanted: Mapping[str, torch.Size], of: str = "the network of its config") -> None:
    """Check that a file holds tensors of exactly these names and shapes, by its header alone. A NevoaError if not."""
    found = shapes_in(path)
    if found != wanted:
        name = min(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
        is_, not_ = ("absent" if shape is None else list(shape) for shape in (found.get(name), wanted.get(name)))
        raise NevoaError(f"{path} does not fit {of}: {name} is {is_}, not {not_}.")
