"""How to train: what is asked."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from nevoa._util.arguments import device_name, one_or_more
from nevoa.config.names import (
    CLASS,
    TAGS,
    TEXT,
    DecayName,
    DeviceName,
    PrecisionName,
    TimestepsName,
    WeightingName,
)
from nevoa.config.network import LossName, ObjectiveName, ObjectName, OptimizerName, Positive, Section

DeviceWish = Annotated[DeviceName | Literal["auto"], BeforeValidator(device_name)]
# The bound is far above any that makes good images.
GuidanceWeight = Annotated[float, Field(ge=0, le=100)]
# Bounds far above any training, so that a slip of the finger is refused at once.
BatchSize = Annotated[int, Field(ge=1, le=100_000)]
Steps = Annotated[int, Field(ge=1, le=1_000_000_000)]
Minutes = Annotated[float, Field(gt=0, le=10_000_000)]
Threads = Annotated[int, Field(ge=1, le=1024)]
Rank = Annotated[int, Field(ge=1, le=1024)]


def _kinds(value: Any) -> Any:
    """The kinds of condition as a tuple; none for "none"."""
    several = one_or_more(value)
    if several in (("auto",), ("none",)):
        return "auto" if "auto" in several else ()
    if isinstance(several, tuple) and "none" in several:
        raise ValueError("none goes with no other kind")
    if isinstance(several, tuple) and any(str(one).startswith(f"{CLASS}:") for one in several):
        raise ValueError("class takes no column: call the column of the classes label")
    return several


def _place(value: Any) -> Any:
    """The place of a model; None for "none"."""
    return None if value == "none" else value


def without_column(condition: Any) -> tuple[Any, str | None]:
    """Return kinds of condition without the column that `text:COLUMN` or `tags:COLUMN` names, and this column."""
    kinds = several if isinstance(several := one_or_more(condition), tuple) else ()
    named = [one for one in kinds if isinstance(one, str) and one.startswith((f"{TEXT}:", f"{TAGS}:"))]
    columns = {one.partition(":")[2] for one in named}
    if not columns:
        return condition, None
    if len(columns) > 1 or "" in columns:
        raise ValueError("training.condition must name one column of captions, as in text:COLUMN")
    return tuple(one.partition(":")[0] if one in named else one for one in kinds), columns.pop()


class Recipe(Section):
    """The part of a training that is decided as it is asked.

    Attributes:
        seed: seed of every random choice.
        accumulation: how many parts of a batch to compute the gradient of, one after the other, to save memory.
        loss: distance between the network's output and its target.
        objective: what the network learns: denoise, to estimate x_0; path, to take the steps of `sampling` along the
            path of its teacher, the model of `start` (Luhman and Luhman 2021); match, the same and, in the last fifth
            of the cool-down, to make images that its teacher finds likely (Yin et al. 2024).
        weighting: weight of each timestep in the loss.
        timestep_distribution: how often each timestep is trained on.
        label_dropout: share of images whose class is withheld, for classifier-free guidance (Ho and Salimans 2022).
        optimizer: method that updates the weights.
        learning_rate: of Adam; Muon's is ten times as high, and so is that of adapters.
        learning_rate_decay: how the learning rate falls towards 0 in the cool-down; none keeps it constant.
        cooldown: share of the training, at its end, in which the learning rate decays; 1 is all of it.
        patience: after so many measurements of the held-out loss in a row without a new lowest one, the cool-down
            begins; if not set, it begins where it was planned.
        weight_decay: how strongly adamw and muon pull weights to 0.
        warmup_images: images over which the learning rate grows from 0 to its value.
        gradient_clip: largest norm of the gradient; larger ones are scaled down.
        ema_decay: decay of the average of the weights that makes the images; 0 averages nothing.
        guide: share of the training after which the average of the weights is kept as the model's guide (autoguidance,
            Karras et al. 2024); 0 keeps none.
        start: the model whose weights training starts from; random weights if not set.
        lora: rank of adapters that are trained in place of the weights of `start`, which stay (Hu et al. 2022); all
            weights are trained if not set.
        teacher_autoguidance: weight of a teacher against its guide, whose images the student learns.
    """

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    accumulation: BatchSize = 1
    loss: ObjectName | LossName = "huber"
    objective: ObjectiveName = "denoise"
    weighting: WeightingName = "simple"
    timestep_distribution: TimestepsName = "uniform"
    label_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    optimizer: OptimizerName = "adam"
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    learning_rate_decay: DecayName = "none"
    cooldown: Annotated[float, Field(gt=0, le=1)] = 1.0
    patience: Positive | None = None
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    warmup_images: Annotated[int, Field(ge=0)] = 0
    gradient_clip: Annotated[float, Field(gt=0)] | None = None
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    guide: Annotated[float, Field(ge=0, lt=1)] = 0.0
    start: Annotated[str | None, BeforeValidator(_place)] = None
    lora: Rank | None = None
    teacher_autoguidance: GuidanceWeight = 1.0

    @model_validator(mode="after")
    def _suits_its_objective(self) -> "Recipe":
        if self.is_distillation and self.start in (None, "auto"):
            raise ValueError(f"objective={self.objective} needs a model to learn from: use 'nevoa distill'")
        if self.lora and self.start in (None, "auto"):
            raise ValueError("lora adapts a model that is trained already: name one with --from, in Python with start=")
        if self.lora and self.is_distillation:
            raise ValueError("lora is for objective=denoise: a student learns with all of its weights")
        if self.objective == "match" and self.learning_rate_decay == "none":
            raise ValueError("objective=match begins in the cool-down: choose a learning_rate_decay other than none")
        if self.teacher_autoguidance != 1 and not self.is_distillation:
            raise ValueError("teacher_autoguidance is for a distillation: use 'nevoa distill'")
        if self.is_distillation and self.guide:
            raise ValueError(f"guide is for objective=denoise: a student of objective={self.objective} has a teacher")
        if self.is_distillation and self.patience:
            raise ValueError(f"patience is for objective=denoise: objective={self.objective} has no held-out loss")
        if self.is_distillation and self.weighting == "min_snr":
            raise ValueError(
                f"weighting=min_snr leaves out the step from T, which objective={self.objective} has to teach: choose "
                "weighting=simple"
            )
        return self

    @property
    def is_distillation(self) -> bool:
        """Whether the network learns a teacher's few steps. At all other timesteps it is then poor."""
        return self.objective != "denoise"


