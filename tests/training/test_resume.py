"""A run that was stopped anywhere, any number of times, ends bit for bit as one that was not."""

import itertools
import json
import re
import shutil
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
import torch

import nevoa
from nevoa._util.tensors import packed, read_tensors
from nevoa.config import Config
from nevoa.config.presets import configure
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.runs.check import check
from nevoa.runs.manifest import EMA, MODEL, OPTIMIZER
from nevoa.runs.run import Run
from nevoa.training import Job, Wish, fit_job, prepare
from nevoa.training.checkpoint import contents, restore, save_checkpoint
from nevoa.training.loop import training_steps
from nevoa.training.resume import check_same
from nevoa.training.state import TrainingState
from tests.conftest import TINY
from tests.data.pictures import photo
from tests.small_runs import again, job_of, outcome, state_of, stop_after, told


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Job], tuple[dict[str, object], list[dict]]]:
    """What comes of an uninterrupted run of a job, and what its steps say; made once."""
    made: dict[str, tuple[dict[str, object], list[dict]]] = {}

    def of(job: Job) -> tuple[dict[str, object], list[dict]]:
        key = job.plan.model_dump_json()
        if key not in made:
            folder = tmp_path_factory.mktemp("whole") / "r"
            steps = [told(step) for step in fit_job(job, Run(folder))]
            made[key] = outcome(Run(folder)), steps
        return made[key]

    return of


@pytest.mark.slow
def test_stopped_after_any_step(job: Job, tmp_path: Path, whole: Callable) -> None:
    expected, steps = whole(job)
    for after in range(1, 40):
        folder = tmp_path / str(after)
        first = [told(step) for step in stop_after(job, folder, after)]
        assert first + [told(step) for step in fit_job(job, Run(folder))] == steps
        assert outcome(Run(folder)) == expected


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "each"), [("job", 1), ("job", 3), ("residual_job", 7)])
def test_stopped_again_and_again(
    request: pytest.FixtureRequest, tmp_path: Path, whole: Callable, kind: str, each: int
) -> None:
    job = request.getfixturevalue(kind)
    expected, steps = whole(job)
    found = []
    while part := stop_after(job, tmp_path / "r", each):
        found += map(told, part)
    assert found == steps
    assert outcome(Run(tmp_path / "r")) == expected


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "muon"])
@pytest.mark.parametrize("options", [{"precision": "bfloat16"}, {"precision": "float16"}, {"threads": 2}, {}])
def test_with_every_optimizer_precision_and_lane(
    job: Job, tmp_path: Path, whole: Callable, optimizer: str, options: dict
) -> None:
    values = {"optimizer": optimizer, "learning_rate_decay": "cosine", "warmup_images": 50, **options}
    job = job_of(job.config.updated("training", **values), job.images)
    while stop_after(job, tmp_path / "r", 9):
        pass
    assert outcome(Run(tmp_path / "r")) == whole(job)[0]


@pytest.mark.slow
def test_with_dropout_on_two_threads(residual_job: Job, tmp_path: Path, whole: Callable) -> None:
    config = residual_job.config.updated("network", dropout=0.5).updated("training", threads=2)
    job = job_of(config, residual_job.images)
    while stop_after(job, tmp_path / "r", 9):
        pass
    assert outcome(Run(tmp_path / "r")) == whole(job)[0]


def forget(state: TrainingState, fresh: TrainingState, item: str) -> None:
    """Put one item of a state back to what it is before the first step."""
    if item == "network":
        state.network.load_state_dict(fresh.network.state_dict())
    elif item == "average":
        state.average.load_state_dict(fresh.average.state_dict())
    elif item in ("exp_avg", "exp_avg_sq", "step of Adam"):
        for kept in state.optimizers[0].state.values():
            kept[item.removesuffix(" of Adam")].zero_()
    else:
        setattr(state, item, getattr(fresh, item))


ITEMS = (
    *("network", "average", "exp_avg", "exp_avg_sq", "step of Adam", "images_seen", "updates"),
    *("report_loss", "epoch_loss", "recent_loss", "guide", "guide_seen", "best"),
)


