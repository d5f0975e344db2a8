"""Record what a network computes for one image, as a list of operations."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from nevoa.config import ConditionPlan
from nevoa.diffusion import Autoguided
from nevoa.errors import NevoaError
from nevoa.formats.webpage.functions import FUNCTIONS, LIKE, SAME, shape_of
from nevoa.formats.webpage.layers import LAYERS
from nevoa.networks import evaluating, null_condition

# Methods that read a number out of a tensor: the list would hold for this image alone.
READERS = {"item", "tolist", "numpy", "__bool__", "__int__", "__float__", "__index__"}


@dataclass
class Program:
    """A network as a list of operations on values, each of shape (C, H, W).

    Attributes:
        shapes: of the values. Values 0 and 1 are the image x_t and the timestep; the tensors of the condition follow,
            the label first.
        operations: in their order; each has a kind, the numbers of its inputs and weights, that of its output, and
            numbers of its own.
        weights: tensors that no input changes.
        output: the number of the prediction.
        guided: the first and the last timestep at which the operations of a guide, which say so, are needed.
    """

    shapes: list[tuple[int, int, int]] = field(default_factory=list)
    operations: list[dict[str, Any]] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)
    output: int = 0
    guided: tuple[int, int] = (0, 0)

    @property
    def on_image(self) -> list[bool]:
        """For each operation, whether it depends on x_t; the others are computed once for all images of a condition."""
        known, found = {0}, []
        for operation in self.operations:
            found.append(not known.isdisjoint(operation["inputs"]))
            known |= {operation["output"]} if found[-1] else set()
        return found


def recorded(
    network: nn.Module,
    shape: tuple[int, int, int],
    classes: int,
    conditions: Mapping[str, ConditionPlan] | None = None,
) -> Program:
    """Return the operations of a network.

    Args:
        shape: (C, H, W) of an image.
        classes: 0 for a network that knows none.
        conditions: the other kinds of condition that it knows, by name.

    Raises:
        NevoaError: it computes something that the web page cannot; the error names the layer.
    """
    network = copy.deepcopy(network).cpu().float()
    x_t, t, condition = torch.zeros(1, *shape), torch.ones(1, dtype=torch.int64), null_condition(classes, conditions)
    asked = condition.values() if isinstance(condition, Mapping) else [] if condition is None else [condition]
    tape = Tape()
    for value in (x_t, t, *asked):
        tape.read(value)
    if isinstance(network, Autoguided):
        network.guide.register_forward_pre_hook(lambda *_: setattr(tape, "guides", True))
        network.guide.register_forward_hook(lambda *_: setattr(tape, "guides", False))
        tape.program.guided = ends_of(network.extra)
    with torch.no_grad(), evaluating(network), tape.following(network), tape:
        output = network(x_t, t, *([] if condition is None else [condition]))
    if not isinstance(output, Tensor) or id(output) not in tape.known:
        raise NevoaError(f"The output of {type(network).__name__} does not depend on its image.")
    tape.program.output = tape.known[id(output)][0]
    return tape.program


class Tape(TorchFunctionMode):
    """Follows the functions of torch while a network runs."""

    def __init__(self) -> None:
        super().__init__()
        self.program = Program()
        # The numbers of tensors by their identity; the tensors are kept, so that no other gets the same identity.
        self.known: dict[int, tuple[int, Tensor]] = {}
        self.weights: dict[int, int] = {}
        self.layers: list[str] = []
        self.guides = False

    @contextmanager
    def following(self, network: nn.Module) -> Iterator[None]:
        """Know which layer is at work, and replace layers that are one operation of the page."""
        for name, layer in network.named_modules():
            title = f"{name or 'network'} ({type(layer).__name__})"
            layer.register_forward_pre_hook(lambda *_, title=title: self.layers.append(title))
            if replacement := LAYERS.get(type(layer)):
                layer.forward = lambda *inputs, layer=layer, does=replacement: does(self.emit, layer, *inputs)
            layer.register_forward_hook(lambda *_: self.layers.pop() and None)
        yield

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs, name = kwargs or {}, getattr(func, "__name__", str(func))
        follows = any(id(value) in self.known for value in _tensors((*args, *kwargs.values())))
        if follows and name in READERS:
            raise self._refusal("looks at the numbers of its image or timestep")
        result = func(*args, **kwargs)
        if not follows or name in LIKE or not list(_tensors([result])):
            return result
        if name in SAME and args and id(args[0]) not in self.known:
            return result  # a constant, in the type of the image
        if name in SAME and args and shape_of(result) == shape_of(args[0]):
            self.known[id(result)] = (self.known[id(args[0])][0], result)
        elif name not in FUNCTIONS:
            raise self._refusal(f"uses {name}, which the web page does not know")
        elif not self._is_emitted(name, result, args, kwargs):
            raise self._refusal(f"uses {name} in a way that the web page does not know")
        return result

    def _is_emitted(self, name: str, result: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
        try:
            return FUNCTIONS[name](self.emit, result, *args, **kwargs)
        except TypeError:  # an input that is named
            return False

    def emit(self, kind: str, inputs: Sequence[Tensor], output: Tensor, *weights: Tensor | None, **numbers: Any) -> Any:
        """Append an operation, and return its output."""
        given = [self.weight(weight) for weight in weights if weight is not None]
        operation = {"kind": kind, "inputs": [self._input(value) for value in inputs], "weights": given, **numbers}
        self._append(operation, output, shape_of(output))
        return output

    def _input(self, value: Tensor) -> int:
        if id(value) not in self.known:
            operation = {"kind": "constant", "inputs": [], "weights": [self.weight(value)]}
            self._append(operation, value, (value.numel(), 1, 1))
        return self.known[id(value)][0]

    def _append(self, operation: dict[str, Any], output: Tensor, shape: tuple[int, int, int]) -> None:
        self.known[id(output)] = (len(self.program.shapes), output)
        guide = {"guide": True} if self.guides else {}
        self.program.operations.append(operation | guide | {"output": len(self.program.shapes)})
        self.program.shapes.append(shape)

    def read(self, value: Tensor) -> None:
        """Know an input of the network."""
        self.known[id(value)] = (len(self.program.shapes), value)
        self.program.shapes.append(shape_of(value))

    def weight(self, tensor: Tensor) -> int:
        """The number of a weight."""
        if id(tensor) in self.known:  # as it was recorded, it would be that of one timestep
            raise self._refusal("computes its weights from its image, timestep or condition")
        if id(tensor) not in self.weights:
            self.weights[id(tensor)] = len(self.program.weights)
            self.program.weights.append(tensor)
        return self.weights[id(tensor)]

    def _refusal(self, what: str) -> NevoaError:
        layer = self.layers[-1] if self.layers else "network"
        return NevoaError(
            f"The layer {layer} {what}. Export with --to onnx, or build the network from convolutions, linear "
            "layers, group norms, SiLU or GELU and nevoa's attention."
        )


def ends_of(weights: Tensor) -> tuple[int, int]:
    """The first and the last place of weights that are not 0; (0, 0) if all are."""
    places = weights.flatten().nonzero().flatten().tolist()
    return (places[0], places[-1]) if places else (0, 0)


def _tensors(values: Any) -> Iterator[Tensor]:
    """The tensors among values, and in lists of them."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)
