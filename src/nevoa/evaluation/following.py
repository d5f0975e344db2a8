"""Metrics of how well a model follows prompts."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from jaxtyping import Bool

from nevoa.conditions import TEXT, conditions_of
from nevoa.diffusion import AnyDenoiser, mapped
from nevoa.evaluation.intervals import error_of_share
from nevoa.evaluation.metrics import Metric, Report
from nevoa.evaluation.right_attributes import right_attributes
from nevoa.evaluation.right_captions import CAPTIONS, right_captions
from nevoa.evaluation.samples import Images, finished
from nevoa.evaluation.stage import Stage
from nevoa.evaluation.verify import options_of
from nevoa.model import Model
from nevoa.parallel.device import computing
from nevoa.sampling import SAMPLERS

OBJECT = "not measured: right_attributes. The sampler is an object, and only those that have a name make more images"


def _with_right_captions(report: Report, _: Path | None) -> Report:
    model, seed = cast(Model, report.samples.model), report.protocol.seed  # others were refused
    model.network.eval()
    conditions = conditions_of(model.plan)

    def denoise(captions: Sequence[str]) -> AnyDenoiser:
        asked = conditions.of({TEXT: captions}, len(captions))
        return model.denoiser(condition=mapped(lambda tensor: tensor.to(model.device), asked))

    with computing(model.device):
        found = right_captions(denoise, report.protocol.reference.captioned, model.device, seed, model.images_at_once)
    # Captions that say nothing of their images are right by chance alone.
    floor, spread = 1 / CAPTIONS, error_of_share(1 / CAPTIONS, len(found))
    return replace(
        report,
        scores=report.scores | _share("right_captions", found),
        floor=report.floor | {"right_captions": floor},
        floor_spread=report.floor_spread | {"right_captions": spread},
    )


def _with_right_attributes(report: Report, _: Path | None) -> Generator[Stage, None, Report]:
    model, seed = cast(Model, report.samples.model), report.protocol.seed  # others were refused
    settings = report.samples.sampler or {}
    if settings.get("sampler") not in SAMPLERS:
        return replace(report, warnings=(*report.warnings, OBJECT))
    sampler: Any = options_of(settings)
    steps = len(model.timesteps(model.settings(**sampler))) - 1

    def make(prompts: Sequence[str]) -> Generator[Stage, None, Images]:
        made: list[Images] = []
        for states in model.trajectories(len(prompts), seed, prompt=prompts, **sampler):
            done = steps * sum(map(len, made))
            made.append((yield from finished(states, "making images of prompts", done, steps * len(prompts))))
        return np.concatenate(made)

    found = yield from right_attributes(*report.protocol.reference.attributes, make, seed)
    floor, spread = _share("right_attributes", found["real"]).values()
    return replace(
        report,
        scores=report.scores
        | _share("right_attributes", found["held_out"])
        | _share("right_attributes_trained", found["trained"])
        | _share("right_attributes_shuffled", found["shuffled"]),
        floor=report.floor | {"right_attributes": floor},
        floor_spread=report.floor_spread | {"right_attributes": spread},
    )


def _share(name: str, right: Bool[np.ndarray, " N"]) -> dict[str, float]:
    """The share of what is right, and its standard error."""
    share = float(right.mean())
    return {name: share, f"{name}_se": error_of_share(share, len(right))}


RIGHT_CAPTIONS = Metric(
    {"right_captions": "share of held-out images whose own caption fits best of ten"},
    ("captioned",),
    needs_model="Captions need",
    condition=TEXT,
    completes=_with_right_captions,
    stage="telling captions apart",
)
RIGHT_ATTRIBUTES = Metric(
    {
        "right_attributes": "share of images with all that held-out prompts ask for; the floor: real images",
        "right_attributes_trained": "the same, of prompts that were trained on",
        "right_attributes_shuffled": "the same, of prompts of other images",
    },
    ("attributes",),
    needs_model="Attributes need",
    condition=TEXT,
    completes=_with_right_attributes,
    stage="reading attributes",
)
