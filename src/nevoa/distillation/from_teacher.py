"""From a model of many steps to a run of two."""

import warnings
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

from nevoa.config import Config, DataConfig, Plan
from nevoa.config.network import OBJECT
from nevoa.config.presets import configure
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.runs import RUNS
from nevoa.training import starting_from
from nevoa.training.start import timesteps_of

# 600 steps of `path` from the packaged model have a distance of 0.57 with l1 and of 0.65 with l2, and 0.57 also at the
# rate of `quick`, which is twice as high; docs/experiments.md compares other losses and rates.
DISTILLING: dict[str, Any] = {
    "loss": "l1",
    "weighting": "auto",
    "optimizer": "muon",
    "learning_rate": 5e-4,
    "learning_rate_decay": "linear",
    "warmup_images": 2_000,
    "gradient_clip": 1.0,
    "ema_decay": 0.9995,
    "guide": 0.0,
    "weight_decay": 0.01,
    "cooldown": 0.5,
}
# Matching ruins students of larger images: at 64x64 one of 10,240 paths has a distance of 7.14 with it, and of 0.99
# without (docs/experiments.md). Sizes between 28x28 and 64x64 were not measured.
MATCHING_UP_TO = 32 * 32
# In two steps, of which the second starts where there is as much noise as signal.
TWO_STEPS: dict[str, Any] = {"sampler": "euler", "steps": 2, "spacing": "angle"}
# A distillation takes a quarter of its teacher's time; its steps take five times as long on average.
SHARE, STEP_COST = 4, 5


def distilled_folder(place: str | PathLike[str]) -> Path:
    """The default folder of a distilled run: runs/NAME-distilled.

    Example:
        >>> distilled_folder("runs/clothes").name
        'clothes-distilled'
    """
    return RUNS / f"{Path(place).name}-distilled"


def distill_config(model: Model, source: Any = None, **keywords: Any) -> Config:
    """Return the config that distils a model; `keywords` are those of `nevoa.configure`.

    Example:
        >>> distill_config(model, steps=600).training.objective
        'match'
    """
    return configure(source, start=distilling(model, source), **keywords)


def distilling(model: Model, source: object = None) -> dict[str, dict[str, Any]]:
    """Return the layer of a config that teaches a model's network to make its images in two steps.

    It has the model's images, unless `source` names others, its batch size, and a quarter of its training time. A
    student of images above 32x32 learns paths alone, without matching its teacher's distribution.

    Raises:
        NevoaError: the model has an object in place of a name, is distilled already, predicts epsilon, or its images
            are unknown.
    """
    plan = model.plan
    if plan.distilled_from:
        raise NevoaError(
            "A distilled model knows only the few timesteps of its own steps, so it cannot teach: distil "
            f"{plan.distilled_from} again."
        )
    layer = starting_from(model)
    if plan.diffusion.prediction == "epsilon":
        raise NevoaError(
            "A model that predicts epsilon cannot be distilled, because at T its output says nothing about x_0: train "
            "one with -o diffusion.prediction=flow."
        )
    known = isinstance(plan, Plan)
    if source is None:
        if not known or plan.data.source.startswith(OBJECT):
            raise NevoaError(
                "The images that this model was trained on are unknown: name the source of some like them."
            )
        layer["data"] = {key: getattr(plan.data, key) for key in DataConfig.model_fields}
        # Its teacher's images show none of the rest.
        layer["data"]["augment"] = "flip" if "flip" in plan.data.augment else "none"
    if plan.sampling.guidance != 1:
        warnings.warn(
            f"The student learns what its teacher makes with a guidance of 1, not {plan.sampling.guidance:g}.",
            stacklevel=2,
        )
    own: dict[str, Any] = {
        "condition": plan.kinds or "none",
        "start": layer["training"]["start"],
        "objective": "match" if prod(model.shape[1:]) <= MATCHING_UP_TO else "path",
        "teacher_autoguidance": model.settings().autoguidance,
    }
    if known:
        training = plan.training
        own |= timesteps_of(plan) | {"batch_size": training.batch_size, "label_dropout": training.label_dropout}
        if training.minutes:
            own["minutes"] = training.minutes / SHARE
        else:
            own["steps"] = max(1, training.images // training.batch_size // (SHARE * STEP_COST))
    return layer | {"sampling": TWO_STEPS, "training": DISTILLING | own}
