"""Compare samplers, timesteps and numbers of steps: quality against speed."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nevoa.diffusion import steps_of
from nevoa.evaluation.measure import check_count
from nevoa.evaluation.protocol import Protocol
from nevoa.evaluation.reference import Reference
from nevoa.evaluation.shares import classes_in_shares
from nevoa.features.features import check_features
from nevoa.features.frechet import frechet_distance
from nevoa.model import Model
from nevoa.runs import Run
from nevoa.sampling import SamplingOptions

STEPS = (4, 5, 6, 8, 10, 15, 20)
SWEEP: tuple[SamplingOptions, ...] = (
    *({"sampler": "ddpm", "steps": steps, "spacing": "trailing"} for steps in (20, 50, 100)),
    *(
        {"sampler": sampler, "steps": steps, "spacing": spacing}
        for sampler in ("ddim", "dpm_solver")
        for spacing in ("trailing", "leading", "log_snr", "karras")
        for steps in STEPS
    ),
)


@dataclass(frozen=True)
class Row:
    """The measurement of one set of sampling options.

    Attributes:
        distance: the Fréchet distance, whose name is `score`.
    """

    options: SamplingOptions
    distance: float
    images_per_second: float
    score: str


def sweep(
    model: Model, reference: Reference, count: int, seed: int = 0, grid: Sequence[SamplingOptions] = SWEEP
) -> Iterator[Row]:
    """Make `count` images with each set of options, from the same noise, and measure them.

    Options with more steps than the model has timesteps are skipped.

    Example:
        >>> reference = Reference.of(DataConfig(source="fashion_mnist"))
        >>> for row in sweep(model, reference, 2048, grid=[{"sampler": "ddim", "steps": 10}]):
        ...     print(row.options, row.distance)
    """
    reference.check_shape(model.shape)
    check_count(count, reference)
    real, score = reference.features(), f"fd_{reference.feature_network.info.short_name}"
    model = replace(model, like=None if reference.foreign else reference.train)
    same_classes = model.classes == reference.train.classes and model.classes and not model.plan.conditions
    labels = classes_in_shares(reference.train, count) if same_classes else None
    for options in grid:
        if int(options.get("steps") or 0) > steps_of(model.schedule):
            continue
        labelled: SamplingOptions = {**options, "labels": labels}
        start = time.perf_counter()
        images = model.sample(count, seed, **labelled)
        seconds = time.perf_counter() - start
        features = reference.feature_network.features(images)
        check_features(features, "images")
        yield Row(options, frechet_distance(features, real), count / seconds, score)


def save_sweep(rows: Sequence[Row], run: Run, protocol: Protocol) -> Path:
    """Write the rows into the run folder, in place of an earlier sweep by the same protocol, count and seed.

    Example:
        >>> rows = list(sweep(model, reference, 2048))
        >>> path = save_sweep(rows, run, Protocol(reference, 2048))
    """
    values: dict[str, Any] = {"protocol": protocol.name, "count": protocol.count, "seed": protocol.seed}
    keys = "options", "distance", "images_per_second"
    values["rows"] = [{key: getattr(row, key) for key in keys} for row in rows]
    return run.save_evaluation(f"sweep-{protocol.suffix}", values)
