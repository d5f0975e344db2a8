"""Objects that a caller gives in place of names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from nevoa.config import Config, DiffusionPlan, ModelPlan
from nevoa.config.network import OBJECT
from nevoa.config.training import Recipe
from nevoa.diffusion import Loss, Schedule, named_schedule, steps_of
from nevoa.diffusion.schedule import check_schedule
from nevoa.errors import NevoaError, missing_object


@dataclass(frozen=True)
class Objects:
    """Objects that a caller gives in place of names.

    Attributes:
        network: any module of (x_t, t) or (x_t, t, label) that returns a tensor of the shape of x_t. A label is a class
            index; the number of classes stands for "no condition".
        schedule: any object with the tables `signal` and `noise`.
        loss: any function of (output, target) that returns one loss per image, `[B]`.
    """

    network: nn.Module | None = None
    schedule: Schedule | None = None
    loss: Callable[[Tensor, Tensor], Tensor] | None = None


# Every part is the one that the config names.
NAMES = Objects()


def decided_by(objects: Objects) -> dict[str, dict[str, Any]]:
    """The keys of a plan that objects decide, by section: their classes in place of names."""
    tables: dict[str, dict[str, Any]] = {}
    if objects.network is not None:
        tables["network"] = {"kind": OBJECT, "class_name": _class_name(objects.network)}
    if objects.schedule is not None:
        unset = {"scale_ends": False, "zero_terminal_snr": False}  # they are for schedules with a name
        name = f"{OBJECT}:{_class_name(objects.schedule)}"
        tables["diffusion"] = {"schedule": name, "timesteps": steps_of(objects.schedule), **unset}
    if objects.loss is not None:
        tables["training"] = {"loss": f"{OBJECT}:{_class_name(objects.loss)}"}
    return tables


def check_objects(config: Config | ModelPlan, objects: Objects) -> None:
    """A NevoaError if the config or plan was made for an object that is not given."""
    for part, name in _class_names(config).items():
        if name and getattr(objects, part) is None:
            raise missing_object(part, name)


def check_same_objects(plan: ModelPlan, objects: Objects) -> None:
    """A NevoaError unless the objects are of the classes that the plan was made for.

    A class may have moved to another module, as from a notebook to a file: only its own name counts. A loss may be
    missing, because a model makes images without one.
    """
    for part, name in _class_names(plan).items():
        if (given := getattr(objects, part)) is None:
            if name and part != "loss":
                raise missing_object(part, name)
            continue
        if not name:
            raise NevoaError(f"This run was trained with the name of a {part}, not an object: leave out {part}=.")
        if (found := _class_name(given)).rpartition(".")[2] != (wanted := name.rpartition(".")[2]):
            raise NevoaError(f"This run was trained with the {part} {name}, not {found}: pass {part}={wanted}.")
    if objects.schedule is not None:
        check_schedule(objects.schedule)
        if (steps := steps_of(objects.schedule)) != plan.diffusion.timesteps:
            trained = plan.diffusion.timesteps
            raise NevoaError(
                f"This run was trained in {trained} timesteps: pass a schedule of as many, not of {steps}."
            )


def _class_names(config: Config | ModelPlan) -> dict[str, str]:
    """The class of each part that was given as an object; "" where the config or plan has a name."""
    training = getattr(config, "training", None)
    return {
        "network": getattr(config.network, "class_name", "") if config.network.kind == OBJECT else "",
        "schedule": config.diffusion.schedule.partition(f"{OBJECT}:")[2],
        "loss": training.loss.partition(f"{OBJECT}:")[2] if training else "",
    }


def _class_name(value: object) -> str:
    named: Any = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"


def schedule_of(config: DiffusionPlan, objects: Objects = NAMES) -> Schedule:
    """The schedule object if one is given, else the one that the config describes."""
    if objects.schedule is not None:
        return objects.schedule
    return named_schedule(config.schedule, config.timesteps, config.scale_ends, config.zero_terminal_snr)


def loss_of(recipe: Recipe, objects: Objects = NAMES) -> Loss:
    """The loss function if one is given, else the name in the recipe."""
    return objects.loss or recipe.loss
