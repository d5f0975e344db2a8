"""One table of parts for each kind: those of nevoa, and those that plugins and installed packages register.

Here the parts of nevoa are rows `module:attribute`, imported when they are used: help and the config need no torch.
"""

import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from operator import attrgetter
from typing import Any

from nevoa.config import plugins
from nevoa.config.kinds import KINDS, OPTIONS
from nevoa.config.names import OBJECT
from nevoa.errors import NevoaError, unknown

NAME = re.compile(r"[A-Za-z0-9][\w-]*")


class UnregisteredError(NevoaError):
    """No package or plugin has registered a name. What names it may be sound."""


class Table(Mapping[str, Any]):
    """The parts of one kind by name.

    To look one up loads installed packages only if nothing else has the name; to list all of them does in any case.

    Args:
        kind: as in `register`.
        own: what comes with nevoa: name -> the part, or its `module:attribute`.
        options: those of them that have options: name -> `module:attribute` of their class.
    """

    def __init__(self, kind: str, own: Mapping[str, Any], options: Mapping[str, str] | None = None) -> None:
        self.kind, self.own = kind, tuple(own)
        self._parts: dict[str, Any] = dict(own)
        self._options: dict[str, Any] = dict(options or {})
        self._origins = dict.fromkeys(own, "package nevoa")

    def __getitem__(self, name: str) -> Any:
        return _imported(self._parts[self.checked(name)])

    def __iter__(self) -> Iterator[str]:
        plugins.load_installed()
        return iter(self._parts)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        if name not in self._parts and isinstance(name, str) and NAME.fullmatch(name):
            plugins.load_installed()
        return name in self._parts

    def get(self, name: str, default: Any = None) -> Any:
        """The part of that name; `default` if there is none."""
        if name not in self:
            return default
        return self[name]

    def options(self, name: str) -> Any:
        """The class of a part's options; None if it has none."""
        return _imported(self._options.get(self.checked(name)))

    def checked(self, name: str) -> str:
        """Return a name. An UnregisteredError if no part has it."""
        if name in self:
            return name
        raise self.unregistered(name)

    def unregistered(self, name: str, *others: str) -> UnregisteredError:
        """Return the error for a name that no part has, where others are known besides."""
        plugin = " If a plugin registers it, add --plugin FILE.py or install the package that provides it."
        return UnregisteredError(f"{unknown(self.kind, name, [*self, *others])}{plugin * (self.kind in KINDS)}")

    def add(self, name: str, part: Any, options: Any = None) -> None:
        """Add a part. A NevoaError if the name is taken; a notebook may replace the parts that it has added itself."""
        if not NAME.fullmatch(name) or name == OBJECT:
            raise NevoaError(
                f"A {self.kind} cannot be named '{name}': use letters, digits, - and _, as in my-{self.kind}."
            )
        origin = plugins.origin()
        if (taken := self._origins.get(name, "")) or (origin and name in self._parts):
            by = f" by the {taken}" * bool(taken)
            raise NevoaError(f"The {self.kind} '{name}' is already registered{by}: choose another name.")
        self._parts[name], self._origins[name] = part, origin
        if options is not None:
            self._options[name] = options

    def remove(self, name: str) -> None:
        """Forget a part that was registered. An UnregisteredError if there is none of that name."""
        del self._parts[self.checked(name)], self._origins[name]
        self._options.pop(name, None)


def _imported(part: Any) -> Any:
    if not isinstance(part, str):
        return part
    module, _, attribute = part.partition(":")
    return attrgetter(attribute)(import_module(module))


