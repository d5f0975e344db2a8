"""The declaration of a format that models are exported to."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nevoa.config.registry import EXPORTS
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from nevoa.model import Model
    from nevoa.sampling import SamplingSettings


@dataclass(frozen=True)
class Export:
    """A format that models are exported to.

    Args:
        write: writes a model to a path and returns what it wrote, in a few words: `write(model, path, **options)`. The
            options are those of sampling, and `half`, `force` and `picture` if it takes arguments of these names.
        suffixes: of what it writes, such as ".onnx"; "" is a folder. The first is that of the default name.
        name: in errors.
        samplers, schedules, predictions: the names of those that it knows; None if it takes any.
        conditions: the kinds of condition that it knows besides classes; None if it takes any.

    Example:
        >>> names = Export(write_names, (".txt",))
    """

    write: Callable[..., str]
    suffixes: Sequence[str]
    name: str = "This format"
    samplers: Collection[str] | None = None
    schedules: Collection[str] | None = None
    predictions: Collection[str] | None = None
    conditions: Collection[str] | None = ()

    def __post_init__(self) -> None:
        for name in ("suffixes", "samplers", "schedules", "predictions", "conditions"):
            if isinstance(value := getattr(self, name), str):
                raise NevoaError(f"{name} of an export must be a tuple of names, such as ('{value}',), not '{value}'.")
        if not all(suffix == "" or suffix.startswith(".") for suffix in self.suffixes) or not self.suffixes:
            raise NevoaError(f"suffixes of an export must begin with a dot, as in ('.npz',), not {self.suffixes!r}.")

    @property
    def place(self) -> str:
        """The kind of its output, such as "a .html file or a folder"."""
        return " or ".join(f"a {suffix} file" if suffix else "a folder" for suffix in self.suffixes)

    def check(self, model: "Model", settings: "SamplingSettings") -> None:
        """Raise a NevoaError if the model, or the way in which it samples, is not one that the format knows."""
        diffusion, sampler = model.plan.diffusion, settings.sampler
        if self.samplers is not None and sampler not in self.samplers:
            named = sampler if isinstance(sampler, str) else type(sampler).__name__
            raise NevoaError(f"{self.name} has no sampler {named}: add --sampler {' or '.join(self.samplers)}.")
        for part, name, known in (
            ("schedule", diffusion.schedule, self.schedules),
            ("prediction", diffusion.prediction, self.predictions),
        ):
            if known is not None and name not in known:
                raise NevoaError(f"{self.name} has no {part} {name}, only {', '.join(known)}.")
        kinds = {one.kind for one in model.plan.conditions.values()}
        if self.conditions is not None and (others := sorted(kinds - {*self.conditions})):
            *known, last = "classes", *self.conditions
            known = f"{', '.join(known)} and {last}" if known else last
            able = [name for name in EXPORTS if (of := EXPORTS[name].conditions) is None or kinds <= {*of}]
            raise NevoaError(
                f"{self.name} cannot be asked for {others[0]}, which this model was trained with: it knows {known}. "
                f"Export this model --to {' or '.join(able)}."
            )