@pytest.mark.slow
@pytest.mark.parametrize("item", [None, *ITEMS])
def test_the_comparison_fails_if_any_item_is_left_out(
    memorising: Job, tmp_path: Path, whole: Callable, monkeypatch: pytest.MonkeyPatch, item: str | None
) -> None:
    """With nothing left out it holds, by the same way."""
    job = again(memorising, report_every_images=24, accumulation=2, guide=0.25)
    expected, steps = whole(job)
    # 296 images: within an epoch of 20, and between two reports at every 24.
    stop_after(job, tmp_path / "r", 37)

    def forgetful(state: TrainingState, path: Path, **options: bool) -> None:
        restore(state, path, **options)
        if item is not None:
            forget(state, job.fresh_state(), item)

    monkeypatch.setattr(sys.modules["nevoa.training.fit"], "restore", forgetful)
    rest = [told(step) for step in itertools.islice(fit_job(job, Run(tmp_path / "r")), 40)]
    same = rest == steps[37:] and outcome(Run(tmp_path / "r")) == expected
    assert same == (item is None)


def test_a_state_has_no_item_that_is_not_saved(job: Job, tmp_path: Path) -> None:
    """Every attribute that a few steps change is the same again after a restore."""
    state, fresh = (state_of(job.config, job.images) for _ in range(2))
    before = {name: repr(value) for name, value in vars(fresh).items()}
    list(itertools.islice(training_steps(state, job.images), 4))
    state.keep_best(0.5, "some images")
    derived = {name for name, value in vars(TrainingState).items() if isinstance(value, cached_property)}
    changed = {name for name, value in vars(state).items() if name not in derived and repr(value) != before[name]}
    assert {"images_seen", "updates", "work", "seconds", "report_loss", "recent_loss", "best"} <= changed
    restore(fresh, save_checkpoint(state, tmp_path))
    assert contents(fresh) == contents(state)
    for name in changed - {"objective", "optimizers", "scaler", "network", "average"}:
        assert repr(getattr(fresh, name)) == repr(getattr(state, name)), name


@pytest.mark.parametrize("table", [MODEL, EMA, OPTIMIZER])
def test_no_tensor_may_be_missing_too_many_or_of_another_shape(job: Job, tmp_path: Path, table: str) -> None:
    state = state_of(job.config, job.images)
    next(training_steps(state, job.images))
    path = save_checkpoint(state, tmp_path)
    tensors = read_tensors(path / table)
    fresh = state_of(job.config, job.images)
    before = contents(fresh)
    for name, tensor in tensors.items():
        rest = {key: value for key, value in tensors.items() if key != name}
        for wrong in (rest, rest | {name: torch.zeros(3, 1, 4)}, tensors | {f"{name}.twin": tensor.clone()}):
            (path / table).write_bytes(packed(wrong.items()))
            with pytest.raises(NevoaError, match=re.escape(name)):
                restore(fresh, path)
    assert contents(fresh) == before


@pytest.mark.parametrize("key", ["images_seen", "updates", "report_loss", "scaler", "torch"])
def test_no_number_may_be_missing(job: Job, tmp_path: Path, key: str) -> None:
    state = state_of(job.config, job.images)
    next(training_steps(state, job.images))
    path = save_checkpoint(state, tmp_path)
    values = json.loads((path / "state.json").read_text())
    del values[key]
    (path / "state.json").write_text(json.dumps(values))
    with pytest.raises(NevoaError, match=key):
        restore(state_of(job.config, job.images), path)


def changed_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", "9.0.0")