SCHEDULE, SAMPLING, METRIC = "nevoa.diffusion.schedule:", "nevoa.sampling.", "nevoa.evaluation.metrics:"
NETWORKS = Table(
    "network",
    {
        "unet": "nevoa.networks.unet:UNet",
        "residual": "nevoa.networks.residual_unet:ResidualUNet",
        "diffusers": "nevoa.formats.diffusers.network:DiffusersUNet",
    },
    {
        "unet": "nevoa.config.network:UNetConfig",
        "residual": "nevoa.config.network:ResidualUNetConfig",
        "diffusers": "nevoa.config.network:DiffusersUNetConfig",
    },
)
SCHEDULES = Table(
    "schedule",
    {
        "linear": f"{SCHEDULE}NoiseSchedule.linear",
        "quadratic": f"{SCHEDULE}NoiseSchedule.quadratic",
        "sigmoid": f"{SCHEDULE}NoiseSchedule.sigmoid",
        "cosine": f"{SCHEDULE}NoiseSchedule.cosine",
        "flow": f"{SCHEDULE}RectifiedFlow",
    },
)
SAMPLERS = Table(
    "sampler",
    {
        "ddpm": f"{SAMPLING}ddpm:DDPM",
        "ddim": f"{SAMPLING}ddim:DDIM",
        "dpm_solver": f"{SAMPLING}dpm_solver:DPMSolver",
        "euler": f"{SAMPLING}ddim:euler",
        "heun": f"{SAMPLING}heun:Heun",
    },
)
LOSSES = Table("loss", {name: f"nevoa.diffusion.loss:{name}" for name in ("l1", "l2", "huber")})
OPTIMIZERS = Table(
    "optimizer",
    {
        "adam": "nevoa.training.optimizer:Adam",
        "adamw": "nevoa.training.optimizer:AdamW",
        "muon": "nevoa.training.optimizer:Muon",
    },
)
# Not open to plugins: every objective but denoise is a distillation.
OBJECTIVES = Table(
    "objective",
    {
        "denoise": "nevoa.training.objective:Denoise",
        "path": "nevoa.distillation.objectives:Path",
        "match": "nevoa.distillation.objectives:Match",
    },
)
PICTURES = "Downscaled", "Gray", "Edges", "Masked"
CONDITIONS = Table(
    "condition",
    {
        "text": "nevoa.conditions.text:Text",
        "tags": "nevoa.conditions.tags:Tags",
        "number": "nevoa.conditions.number:Number",
        "picture": "nevoa.conditions.picture:Paired",
        **{name.lower(): f"nevoa.conditions.picture:{name}" for name in PICTURES},
    },
    {
        "text": "nevoa.config.condition:TextPlan",
        "tags": "nevoa.config.condition:TagsPlan",
        "number": "nevoa.config.condition:NumberPlan",
        "picture": "nevoa.config.condition:PicturePlan",
        **{name.lower(): "nevoa.config.condition:PicturePlan" for name in PICTURES},
    },
)
METRICS = Table(
    "metric",
    {
        "frechet": f"{METRIC}FRECHET",
        "kernel": f"{METRIC}KERNEL",
        "manifold": f"{METRIC}MANIFOLD",
        "classes": f"{METRIC}CLASSES",
        "memorisation": f"{METRIC}MEMORISATION",
        "bits": f"{METRIC}BITS",
        "overfitting": f"{METRIC}OVERFITTING",
        "right_captions": "nevoa.evaluation.following:RIGHT_CAPTIONS",
        "right_attributes": "nevoa.evaluation.following:RIGHT_ATTRIBUTES",
        "inception": f"{METRIC}INCEPTION",
    },
)
EXPORTS = Table(
    "export",
    {
        "diffusers": "nevoa.formats.diffusers.export:EXPORT",
        "onnx": "nevoa.formats.onnx:EXPORT",
        "web": "nevoa.formats.webpage:EXPORT",
    },
)
PRESETS = Table(
    "preset",
    {
        "quick": "nevoa.config.presets:QUICK",
        "photos": "nevoa.config.presets:PHOTOS",
        "classic": "nevoa.config.presets:CLASSIC",
        "ddpm-cifar10": "nevoa.config.presets:DDPM_CIFAR10",
    },
)
# The data sets have their table in a file of their own.
TABLES: dict[str, Table | str] = {
    **{
        one.kind: one
        for one in (
            NETWORKS,
            CONDITIONS,
            SCHEDULES,
            SAMPLERS,
            LOSSES,
            OBJECTIVES,
            OPTIMIZERS,
            METRICS,
            EXPORTS,
            PRESETS,
        )
    },
    "dataset": "nevoa.data.catalog:CATALOG",
}


def register(kind: str, name: str, part: Any, options: type | None = None) -> None:
    """Give a part a name, for config files, the command line and Python (docs/extending.md has an example of each).

    Args:
        kind: network, condition, schedule, sampler, loss, metric, optimizer, export, preset or dataset.
        part: what the kind needs:

            - network: a `torch.nn.Module` class, made with `(channels, **keys of the config, classes=classes)`;
            - condition: a class like `nevoa.conditions.Kind`, made with an object of its options;
            - schedule: a class or function of the number of timesteps that returns an object with `signal` and `noise`;
            - sampler: a class or function that makes an object with `step`, or such an object;
            - loss: a function of (output, target) that returns one number per image;
            - metric: a `nevoa.evaluation.Metric`;
            - optimizer: a `torch.optim.Optimizer` class, made with `(parameters, lr=, weight_decay=)`;
            - export: a `nevoa.formats.Export`;
            - preset: the sections of a config, as nested dicts;
            - dataset: a `nevoa.data.Dataset`.
        options: of a network, the subclass of `nevoa.config.NetworkConfig` that lists its keys; of a condition, the
            subclass of `nevoa.config.ConditionPlan` that lists what a model knows about it.

    Raises:
        NevoaError: the name is taken, or the part is not of its kind.

    Example:
        >>> nevoa.register("loss", "pseudo_huber", pseudo_huber)  # nevoa train -o training.loss=pseudo_huber
    """
    if kind not in KINDS:
        raise unknown("kind of part", kind, KINDS)
    wanted, fits = KINDS[kind]
    if not fits(part):
        raise NevoaError(f"The {kind} to register must be {wanted}, not {part!r:.60}.")
    if (kind in OPTIONS) != _has_kind(options):
        needs = f"needs a subclass of nevoa.config.{OPTIONS[kind]} as options" if kind in OPTIONS else "has no options"
        raise NevoaError(f"A {kind} {needs}, not {options!r:.60}.")
    table_of(kind).add(name, part, options)


def unregister(kind: str, name: str) -> None:
    """Forget a part that was registered, as a test does at its end.

    Example:
        >>> nevoa.config.registry.unregister("loss", "pseudo_huber")
    """
    table_of(kind).remove(name)


def table_of(kind: str) -> Table:
    return _imported(TABLES[kind])


def _has_kind(options: object) -> bool:
    return isinstance(options, type) and "kind" in getattr(options, "model_fields", ())
