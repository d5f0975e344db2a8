"""A plan in the making: what is known without measuring. What is still open has a value that does not matter."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nevoa._util.places import expanded
from nevoa.config import Config, DataConfig, ModelPlan, Plan, parse
from nevoa.config.augmentation import CONDITIONED, STRONG
from nevoa.config.names import PredictionName
from nevoa.config.network import OBJECT
from nevoa.config.training import Recipe
from nevoa.data import ImageSet, flips, is_path
from nevoa.errors import NevoaError
from nevoa.objects import Objects, decided_by
from nevoa.sampling.options import AUTOGUIDANCE
from nevoa.training.by_size import batch_for, network_for
from nevoa.training.checks import check_takes_augmentation, learns_augmentation
from nevoa.training.conditioning import conditions_of, learns_details, not_consistent
from nevoa.training.guide import AFTER_IMAGES
from nevoa.training.measure import Trial

Tables = Mapping[str, Any]

# A colour patch of 2x2 has 12 numbers: at width 16 x0 gives better images, at 24 as good ones, at 32 worse ones. A gray
# patch has 4: at width 16 x0 is worse (docs/experiments.md).
CHANNELS_PER_NUMBER = 2
# The width that is timed first.
REFERENCE = 32
# Sampling steps where sampling.steps is auto. After five minutes more of them add to the model's errors, and after an
# hour they pay: 0.175 in seven, 0.144 in ten (docs/experiments.md).
STEPS, LONG_STEPS = 7, 10
# The keys of a network with a value for each stage: a run that is resumed keeps all of them or none.
STAGES = "multipliers", "attention"


@dataclass(frozen=True)
class Draft:
    """The tables of a plan in the making.

    Attributes:
        tables: of a Plan, but for `training`.
        recipe: the table `training`, as far as it is known.
        open: which of "dim", "batch_size", "augment" and "steps" only a measurement decides; until then the first two
            have the reference's values, images are at most mirrored, and samples take few steps.
    """

    images: ImageSet
    objects: Objects
    tables: Tables
    recipe: Tables
    open: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(
        cls, config: Config, images: ImageSet, objects: Objects, was: Plan | None, start: ModelPlan | None = None
    ) -> "Draft":
        """The values that a config and its images decide, with the width and batch size of the run to resume.

        Args:
            start: of the model to start from.
        """
        asked, decided = config.training, decided_by(objects)
        check_takes_augmentation(config, objects)
        classes, conditions = conditions_of(config, images, objects, was, start)
        network = decided.get("network") or config.network.model_dump()
        recipe = {key: getattr(asked, key) for key in Recipe.model_fields} | decided.get("training", {})
        recipe["weighting"] = first(asked.weighting, was and was.training.weighting) or "auto"
        timesteps = first(asked.timestep_distribution, was and was.training.timestep_distribution)
        recipe["timestep_distribution"] = timesteps or ("log_normal_tail" if conditions else "log_normal")
        batch_size = first(asked.batch_size, was and was.training.batch_size)
        is_open = {"batch_size"} if batch_size is None else set[str]()
        resumed = was.network.model_dump() if was and was.network.kind == network["kind"] else {}
        if any(network.get(key) not in ("auto", resumed.get(key)) for key in STAGES):
            resumed = {key: value for key, value in resumed.items() if key not in STAGES}
        if network.get("dim") == "auto" and "dim" not in resumed:
            is_open |= {"dim"}
        chooses = config.data.augment == "auto" and was is None and objects.network is None
        if chooses and learns_augmentation(config, objects):
            is_open |= {"augment"}
        details = learns_details(conditions)
        network = network_for(images.shape, _chosen(network, {"dim": REFERENCE, **resumed}), details)
        if config.sampling.steps == "auto" and was is None:
            is_open |= {"steps"}
        prediction = {"prediction": first(config.diffusion.prediction, was and was.diffusion.prediction) or "auto"}
        diffusion: Tables = config.diffusion.model_dump() | decided.get("diffusion", {}) | prediction
        tables = {
            "classes": classes,
            "conditions": conditions,
            "null_label": asked.label_dropout > 0,
            "data": _data(config, images, was) | {"division": was.data.division if was else "pixels"},
            "diffusion": diffusion,
            "network": network,
            "sampling": _sampling(config, was, diffusion["timesteps"]),
        }
        recipe |= {"minutes": asked.minutes, "batch_size": batch_size or batch_for(images.shape, details)}
        recipe |= {"weigh_guide": bool(recipe["guide"]) and config.sampling.autoguidance is None}
        return cls(images, objects, tables, recipe, frozenset(is_open))

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that the network gets."""
        return self.tables["classes"]

    @property
    def learns_details(self) -> bool:
        """Whether a picture says a part of the image."""
        return learns_details(self.tables["conditions"])

    @property
    def batch_size(self) -> int:
        """Images in a batch, as far as it is decided."""
        return self.recipe["batch_size"]

    def training(self, **values: Any) -> "Draft":
        """The draft with values of the training."""
        return replace(self, recipe={**self.recipe, **values})

    def augmented(self) -> "Draft":
        """The draft with strong augmentation, without mirroring where it does not suit the images, as of letters."""
        mirrored = self.tables["data"]["augment"] == "flip"
        chances = {name: STRONG for name in CONDITIONED if mirrored or name != "mirror"}
        return replace(self, tables={**self.tables, "data": {**self.tables["data"], "augment": chances}})

    def sampled(self, steps: int) -> "Draft":
        """The draft with another number of sampling steps, of the timesteps that there are."""
        sampling = self.tables["sampling"] | {"steps": min(steps, self.tables["diffusion"]["timesteps"])}
        return replace(self, tables={**self.tables, "sampling": sampling})

    def width(self, dim: int) -> "Draft":
        """The draft with another width of the network."""
        return replace(self, tables={**self.tables, "network": {**self.tables["network"], "dim": dim}})

    def plan(self) -> Plan:
        """The plan; what is still open is one batch."""
        once = dict.fromkeys(("images", "report_every_images", "preview_every_images", "checkpoint_every_images"))
        still_open = {**dict.fromkeys(once, self.batch_size), "preview_steps": 1}
        teacher = None if self.recipe["objective"] == "denoise" else self.recipe["start"]
        diffusion, conditions = self.tables["diffusion"], self.tables["conditions"]
        prediction = first(diffusion["prediction"]) or _prediction(self.tables, self.images.shape[0])
        if prediction != "x0":
            conditions = {name: not_consistent(one) for name, one in conditions.items()}
        decided = {"diffusion": {**diffusion, "prediction": prediction}, "conditions": conditions}
        tables = {**self.tables, **decided, "distilled_from": teacher}
        weighting = first(self.recipe["weighting"]) or ("flow" if prediction == "x0" else "simple")
        recipe = {**still_open, **self.recipe, "weighting": weighting}
        return parse({**tables, "training": recipe}, Plan)

    def trial(self) -> Trial:
        """A throw-away training of the plan."""
        return Trial(self.plan(), self.images, self.objects)