@pytest.mark.slow
def test_another_major_torch_is_refused_unless_accepted(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after(job, tmp_path / "r", 5)
    changed_torch(monkeypatch)
    with pytest.raises(NevoaError, match=r"torch 2.*9\.0\.0.*--accept-changes"):
        list(fit_job(job, Run(tmp_path / "r")))
    assert len(list(fit_job(replace(job, accept_changes=True), Run(tmp_path / "r")))) == 35


def test_a_checkpoint_of_another_run_is_refused(job: Job, tmp_path: Path) -> None:
    stop_after(job, tmp_path / "a", 5)
    stop_after(again(job, seed=1), tmp_path / "b", 2)
    (tmp_path / "a" / "checkpoints").rename(tmp_path / "old")
    (tmp_path / "b" / "checkpoints").rename(tmp_path / "a" / "checkpoints")
    with pytest.raises(NevoaError, match=r"another plan.*--accept-changes"):
        list(fit_job(job, Run(tmp_path / "a")))


@pytest.mark.slow
def test_accepted_changes_are_in_the_plan_of_the_run(job: Job, tmp_path: Path) -> None:
    stop_after(job, tmp_path / "r", 5)
    other = again(job, learning_rate=5e-4)
    assert len(list(fit_job(replace(other, accept_changes=True), Run(tmp_path / "r")))) == 35
    assert Run(tmp_path / "r").plan() == other.plan


def test_another_condition_is_refused_by_its_name(tmp_path: Path) -> None:
    images = ImageSet.of("noise", np.zeros((8, 8, 8, 3), np.uint8), np.zeros(8, np.int64), ["all"])

    def planned(*condition: str) -> Job:
        config = configure("noise", steps=4, options=[*TINY, *(f"training.condition={one}" for one in condition)])
        return prepare(config, images, run=Run(tmp_path / "r"))

    stop_after(planned("downscaled:2"), tmp_path / "r", 1)
    with pytest.raises(NevoaError) as refused:
        planned("downscaled:4")
    assert str(refused.value).splitlines()[1:-1] == [
        "  conditions.downscaled:2: was set, now not set",
        "  conditions.downscaled:4: was not set, now set",
    ]


def test_other_data_are_refused(job: Job, tmp_path: Path) -> None:
    images, others = (replace(job.images, fingerprint=digit * 64) for digit in "01")
    stop_after(prepare(job.config, images, run=Run(tmp_path / "r")), tmp_path / "r", 1)
    with pytest.raises(NevoaError, match=r"data.fingerprint: was 0000.*, now 1111[^$]*--accept-changes"):
        prepare(job.config, others, run=Run(tmp_path / "r"))


@pytest.mark.slow
def test_the_same_images_at_another_path_resume(tmp_path: Path) -> None:
    """By the fingerprint; the config then names the new path."""
    (tmp_path / "before").mkdir()
    for number in range(12):
        photo(number, (28, 28), "L").save(tmp_path / "before" / f"{number}.png")
    first = configure(tmp_path / "before", steps=4, options=TINY)
    stop_after(prepare(first, run=Run(tmp_path / "r")), tmp_path / "r", 2)
    (tmp_path / "before").rename(tmp_path / "after")
    moved = configure(tmp_path / "after", steps=4, options=TINY)
    assert len(stop_after(prepare(moved, run=Run(tmp_path / "r")), tmp_path / "r", 9)) == 2
    assert Run(tmp_path / "r").plan().data.source == str(tmp_path / "after")
    (tmp_path / "after").rename(tmp_path / "before")
    assert stop_after(prepare(first, run=Run(tmp_path / "r")), tmp_path / "r", 9) == []  # and no warning of an edit
    assert Run(tmp_path / "r").plan().data.source == str(tmp_path / "before")
    assert not [problem for _, problem in check(Run(tmp_path / "r")) if problem]


@pytest.mark.slow
def test_epochs_of_more_images_are_trained_if_they_are_accepted(job: Job, tmp_path: Path) -> None:
    """As many as were asked for; the run had settled on the steps for fewer images."""
    config = job.config.updated("training", epochs=2, steps=None)
    stop_after(prepare(config, job.images, run=Run(tmp_path / "r")), tmp_path / "r", 99)
    more = ImageSet.of("noise", np.zeros((40, 8, 8, 1), np.uint8), np.arange(40) % 4, ["a", "b", "c", "d"])
    again = prepare(config, more, Wish(accept_changes=True), Run(tmp_path / "r"))
    *_, last = fit_job(again, Run(tmp_path / "r"))
    assert (last.images, last.images_seen) == (80, 80)


@pytest.mark.slow
def test_a_run_goes_on_with_another_batch_size_if_changes_are_accepted(job: Job, tmp_path: Path) -> None:
    """Progress is counted in images: the learning rate goes on where it was, to the same horizon."""
    cooling = job.config.updated("training", learning_rate_decay="linear", cooldown=1.0)
    first = stop_after(prepare(cooling, job.images, run=Run(tmp_path / "r")), tmp_path / "r", 20)
    larger = cooling.updated("training", batch_size=16, steps=20)
    with pytest.raises(NevoaError, match=r"training.batch_size: was 8, now 16[^$]*--accept-changes"):
        prepare(larger, job.images, run=Run(tmp_path / "r"))
    changed = prepare(larger, job.images, Wish(accept_changes=True), Run(tmp_path / "r"))
    rest = list(fit_job(changed, Run(tmp_path / "r")))
    assert [step.images_seen for step in rest] == [*range(176, 321, 16)]
    assert first[-1].learning_rate == pytest.approx(1e-3 * (1 - 152 / 320))
    assert [step.learning_rate for step in rest] == pytest.approx([1e-3 * (1 - s / 320) for s in range(160, 320, 16)])


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["edited", "removed", "cut", "not UTF-8"])
def test_a_plan_that_was_lost_or_edited_is_restored(job: Job, tmp_path: Path, damage: str) -> None:
    """From the checkpoint's copy, and the run ends as if nothing had happened."""
    job = prepare(job.config, job.images, run=Run(tmp_path / "a"))
    for name in ("a", "b"):
        stop_after(job, tmp_path / name, 5)
    run, text = Run(tmp_path / "b"), Run(tmp_path / "b").plan_file.read_bytes()
    changed = {
        "edited": text.replace(b"seed = 0", b"seed = 9"),
        "removed": None,
        "cut": text[:100],
        "not UTF-8": b"\xff" + text,
    }[damage]
    run.plan_file.unlink() if changed is None else run.plan_file.write_bytes(changed)
    assert [part for part, problem in check(run) if problem] == ["plan.toml"]
    resumed = prepare(job.config, job.images, run=run)
    with pytest.warns(UserWarning, match="restored") if changed else nullcontext():
        stop_after(resumed, run.folder, 99)
    stop_after(job, tmp_path / "a", 99)
    assert outcome(Run(tmp_path / "a")) == outcome(run)
    assert run.plan() == job.plan


