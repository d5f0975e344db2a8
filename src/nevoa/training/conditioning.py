"""Which conditions a training learns, and whether its images are to have the picture that they are made of."""

from collections.abc import Mapping
from contextlib import suppress

from nevoa.conditions import CLASS
from nevoa.config import Config, ModelPlan, Plan
from nevoa.config.condition import ConditionPlan, PicturePlan
from nevoa.config.registry import CONDITIONS, NETWORKS
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.objects import Objects
from nevoa.training.checks import takes


def conditions_of(
    config: Config, images: ImageSet, objects: Objects, was: Plan | None, start: ModelPlan | None
) -> tuple[tuple[str, ...], dict[str, ConditionPlan]]:
    """The classes, and the other conditions as the run to resume, or the model to start from, knows them."""
    before = was or start
    known = {} if before is None else before.conditions
    classes, conditions = _asked(config, images, objects, known)
    if was:
        conditions = {name: one.resumed(known.get(name, one)) for name, one in conditions.items()}
    elif start:
        conditions = {name: one.after(known[name]) if name in known else one for name, one in conditions.items()}
    if not (objects.network is None and hasattr(NETWORKS[config.network.kind], "projects")):
        conditions = {name: not_consistent(one) for name, one in conditions.items()}
    return classes, conditions


def _asked(
    config: Config, images: ImageSet, objects: Objects, known: Mapping[str, ConditionPlan]
) -> tuple[tuple[str, ...], dict[str, ConditionPlan]]:
    """The classes that the network gets, and its other conditions by name.

    Args:
        known: conditions of the run to resume, or of the model to start from. Those that are learned only by request,
            such as number:age and pictures, stay if the images have them.
    """
    wanted = config.training.condition
    if wanted == "auto":
        takes_classes, takes_others = takes(config, objects)
        has_classes = takes_classes and bool(images.classes or images.notes.unsettled)
        found = {name: CONDITIONS[name].found(images, None) for name in CONDITIONS}
        by_request = [name for name, one in known.items() if ":" in name or isinstance(one, PicturePlan)]
        found |= {name: _found_again(name, images) for name in by_request}
        others = {name: plan for name, plan in found.items() if plan is not None and takes_others}
    else:
        has_classes = CLASS in wanted
        others = {name: condition_of(name, images) for name in wanted if name != CLASS}
    if has_classes and images.notes.unsettled:
        raise NevoaError(f"{images.name}: {images.notes.unsettled}")
    if has_classes and not images.classes:
        what = "Put its images into one sub-folder per class, or set training.condition=none."
        if images.pictures is not None:
            what = "It has pairs: leave class out, or make classes of their folders with --classes image,condition."
        raise NevoaError(f"{images.name} has no classes, and training.condition names them. {what}")
    return (images.classes if has_classes else ()), others


def condition_of(name: str, images: ImageSet) -> ConditionPlan:
    """Return what a model has to know of a condition. A NevoaError if the images have none of the kind."""
    kind, _, detail = name.partition(":")
    if kind not in CONDITIONS:
        raise CONDITIONS.unregistered(name, CLASS, "none")
    found = CONDITIONS[kind].found(images, detail)
    if found is None:
        raise NevoaError(
            f"{images.name} has no {CONDITIONS[kind].words} to learn from, and training.condition names {name}: "
            "docs/images.md says where to write them."
        )
    return found


def _found_again(name: str, images: ImageSet) -> ConditionPlan | None:
    """Find in the images a condition that a model has, such as number:age; None if they have none of the kind."""
    kind, _, detail = name.partition(":")
    with suppress(NevoaError):
        return CONDITIONS[kind].found(images, detail)
    return None


def learns_details(conditions: Mapping[str, ConditionPlan]) -> bool:
    """Whether a picture says a part of the image, so that only its details are to be learned."""
    return any(map(_is_consistent, conditions.values()))


def _is_consistent(condition: ConditionPlan) -> bool:
    return isinstance(condition, PicturePlan) and condition.consistent


def not_consistent(condition: ConditionPlan) -> ConditionPlan:
    """The condition of a network whose output is not x_0, which cannot be projected."""
    return condition.model_copy(update={"consistent": False}) if _is_consistent(condition) else condition