class TrainingConfig(Recipe):
    """How to train.

    One of `minutes`, `epochs` and `steps` is the budget. What is "auto" or not set is decided before training starts,
    and written into the plan of the run.

    Attributes:
        minutes: time to train for, including start-up and saving.
        epochs: passes over the images to train for.
        steps: batches to train for.
        weighting: weight of each timestep in the loss: simple, all the same; min_snr (Hang et al. 2023), which is only
            for the objective denoise; flow, the loss of flow, whatever the network predicts: with prediction=x0 the
            x-prediction and v-loss of Li and He 2025. "auto": flow for the prediction x0, else simple.
        timestep_distribution: how often each timestep is trained on: uniform, all alike; log_normal, so that noise /
            signal is (Karras et al. 2022), seldom where there is hardly any of either, and larger images get more
            noise; log_normal_tail, the same with 40 % of them evenly where there is much noise.
            "auto": log_normal_tail for images with texts, tags, numbers or pictures, which the network needs most
            there; else log_normal.
        batch_size: images in a batch; "auto": the best for the budget and the size (docs/scaling-laws.md).
        condition: the kinds of condition that the network learns: class, text, tags, number:NAME, a picture that is
            made of each image (downscaled:N, gray, edges, masked) or one that a plugin registers, where text:COLUMN
            takes the captions from a column; with none it learns none; "auto": all that the data have.
        start: the model whose weights training starts from; none: random weights; "auto": drawings32 or drawings64,
            which come with nevoa, for fewer than 2,000 images of its size in colour, if the network and the process are
            its own; else random weights.
        device: what to compute on.
        precision: type of the numbers in the network; "auto": bfloat16 or float16 where the device has units for it.
        threads: CPU threads; all cores if not set.
        compile: whether to compile the network with `torch.compile`; if not set, in long runs on a GPU where torch can.
        report_every_images: images between two lines of metrics; if not set, 2,000, or fewer in a short run.
        preview_every_images: images between two pictures of samples; if not set, they take a small share of the time.
        preview_steps: sampling steps of such a picture; if not set, as many as its share of the time pays for.
        checkpoint_every_images: images between two checkpoints; if not set, they take a small share of the time.
    """

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, values: Any) -> Any:
        """Read `conditional`, which was about classes alone."""
        if not isinstance(values, Mapping) or "conditional" not in values:
            return values
        given = values["conditional"]
        wanted = ("class" if given else "none") if isinstance(given, bool) else "auto" if given is None else given
        return {**{key: value for key, value in values.items() if key != "conditional"}, "condition": wanted}

    weighting: WeightingName | Literal["auto"] = "simple"  # pyright: ignore[reportIncompatibleVariableOverride]
    timestep_distribution: TimestepsName | Literal["auto"] = "uniform"  # pyright: ignore[reportIncompatibleVariableOverride]
    minutes: Minutes | None = None
    epochs: Annotated[float, Field(gt=0, le=10_000_000)] | None = None
    steps: Steps | None = None
    batch_size: BatchSize | Literal["auto"] = 128
    condition: Annotated[tuple[str, ...] | Literal["auto"], BeforeValidator(_kinds)] = ()
    device: DeviceWish = "auto"
    precision: PrecisionName | Literal["auto"] = "auto"
    threads: Threads | None = None
    compile: bool | None = None
    report_every_images: Positive | None = None
    preview_every_images: Positive | None = None
    preview_steps: Positive | None = None
    checkpoint_every_images: Positive | None = None
