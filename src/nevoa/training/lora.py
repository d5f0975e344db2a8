"""Check that adapters can learn the conditions of the images."""

from nevoa.config import ModelPlan, Plan
from nevoa.config.condition import ConditionPlan
from nevoa.errors import NevoaError


def check_adaptable(start: ModelPlan, decided: Plan) -> None:
    """Raise a NevoaError if adapters cannot learn a condition, because the start has no weights that they could change.

    Classes are learned: they are rows of an embedding, which has an adapter.

    Example:
        >>> check_adaptable(model.plan, decided)
    """
    if new := [name for name, one in decided.learned.items() if not _has_weights(start.conditions.get(name), one)]:
        raise NevoaError(
            f"Adapters cannot learn {' and '.join(new)}, which the model to start from has no weights for: leave out "
            "--lora, or choose with --condition class, --condition none or --augment none what is learned."
        )


def _has_weights(before: ConditionPlan | None, after: ConditionPlan) -> bool:
    return before is not None and {*getattr(after, "tags", ())} <= {*getattr(before, "tags", ())}
