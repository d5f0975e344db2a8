"""The kinds of parts that plugins may register, and the requirement on each."""

from collections.abc import Callable, Mapping
from typing import Any


def _is_preset(part: object) -> bool:
    return isinstance(part, Mapping) and all(isinstance(section, Mapping) for section in part.values())


def _is_class_with(method: str) -> Callable[[object], bool]:
    return lambda part: isinstance(part, type) and hasattr(part, method)


def _has(*attributes: str) -> Callable[[object], bool]:
    return lambda part: not isinstance(part, type) and all(hasattr(part, name) for name in attributes)


# The kinds whose parts have options of their own, and the base class of these.
OPTIONS = {"network": "NetworkConfig", "condition": "ConditionPlan"}
# The requirement on each kind of part, in words and as a test that needs no torch.
KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "network": ("a subclass of torch.nn.Module", _is_class_with("forward")),
    "condition": ("a class like nevoa.conditions.Kind", _is_class_with("tensor")),
    "schedule": ("a class or function of the number of timesteps", callable),
    "sampler": ("a sampler or a class of them", lambda part: callable(part) or hasattr(part, "step")),
    "loss": ("a function of (output, target)", callable),
    "optimizer": ("a subclass of torch.optim.Optimizer", _is_class_with("step")),
    "metric": ("a nevoa.evaluation.Metric", _has("meanings", "of_images")),
    "export": ("a nevoa.formats.Export", _has("write", "suffixes")),
    "preset": ("a dict of sections, such as {'training': {'minutes': 5}}", _is_preset),
    "dataset": ("a nevoa.data.Dataset", _has("counts", "list")),
}
