"""A recorded network as the page reads it: a description in JSON, and one block of weights."""

from typing import Any

import torch
from torch import Tensor

from nevoa.formats.webpage.tape import Program

# Biases and norms stay float32: there is nothing to save, and the frequencies of the timestep need it.
LEAST_HALVED = 1024


def is_halved(weight: Tensor) -> bool:
    """Whether a weight is kept in float16."""
    return weight.ndim > 1 and weight.numel() >= LEAST_HALVED


def block_of(program: Program) -> tuple[dict[str, Any], bytes]:
    """The description of a network, and its weights: those in float32 first, then those in float16.

    Each weight is described by its first byte, the number of its elements, and whether they are float16.
    """
    order = sorted(range(len(program.weights)), key=lambda i: is_halved(program.weights[i]))
    parts, places, first = [], dict[int, dict[str, Any]](), 0
    for i in order:
        half = is_halved(program.weights[i])
        values = program.weights[i].detach().float().contiguous()
        part = (values.half() if half else values).numpy().tobytes()
        places[i] = {"first": first, "size": program.weights[i].numel(), "half": half}
        parts.append(part)
        first += len(part)
    split = {True: [], False: []}
    for operation, on_image in zip(program.operations, program.on_image, strict=True):
        split[on_image].append(operation)
    about = {
        "shapes": program.shapes,
        "condition": split[False],
        "image": split[True],
        "weights": [places[i] for i in range(len(places))],
        "output": program.output,
        "guided": program.guided,
    }
    return about, b"".join(parts)


def rounded(network: torch.nn.Module) -> None:
    """Give a network the weights that its page has."""
    for parameter in network.parameters():
        if is_halved(parameter):
            parameter.data = parameter.data.half().float()
