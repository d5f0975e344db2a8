"""A network as an ONNX file: one evaluation, for any program that runs ONNX. Needs `pip install 'nevoa[onnx]'`."""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, get_args

import torch
from torch import Tensor, nn

from nevoa._util.packages import needs
from nevoa.config.names import PredictionName
from nevoa.errors import NevoaError, reason
from nevoa.formats.export import Export
from nevoa.model import Model
from nevoa.networks import null_condition
from nevoa.networks.build import evaluating
from nevoa.sampling import SamplingOptions

if TYPE_CHECKING:
    from onnx import ModelProto

# Two, because a batch of one would be taken for a constant.
TRACED_BATCH = 2
# Smaller tensors than this stay float32: there is nothing to save.
HALVED_BYTES = 1024


def export(model: Model, path: Path, half: bool = False, **options: Unpack[SamplingOptions]) -> str:
    """Write a model's network to an ONNX file. Return what it holds, in words.

    Inputs are `image` float32 `[batch, C, H, W]`, `timestep` int64 `[batch]` from 1 to T and, for a model that knows
    classes alone, `label` int64 `[batch]`, where the number of classes means "no class". A model of other conditions
    has an input for each kind under its name, such as `text`, with the labels as `class`: what `nevoa.conditions` makes
    of texts and numbers. The output is `prediction`, of the shape of `image`. The metadata hold JSON values: what the
    network predicts, the tables `signal` and `noise` for t = 0 … T, the classes and other conditions, the range of an
    image, and how to sample: the grid of timesteps, and the other sampling options. The guide of a model is a part of
    the network in the file, at the weight `autoguidance`.

    Args:
        half: whether to keep weights in float16. The computation remains float32.
        options: sampling options in place of the model's own.

    Raises:
        NevoaError: the network cannot be exported.

    Example:
        >>> text = export(nevoa.load(), Path("clothes.onnx"))
    """
    needs("onnx", "onnx", "onnxscript")
    import onnx

    about = {key: json.dumps(value) for key, value in _metadata(model, **options).items()}  # refuses wrong options
    network = model.to("cpu").guided(model.settings(**options).autoguidance)
    exported = _exported(model, network)
    if half:
        _halve(exported)
    onnx.helper.set_model_props(exported, about)
    onnx.checker.check_model(exported, full_check=True)
    onnx.save_model(exported, path)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return f"{parameters:,} parameters in {'float16' if half else 'float32'}"


# Any sampler and schedule: the file holds one evaluation and the tables, and its reader takes the steps.
EXPORT = Export(export, (".onnx",), "An ONNX file", predictions=get_args(PredictionName), conditions=None)


def _exported(model: Model, network: nn.Module) -> "ModelProto":
    x = torch.zeros(TRACED_BATCH, *model.shape)
    t = torch.ones(TRACED_BATCH, dtype=torch.int64)
    batch = {0: torch.export.Dim("batch")}
    condition = null_condition(len(model.classes), model.plan.conditions, TRACED_BATCH)
    named = {} if condition is None else {"label": condition} if isinstance(condition, Tensor) else {**condition}
    several = not isinstance(condition, Tensor | None)
    network = _Named(network, tuple(named)) if several else network
    own = (tuple(batch for _ in named),) if several else (batch,) * len(named)
    try:
        with evaluating(network), _quiet():
            program = torch.onnx.export(
                network,
                (x, t, *named.values()),
                input_names=["image", "timestep", *named],
                output_names=["prediction"],
                dynamic_shapes=(batch, batch, *own),
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # each network may fail in its own way
        raise NevoaError(f"torch cannot export {type(network).__name__} to ONNX: {reason(error)}") from error
    assert program is not None
    return program.model_proto


class _Named(nn.Module):
    """A network that takes the tensor of each kind of condition for itself: torch takes a dict for keywords."""

    def __init__(self, network: nn.Module, names: tuple[str, ...]):
        super().__init__()
        self.network, self.names = network, names

    def forward(self, x_t: Tensor, t: Tensor, *tensors: Tensor) -> Tensor:
        return self.network(x_t, t, dict(zip(self.names, tensors, strict=True)))


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide what torch and its exporter print about their own insides."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logger.setLevel(level)


def _metadata(model: Model, **options: Unpack[SamplingOptions]) -> dict[str, Any]:
    settings, schedule = model.settings(**options), model.schedule
    return {
        "prediction": model.plan.diffusion.prediction,
        "schedule": model.plan.diffusion.schedule,
        "signal": schedule.signal.tolist(),
        "noise": schedule.noise.tolist(),
        "sampler": settings.sampler if isinstance(settings.sampler, str) else type(settings.sampler).__name__,
        "grid": model.timesteps(settings),
        "variance": settings.variance,
        "eta": settings.eta,
        "guidance": settings.guidance,
        "autoguidance": settings.autoguidance,
        "clip": settings.clip,
        "classes": list(model.classes),
        "conditions": {name: one.model_dump(mode="json") for name, one in model.plan.conditions.items()},
        "range": [-1, 1],
        "shape": list(model.shape),
    }


def _halve(model: "ModelProto") -> None:
    """Keep the large weights in float16, and cast each to float32 where the graph begins."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    large = [t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT and len(t.raw_data) > HALVED_BYTES]
    for tensor in large:
        name = tensor.name
        half = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.float16"))
        cast = helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT)
        model.graph.node.insert(0, cast)
