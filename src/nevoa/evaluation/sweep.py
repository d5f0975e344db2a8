"""Which sampler, at which timesteps, in how many steps: quality against speed."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from nevoa._util.files import write_text
from nevoa.data import to_bytes
from nevoa.diffusion import steps_of
from nevoa.evaluation.features import check_features
from nevoa.evaluation.frechet import Moments, frechet_distance
from nevoa.evaluation.reference import Reference
from nevoa.evaluation.samples import classes_in_shares
from nevoa.model import Model, last
from nevoa.runs.run import Run
from nevoa.sampling import SamplingOptions

EVALUATIONS = (4, 5, 6, 8, 10, 15, 20)
SWEEP: tuple[SamplingOptions, ...] = (
    *({"sampler": "ddpm", "steps": steps, "spacing": "trailing"} for steps in (20, 50, 100)),
    *(
        {"sampler": sampler, "steps": steps, "spacing": spacing}
        for sampler in ("ddim", "dpm_solver")
        for spacing in ("trailing", "leading", "log_snr", "karras")
        for steps in EVALUATIONS
    ),
)


@dataclass(frozen=True)
class Row:
    """One way to draw, measured. `distance` is the Fréchet distance of the reference's feature network."""

    wishes: SamplingOptions
    distance: float
    images_per_second: float


def sweep(
    model: Model, reference: Reference, count: int, seed: int = 0, ways: Sequence[SamplingOptions] = SWEEP
) -> Iterator[Row]:
    """Draw `count` images each way, from the same noise, and measure them; one row after another."""
    reference.check_shape(model.shape)
    real = Moments.of([reference.features()])
    own = model.classes and model.classes == reference.train.classes
    labels = classes_in_shares(reference.train, count) if own else None
    for wishes in ways:
        if (wishes.get("steps") or 0) > steps_of(model.schedule):
            continue
        start = time.perf_counter()
        way: SamplingOptions = {**wishes, "labels": labels}
        parts = model.trajectories(count, seed, **way)
        images = np.concatenate([to_bytes(last(states).x_t) for states in parts])
        seconds = time.perf_counter() - start
        features = reference.feature_network.features(images)
        check_features(features, "images")
        yield Row(wishes, frechet_distance(Moments.of([features]), real), count / seconds)


def save_sweep(rows: Sequence[Row], run: Run, count: int, seed: int) -> Path:
    """Write the rows into the run folder, in place of an earlier sweep of as many images."""
    path = run.folder / "evaluation" / f"sweep-{count}.json"
    values = {"count": count, "seed": seed, "rows": [asdict(row) for row in rows]}
    write_text(path, json.dumps(values, indent=2) + "\n")
    return path