def first(*values: object) -> Any:
    """The first value that is neither None nor "auto"; None without one."""
    return next((value for value in values if value not in (None, "auto")), None)


def steps_after(images: int) -> int:
    """Sampling steps for the model of a training of so many images, where nothing is asked.

    Example:
        >>> steps_after(180_000), steps_after(1_400_000)
        (7, 10)
    """
    return LONG_STEPS if images >= AFTER_IMAGES else STEPS


def _sampling(config: Config, was: Plan | None, timesteps: int) -> Tables:
    """The sampling, with the steps of the run to resume where its config says auto."""
    asked = config.sampling
    steps = was.sampling.steps if was else min(STEPS, timesteps)
    weight = AUTOGUIDANCE if asked.autoguidance is None else asked.autoguidance
    return asked.model_dump() | {"autoguidance": weight, "steps": steps if asked.steps == "auto" else asked.steps}


def _chosen(network: Tables, known: Tables) -> dict[str, Any]:
    """The network, with what is known where its config says auto."""
    return {key: known.get(key, value) if value == "auto" else value for key, value in network.items()}


def _prediction(tables: Tables, channels: int) -> PredictionName:
    """x0 if pictures say what a part of it is, or if the network is too narrow for the noise that is in flow (Li and He
    2025); else flow."""
    network = tables["network"]
    numbers = channels * network.get("patch", 1) ** 2
    narrow = numbers * CHANNELS_PER_NUMBER > network.get("dim", math.inf)
    return "x0" if narrow or learns_details(tables["conditions"]) else "flow"


def _data(config: Config, images: ImageSet, was: Plan | None) -> dict[str, Any]:
    """Where the images are found again, and the facts about them."""
    asked = config.data
    if asked.balance and not images.classes:
        raise NevoaError(
            f"{images.name} has no classes to draw evenly: leave out --balance, or put its images into one sub-folder "
            "per class."
        )
    known = {
        "images": len(images),
        "fingerprint": images.fingerprint,
        "augment": first(asked.augment, was and was.data.augment, "flip" if flips(asked.source) else "none"),
        "balance": asked.balance,
    }
    source, loaded_from = _place(asked.source), images.notes.source
    if not loaded_from or _place(loaded_from) != source or asked.source.startswith(f"{OBJECT}:"):
        if asked.caption_column:
            raise NevoaError(
                f"Images in memory have no column '{asked.caption_column}': give captions=[...], a text each."
            )
        # Images in memory are used as they are: the keys that choose or change images mean nothing.
        return dict(DataConfig()) | known | {"source": f"{OBJECT}:{images.name}", "holdout": 0}
    return dict(asked) | known | {"source": source, "holdout": images.notes.held_out}


def _place(source: str) -> str:
    """A source as a plan names it: a path from the root, or a name."""
    return str(expanded(source).resolve()) if is_path(source) else source