@pytest.mark.slow
def test_a_finished_run_publishes_a_damaged_model_again(job: Job, tmp_path: Path) -> None:
    stop_after(job, tmp_path / "r", 99)
    run = Run(tmp_path / "r")
    weights = run.weights_file.read_bytes()
    for damage in (weights[:-1] + b"\1", None):
        run.weights_file.unlink() if damage is None else run.weights_file.write_bytes(damage)
        assert stop_after(job, run.folder, 1) == []
        assert run.weights_file.read_bytes() == weights


@pytest.mark.slow
def test_a_finished_run_without_checkpoints_is_not_trained_anew(tiny: Config, tmp_path: Path) -> None:
    list(nevoa.fit(tiny, tmp_path / "r"))
    shutil.rmtree(tmp_path / "r" / "checkpoints")
    with pytest.raises(NevoaError, match="lost its checkpoints"):
        nevoa.fit(tiny, tmp_path / "r")


@pytest.mark.slow
def test_a_stopped_run_whose_checkpoints_are_gone_is_not_begun_anew(tiny: Config, tmp_path: Path) -> None:
    """Its disk may not be mounted. But one that never came to its first checkpoint begins."""
    stream = nevoa.fit(tiny, tmp_path / "r")
    list(itertools.islice(stream, 5))
    stream.close()
    lines = Run(tmp_path / "r").metrics_file.read_bytes()
    shutil.rmtree(tmp_path / "r" / "checkpoints")
    with pytest.raises(NevoaError, match=r"lost its checkpoints.*Put them back"):
        prepare(tiny, run=Run(tmp_path / "r"))
    assert Run(tmp_path / "r").metrics_file.read_bytes() == lines
    for before_the_plan in (True, False):
        run = Run(tmp_path / f"killed early {before_the_plan}")
        run.checkpoints.mkdir(parents=True)
        if not before_the_plan:
            shutil.copy(tmp_path / "r" / "plan.toml", run.plan_file)
        prepare(tiny, run=Run(run.folder))


def test_another_budget_is_accepted_and_nothing_else(job: Job) -> None:
    longer = again(job, images=640)
    check_same(job.plan, longer.plan)
    with pytest.raises(NevoaError, match="resume with the new settings: --accept-changes"):
        check_same(job.plan, again(longer, learning_rate=0.5).plan)
    check_same(job.plan, again(longer, learning_rate=0.5).plan, accept_changes=True)
    for never in ({"optimizer": "adamw"}, {"seed": 1}):
        with pytest.raises(NevoaError, match=r"Choose another --out\.$"):
            check_same(job.plan, again(job, **never).plan, accept_changes=True)
