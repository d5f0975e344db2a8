"""The model of a run on disk: weights, and a JSON file with their hash, the image shape and the config."""

import copy
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from nevoa._util.files import damaged, explained, read_json, sha256, write_bytes, write_text
from nevoa._util.tensors import check_shapes, packed, read_tensors
from nevoa.config import LARGEST_SIDE, Config, parse
from nevoa.config.network import ObjectNetworkConfig
from nevoa.errors import NevoaError
from nevoa.model import Model, Shape
from nevoa.networks import check_is_module, check_network, network_shapes, restored_network
from nevoa.objects import NAMES, Objects, check_same_objects
from nevoa.parallel.device import DeviceWish, choose_device, choose_precision

FORMAT = 1


def publish(model: Model, weights_file: Path, config_file: Path) -> None:
    """Write a model, or replace the one that is there. A reader finds the old or the new one at any moment.

    Two files cannot be replaced at once, so the JSON file accepts the hash of the old weights until the new ones are
    in place.
    """
    weights = packed(model.network.state_dict().items())
    values = {
        "format": FORMAT,
        "shape": list(model.shape),
        "sha256": hashlib.sha256(weights).hexdigest(),
        "config": model.config.model_dump(mode="json"),
    }
    before = sha256(weights_file) if weights_file.exists() else None
    write_text(config_file, json.dumps(values | {"before": before}, indent=2) + "\n")
    write_bytes(weights_file, weights)
    write_text(config_file, json.dumps(values, indent=2) + "\n")


def read(weights_file: Path, config_file: Path, device: DeviceWish = "auto", objects: Objects = NAMES) -> Model:
    """Read a model. A NevoaError if a file is damaged, the weights do not fit, or an object is missing or different."""
    config, shape = read_config(config_file)
    check_same_objects(config, objects)
    _check_hash(weights_file, config_file)
    chosen = choose_device(device)
    network = _read_network(weights_file, config, shape, objects).to(chosen)
    # The config's precision was chosen for the device of the training; float32 is safe on any other, and on one of the
    # same kind without units for bf16.
    precision = config.training.known_precision if chosen == config.training.device else "float32"
    if precision == "bfloat16" and choose_precision(chosen) != "bfloat16":
        precision = "float32"
    return Model(config, network.eval(), shape, chosen, precision, objects)


def _read_network(weights_file: Path, config: Config, shape: Shape, objects: Objects) -> nn.Module:
    def read(shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
        # Before any memory is allocated: a damaged config may describe a huge network.
        check_shapes(weights_file, shapes)
        return read_tensors(weights_file)

    if objects.network is not None:
        check_is_module(objects.network)
        network = copy.deepcopy(objects.network)
        network.load_state_dict(read({name: tensor.shape for name, tensor in network.state_dict().items()}))
        check_network(network, shape, len(config.classes))  # its class may have changed since
    else:
        network = restored_network(config.network, shape[0], len(config.classes), read)
    # The layout in which the convolutions of oneDNN and cuDNN are fastest.
    return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def read_config(path: Path) -> tuple[Config, Shape]:
    """Read the config and the image shape (C, H, W) of a model. A NevoaError if the file is damaged."""
    values = read_json(path)
    if values.get("format") != FORMAT:
        raise NevoaError(f"{path} has format {values.get('format')}, but this version of nevoa reads format {FORMAT}.")
    try:
        shape = values["shape"]
        if not (len(shape) == 3 and all(isinstance(side, int) and 1 <= side <= LARGEST_SIDE for side in shape)):
            raise ValueError("shape is not [channels, height, width]")
        channels, height, width = shape
        return parse(values["config"]), (channels, height, width)
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(path, error) from error


def check(weights_file: Path, config_file: Path) -> None:
    """Raise a NevoaError unless the weights are those that the JSON file describes."""
    config, shape = read_config(config_file)
    if not isinstance(config.network, ObjectNetworkConfig):
        check_shapes(weights_file, network_shapes(config.network, shape[0], len(config.classes)))
    _check_hash(weights_file, config_file)


def _check_hash(weights_file: Path, config_file: Path) -> None:
    for _ in range(2):  # a training may replace both files between the two reads
        with explained("read", weights_file):
            found = sha256(weights_file)
        values = read_json(config_file)
        if found in (values.get("sha256"), values.get("before")):
            return
    raise NevoaError(
        f"{weights_file} is damaged: its sha256 is not that in {config_file.name}. Run the training command again to "
        "publish the model from its newest checkpoint."
    )
