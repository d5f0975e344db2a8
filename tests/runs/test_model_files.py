"""A published model is complete at any moment."""

import itertools
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from nevoa.errors import NevoaError
from nevoa.networks import build_network, restore
from nevoa.runs import Run, journal, model_files
from nevoa.runs.check import check
from nevoa.training import Job
from nevoa.training.loop import training_steps
from nevoa.training.state import TrainingState
from tests.small_runs import replanned


@pytest.mark.parametrize("earlier", [False, True], ids=["the first model", "a later one"])
@pytest.mark.parametrize("stop_at", range(4))
def test_a_killed_publication_leaves_the_old_or_the_new_model(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: bool, stop_at: int
) -> None:
    """`check` accepts either, and finds damage in either."""
    run, state = Run(tmp_path), TrainingState.fresh(job.plan, job.images.shape)
    run.write(job.config, job.plan)
    run.append_metrics({"images_seen": 0})
    journal.write(run, "planned", 0, horizon=state.horizon)
    steps = training_steps(state, job.images)
    if earlier:
        run.publish_model(state.model())
    next(steps)
    done = itertools.count()

    def killed(real: Callable[..., None]) -> Callable[..., None]:
        def write(*arguments: object) -> None:
            if next(done) == stop_at:
                raise KeyboardInterrupt
            real(*arguments)

        return write

    for name in ("write_text", "write_bytes"):
        monkeypatch.setattr(model_files, name, killed(getattr(model_files, name)))
    with pytest.raises(KeyboardInterrupt) if stop_at < 3 else nullcontext():
        run.publish_model(state.model())
    assert [problem for _, problem in check(run) if problem] == []
    assert run.weights_file.exists() == (earlier or stop_at > 1)
    if run.weights_file.exists():
        run.model("cpu")
        run.weights_file.write_bytes(run.weights_file.read_bytes()[:-1] + b"\1")
        with pytest.raises(NevoaError, match=r"model\.safetensors is damaged.*training command again"):
            run.model("cpu")
        assert [part for part, problem in check(run) if problem] == ["model/model.safetensors"]


def test_a_model_computes_in_bf16_only_where_there_are_units_for_it(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, plan = Run(tmp_path), replanned(job.plan, precision="bfloat16")
    run.publish_model(TrainingState.fresh(plan, job.images.shape).model())
    for found in ("bfloat16", "float32"):
        monkeypatch.setattr(model_files, "choose_precision", lambda device, found=found: found)
        assert run.model("cpu").precision == found


def test_a_load_builds_the_network_once(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, built = Run(tmp_path), list[object]()
    run.publish_model(TrainingState.fresh(job.plan, job.images.shape).model())

    def build(*described: Any) -> nn.Module:
        built.append(described)
        return build_network(*described)

    monkeypatch.setattr(restore, "build_network", build)
    run.model("cpu")
    assert len(built) == 1
