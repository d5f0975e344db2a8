"""The model of a run on disk: weights, and a JSON file with their hash, the image shape and the plan."""

import copy
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nevoa._util.files import damaged, explained, read_json, sha256, write_bytes, write_text
from nevoa._util.tensors import check_shapes, packed, read_tensors, shapes_in
from nevoa._util.versions import check_format
from nevoa.config import LARGEST_SIDE, ModelPlan, Plan
from nevoa.config.names import DeviceName, PrecisionName
from nevoa.config.network import ObjectNetworkConfig
from nevoa.config.toml import parse_file
from nevoa.errors import NevoaError
from nevoa.model import Model, Shape
from nevoa.networks import check_is_module, check_network, network_shapes, restored_network
from nevoa.networks.build import in_channels_last
from nevoa.objects import NAMES, Objects, check_same_objects
from nevoa.parallel.device import DeviceWish, choose_device, choose_precision

Shapes = Mapping[str, torch.Size]

FORMAT = 3
# Since then the file of the weights may hold those of a guide, too: under their names after this prefix, which no
# module of torch can have.
GUIDE_PREFIX = "guide/"


def publish(model: Model, weights_file: Path, config_file: Path) -> None:
    """Write a model, or replace the one that is there. A reader finds the old or the new one at any moment.

    Two files cannot be replaced at once, so the JSON file accepts the hash of the old weights until the new ones are
    in place.
    """
    guide = {} if model.guide is None else model.guide.state_dict()
    tensors = model.network.state_dict() | {GUIDE_PREFIX + name: tensor for name, tensor in guide.items()}
    weights = packed(tensors.items())
    values = {
        "format": FORMAT,
        "shape": list(model.shape),
        "sha256": hashlib.sha256(weights).hexdigest(),
        "plan": model.plan.model_dump(mode="json"),
    }
    before = sha256(weights_file) if weights_file.exists() else None
    write_text(config_file, json.dumps(values | {"before": before}, indent=2) + "\n")
    write_bytes(weights_file, weights)
    write_text(config_file, json.dumps(values, indent=2) + "\n")


def read(weights_file: Path, config_file: Path, device: DeviceWish = "auto", objects: Objects = NAMES) -> Model:
    """Read a model. A NevoaError if a file is damaged, the weights do not fit, or an object is missing or different."""
    plan, shape = read_plan(config_file)
    check_same_objects(plan, objects)
    _check_hash(weights_file, config_file)
    chosen = choose_device(device)
    names = _prefixes(weights_file)

    def restored(prefix: str) -> nn.Module:
        def tensors(shapes: Shapes) -> dict[str, Tensor]:
            # Before any memory is allocated: a damaged config may describe a huge network.
            check_shapes(weights_file, _prefixed(shapes, names))
            found = read_tensors(weights_file)
            return {name: found[prefix + name] for name in shapes}

        return _restored(tensors, plan, shape, objects).to(chosen).eval()

    network, *guides = map(restored, names)
    guide = guides[0] if guides else None
    return Model(plan, network, shape, chosen, _precision(plan, chosen), objects, guide)


def _precision(plan: ModelPlan, device: DeviceName) -> PrecisionName:
    """That of the training on its device; float32, which is safe, on others and on one without units for bf16."""
    if not isinstance(plan, Plan) or plan.training.device != device:
        return "float32"
    precision = plan.training.precision
    return "float32" if precision == "bfloat16" and choose_precision(device) != "bfloat16" else precision


def _prefixes(weights_file: Path) -> tuple[str, ...]:
    """The prefix of the names of each network's tensors."""
    return ("", GUIDE_PREFIX) if any(name.startswith(GUIDE_PREFIX) for name in shapes_in(weights_file)) else ("",)


def _prefixed(shapes: Shapes, names: Sequence[str]) -> Shapes:
    return {prefix + name: shape for prefix in names for name, shape in shapes.items()}


def _restored(
    read: Callable[[Shapes], Mapping[str, Tensor]], plan: ModelPlan, shape: Shape, objects: Objects
) -> nn.Module:
    if objects.network is not None:
        check_is_module(objects.network)
        network = copy.deepcopy(objects.network)
        network.load_state_dict(read({name: tensor.shape for name, tensor in network.state_dict().items()}))
        check_network(network, shape, len(plan.classes), plan.conditions)  # its class may have changed since
    else:
        network = restored_network(plan.network, shape[0], len(plan.classes), read, plan.learned)
    return in_channels_last(network)


def read_plan(path: Path) -> tuple[ModelPlan, Shape]:
    """Read the plan and the image shape (C, H, W) of a model. A NevoaError if the file is damaged."""
    values = read_json(path)
    check_format(path, values.get("format"), 1, 2, FORMAT)
    try:
        shape = values["shape"]
        if not (len(shape) == 3 and all(isinstance(side, int) and 1 <= side <= LARGEST_SIDE for side in shape)):
            raise ValueError("shape is not [channels, height, width]")
        channels, height, width = shape
        tables = _from_format_1(values["config"]) if values["format"] == 1 else values["plan"]
        return parse_file(path, tables, Plan if "training" in tables else ModelPlan), (channels, height, width)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(path, error) from error


def _from_format_1(config: Mapping[str, Any]) -> dict[str, Any]:
    """The plan of a model that was saved with a config, before there were plans."""
    training, data = config["training"], dict(config["data"])
    classes = data.pop("classes", None)
    data.pop("fingerprint", None)
    return {
        "classes": (classes or ()) if training.get("conditional") else (),
        "null_label": training.get("label_dropout", 0.1) > 0,
        "distilled_from": training.get("start") if training.get("objective", "denoise") != "denoise" else None,
        "data": data,
        **{section: config[section] for section in ("diffusion", "network", "sampling")},
    }


def check(weights_file: Path, config_file: Path) -> None:
    """Raise a NevoaError unless the weights are those that the JSON file describes."""
    plan, shape = read_plan(config_file)
    if not isinstance(plan.network, ObjectNetworkConfig):
        shapes = network_shapes(plan.network, shape[0], len(plan.classes), plan.learned)
        check_shapes(weights_file, _prefixed(shapes, _prefixes(weights_file)))
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
