"""The plan of a training: what was decided before it began. It has no open value, and never changes."""

from collections.abc import Mapping
from typing import Literal

from pydantic import field_validator, model_validator

from nevoa.config.augmentation import NUMBERS, Decided
from nevoa.config.condition import AnyCondition, AugmentationPlan, ConditionPlan, PicturePlan
from nevoa.config.data import DataConfig
from nevoa.config.names import AUGMENTATION, CLASS, TAGS, TEXT, DeviceName, DivisionName, PrecisionName
from nevoa.config.network import OPEN, Positive
from nevoa.config.sections import (
    AnyNetwork,
    DiffusionPlan,
    SamplingPlan,
    Section,
    changes,
    check_together,
)
from nevoa.config.training import BatchSize, Minutes, Recipe, Threads


class DataPlan(DataConfig):
    """The images of a training.

    Attributes:
        augment: the chance of each transformation of the images.
        images: how many there are.
        fingerprint: hash of the images.
        division: whether their pixels, or in older runs their places, divide held-out images into those that choose the
            model and those that score it.
    """

    augment: Decided  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    images: Positive
    fingerprint: str
    division: DivisionName = "places"

    @model_validator(mode="after")
    def _has_no_open_value(self) -> "DataPlan":
        if self.holdout == "auto":
            raise ValueError("a plan has a number for holdout")
        return self


class TrainingPlan(Recipe):
    """How a training goes.

    Attributes:
        images: the first horizon: how many images training sees. A budget of minutes moves the horizon on the way.
        minutes: the budget of time; if not set, the horizon stays.
        batch_size: images in a batch.
        device: what computes.
        precision: type of the numbers in the network.
        threads: CPU threads.
        compile: whether the network is compiled with `torch.compile`.
        weigh_guide: whether a training of 600,000 images or more measures the best weight of its guide at the end.
        report_every_images: images between two lines of metrics.
        preview_every_images: images between two pictures of samples.
        preview_steps: sampling steps of such a picture.
        checkpoint_every_images: images between two checkpoints.
    """

    images: Positive
    minutes: Minutes | None = None
    batch_size: BatchSize
    device: DeviceName
    precision: PrecisionName
    threads: Threads
    compile: bool = False
    weigh_guide: bool = False
    report_every_images: Positive
    preview_every_images: Positive
    preview_steps: Positive
    checkpoint_every_images: Positive


class ModelPlan(Section):
    """All that is needed to make images with the weights of a model.

    Attributes:
        classes: names of the classes it can be asked for, in the order of their labels; empty if it is unconditional.
        conditions: what else it can be asked for, by name.
        null_label: whether a model with conditions was also trained without, for guidance.
        distilled_from: the teacher of a model that knows a few large steps only; other models have none.
    """

    classes: tuple[str, ...] = ()
    conditions: Mapping[str, AnyCondition] = {}
    null_label: bool = True
    distilled_from: str | None = None
    data: DataConfig
    diffusion: DiffusionPlan = DiffusionPlan()
    network: AnyNetwork
    sampling: SamplingPlan = SamplingPlan()

    @field_validator("classes")
    @classmethod
    def _each_has_its_own_name(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if twice := next((name for place, name in enumerate(names) if name in names[:place]), None):
            raise ValueError(f"two classes have the name '{twice}'; give each a name of its own")
        return names

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the conditions that the model can be asked for, class first."""
        return (*((CLASS,) if self.classes else ()), *self.conditions)

    @property
    def learned(self) -> dict[str, ConditionPlan]:
        """The conditions of the network besides classes, augmentation among them."""
        numbers = sum(NUMBERS[name] for name in self.data.conditioned)
        return {**self.conditions, **({AUGMENTATION: AugmentationPlan(numbers=numbers)} if numbers else {})}

    @property
    def pictures(self) -> dict[str, PicturePlan]:
        """The pictures among the conditions, by name."""
        return {name: one for name, one in self.conditions.items() if isinstance(one, PicturePlan)}

    @property
    def spoken(self) -> str | None:
        """The kind of what a user asks for without naming its kind: text if the model knows it, else tags or class."""
        return next((kind for kind in (TEXT, TAGS, CLASS) if kind in self.kinds), None)

    @property
    def conditional(self) -> bool:
        """Whether the model can be asked for anything."""
        return bool(self.kinds)

    @property
    def works_without_condition(self) -> bool:
        """Whether the model makes images without a condition, too."""
        return not self.conditional or self.null_label


class Plan(ModelPlan):
    """All that was decided about a training, by section. `nevoa train --plan FILE` repeats it.

    Example:
        >>> plan = nevoa.Run("runs/fashion_mnist-quick").plan()
        >>> plan.training.batch_size, plan.training.device
        (32, 'cpu')
    """

    data: DataPlan  # pyright: ignore[reportIncompatibleVariableOverride]
    training: TrainingPlan

    @model_validator(mode="after")
    def _has_no_open_value(self) -> "Plan":
        for key in OPEN:
            if getattr(self.network, key, None) == "auto":
                raise ValueError(f"a plan has a value for network.{key}")
        if self.training.start == "auto":
            raise ValueError("a plan has the name of a model for training.start, or nothing")
        if self.sampling.guidance != 1 and not self.conditional:
            raise ValueError("sampling.guidance other than 1 needs a condition, such as training.condition=class")
        check_together(self.diffusion, self.sampling, self.training, self.training.preview_steps)
        return self


# How a plan may differ from that of the run it resumes: see `difference`.
Difference = Literal["budget", "place", "accepted", "never"]
BUDGET = "training.minutes", "training.images"
PLACE = "training.device", "training.precision", "training.threads", "training.compile"
INTERVALS = tuple(f"training.{name}_every_images" for name in ("report", "preview", "checkpoint"))
BESIDE = "training.preview_steps", "training.weigh_guide", "training.patience"
NEVER = "classes", "conditions", "diffusion.", "network."
NEVER += tuple(f"training.{name}" for name in ("lora", "objective", "optimizer", "seed"))


def edits(last: Plan, present: Plan) -> list[str]:
    """In what the plan of a run differs from that of its newest checkpoint, unless it was moved or extended."""
    found = changes(last, present)
    if last.data.fingerprint == present.data.fingerprint:
        found.pop("data.source", None)
    return [text for key, text in found.items() if difference(key) in ("accepted", "never")]


def difference(key: str) -> Difference:
    """How a key of a plan may differ from that of the run it resumes.

    budget: always, for the training goes on from where the learning rate is still high. place: always, with a warning
    that results differ by rounding. accepted: with `--accept-changes`. never: the weights, or what they learned, would
    not fit.

    Example:
        >>> difference("training.minutes"), difference("network.dim")
        ('budget', 'never')
    """
    if key in (*BUDGET, *INTERVALS, *BESIDE):
        return "budget"
    if key in PLACE:
        return "place"
    return "never" if key.startswith(NEVER) else "accepted"
