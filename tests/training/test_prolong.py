"""A run with a budget of minutes decides again how many steps it takes, and any run can be trained for longer."""

import dataclasses
import itertools
import shutil
from collections import deque
from pathlib import Path

import pytest

from nevoa.errors import NevoaError
from nevoa.runs import Run, checkpoint, decisions
from nevoa.runs.check import check
from nevoa.runs.decisions import Costs
from nevoa.training import Job, fit_resolved, resolve_run
from nevoa.training.pace import Pace
from nevoa.training.prolong import starting_point
from tests.small_runs import outcome, stop_after, told

LIMIT = 200


@pytest.fixture
def cooling(job: Job, tmp_path: Path) -> Job:
    """Forty steps, whose learning rate decays over the last thirty."""
    values = {"learning_rate_decay": "linear", "cooldown": 0.75, "checkpoint_every_images": 48, "accumulation": 1}
    return resolve_run(job.config.updated("training", **values), tmp_path / "none", job.images)


@pytest.fixture
def paced(cooling: Job, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A run of minutes: by its clock each step takes longer than the one before, so every decision differs."""
    clock = itertools.count()
    monkeypatch.setattr(Pace, "spent", property(lambda _: 0.02 * next(clock) ** 1.5))
    monkeypatch.setattr(Pace, "fitting", lambda self, step, _: step + max(1, int(30 - self.spent)))
    config = cooling.config.updated("training", minutes=1.0, steps=40, accumulation=1)
    return dataclasses.replace(cooling, config=config, costs=Costs(0.01, 0.01, 2, 0.01), is_paced=True)


def steps_of(run: Run) -> list[int]:
    return [decision.steps for decision in decisions.read(run)]


def test_a_run_of_minutes_decides_again_and_keeps_a_record(paced: Job, tmp_path: Path) -> None:
    run, steps = Run(tmp_path / "r"), stop_after(paced, tmp_path / "r", LIMIT)
    assert len(set(steps_of(run))) > 3
    assert steps[-1].step == steps[-1].steps == run.config().training.steps == steps_of(run)[-1]
    last, before = steps[-1].learning_rate, steps[-2].learning_rate
    assert 0 < last < before < steps[0].learning_rate


@pytest.mark.parametrize("kept", [3, 12])
def test_a_run_that_is_killed_between_decisions_repeats_them(paced: Job, tmp_path: Path, kept: int) -> None:
    """From any of its checkpoints, the first of which comes after 6 steps, a run comes to the same end as before."""
    whole, again = Run(tmp_path / "whole"), Run(tmp_path / "again")
    stream = fit_resolved(paced, whole.folder)
    deque(itertools.islice(stream, kept), maxlen=0)
    shutil.copytree(whole.folder, again.folder)
    last = deque(stream, maxlen=1)[0]
    again.course_file.write_bytes(whole.course_file.read_bytes() + b'{"step": 9')
    rest = stop_after(paced, again.folder, LIMIT)
    assert told(rest[-1]) == told(last)
    assert outcome(again) == outcome(whole)
    assert steps_of(again) == steps_of(whole)
    assert again.config().training.steps == whole.config().training.steps


def test_a_run_whose_file_of_decisions_was_torn_goes_on_to_write_it(paced: Job, tmp_path: Path) -> None:
    run = Run(tmp_path / "r")
    stop_after(paced, run.folder, 9)
    run.course_file.write_bytes(run.course_file.read_bytes() + b'{"step": 9')
    last = stop_after(paced, run.folder, LIMIT)[-1]
    assert dict(check(run))["course.jsonl"] == ""
    assert steps_of(run)[-1] == last.steps


def test_a_run_keeps_the_state_from_before_its_cool_down(cooling: Job, tmp_path: Path) -> None:
    run = Run(tmp_path / "r")
    stop_after(cooling, run.folder, LIMIT)
    warm = checkpoint.newest_warm(run.checkpoints)
    assert warm is not None and warm.name == f"{10 * 8:012d}"


@pytest.mark.parametrize("stop", [15, LIMIT], ids=["in its cool-down", "finished"])
def test_a_longer_budget_gives_what_a_straight_run_gives(cooling: Job, tmp_path: Path, stop: int) -> None:
    longer = cooling.config.updated("training", steps=60)
    straight = resolve_run(longer, tmp_path / "straight", cooling.images)
    stop_after(straight, tmp_path / "straight", LIMIT)
    stop_after(cooling, tmp_path / "r", stop)
    job = resolve_run(longer, tmp_path / "r", cooling.images)
    first = next(iter(stop_after(job, tmp_path / "r", LIMIT)))
    assert first.step == 11
    found, expected = outcome(Run(tmp_path / "r")), outcome(Run(tmp_path / "straight"))
    assert {**found, "state": None} == {**expected, "state": None}


def test_another_budget_of_as_many_steps_leaves_a_finished_run_as_it_is(cooling: Job, tmp_path: Path) -> None:
    """Unless it is one of minutes, whose number of steps is an estimate."""
    run = Run(tmp_path / "r")
    stop_after(cooling, run.folder, LIMIT)
    before, saved = outcome(run), checkpoint.checkpoints(run.checkpoints)
    epochs = cooling.config.updated("training", steps=None, epochs=16)
    job = resolve_run(epochs, run.folder, cooling.images)
    assert job.config.training.steps == 40
    for _ in range(2):
        assert stop_after(job, run.folder, LIMIT) == []
    assert (outcome(run), checkpoint.checkpoints(run.checkpoints)) == (before, saved)
    minutes = cooling.config.updated("training", minutes=1.0)
    job = dataclasses.replace(cooling, config=minutes)
    assert starting_point(job, run) == checkpoint.newest_warm(run.checkpoints)


def test_a_run_without_a_warm_state_goes_on_from_its_end(job: Job, tmp_path: Path) -> None:
    values = {"learning_rate_decay": "linear", "cooldown": 1.0}
    whole = resolve_run(job.config.updated("training", **values, accumulation=1), tmp_path / "r", job.images)
    stop_after(whole, tmp_path / "r", LIMIT)
    longer = resolve_run(whole.config.updated("training", steps=80), tmp_path / "r", job.images)
    first = next(iter(stop_after(longer, tmp_path / "r", 1)))
    assert (first.step, first.learning_rate) == (41, pytest.approx(1e-3 * 40 / 80))


@pytest.mark.parametrize(("stop", "rate"), [(7, 1e-3), (15, 1e-3 * 25 / 30)])
def test_a_stopped_run_cools_down_at_once(
    cooling: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int, rate: float
) -> None:
    """In as many steps as fit, whatever its budget; the learning rate falls from where it would have been."""
    stop_after(cooling, tmp_path / "r", stop)
    monkeypatch.setattr(Pace, "fitting", lambda self, step, _: stop + 5)
    job = resolve_run(cooling.config, tmp_path / "r", cooling.images, cool_down=60)
    assert job.config.training.minutes == pytest.approx(1, abs=0.5)
    rates = [step.learning_rate for step in stop_after(job, tmp_path / "r", LIMIT)]
    assert rates == pytest.approx([rate * left / 5 for left in (5, 4, 3, 2, 1)])


@pytest.mark.parametrize(("decay", "cooldown"), [("none", 1.0), ("linear", 0.3)])
def test_a_cool_down_is_for_every_run(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decay: str, cooldown: float
) -> None:
    """One whose rate would not fall, and one that took fewer steps than are left; it may be stopped in between."""
    values = {"learning_rate_decay": decay, "cooldown": cooldown}
    job = resolve_run(job.config.updated("training", **values), tmp_path / "none", job.images)
    stop_after(job, tmp_path / "r", 3)
    monkeypatch.setattr(Pace, "fitting", lambda self, step, _: 13)
    ending = resolve_run(job.config, tmp_path / "r", job.images, cool_down=60)
    rates = [step.learning_rate for step in stop_after(ending, tmp_path / "r", 4)]
    resumed = resolve_run(Run(tmp_path / "r").last_config(), tmp_path / "r", job.images)
    rates += [step.learning_rate for step in stop_after(resumed, tmp_path / "r", LIMIT)]
    assert rates == pytest.approx([1e-3 * left / 10 for left in range(10, 0, -1)])
    warm = checkpoint.newest_warm(Run(tmp_path / "r").checkpoints)
    assert warm is not None and warm.name == f"{3 * 8:012d}"


def test_a_cool_down_counts_the_seconds_that_a_run_of_steps_took(
    cooling: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are within its minutes, so they are not there a second time."""
    last, found = stop_after(cooling, tmp_path / "r", 7)[-1], list[float]()
    job = resolve_run(cooling.config, tmp_path / "r", cooling.images, cool_down=60)
    monkeypatch.setattr(Pace, "fitting", lambda self, step, _: found.append(self.before) or step + 5)
    stop_after(job, tmp_path / "r", 1)
    assert found == [pytest.approx(last.seconds)]
    assert 60 * (job.config.training.minutes or 0) == pytest.approx(60 + last.seconds)


def test_a_run_that_was_stopped_before_its_config_was_written_starts_anew(paced: Job, tmp_path: Path) -> None:
    """Its first decision, of whatever budget, is there already."""
    run = Run(tmp_path / "r")
    run.folder.mkdir()
    stop_after(paced, tmp_path / "other", 1)
    shutil.copy(Run(tmp_path / "other").course_file, run.course_file)
    stop_after(resolve_run(paced.config.updated("training", minutes=None), run.folder, paced.images), run.folder, LIMIT)
    assert [line["step"] for line in run.metrics()][-1] == 40


def test_less_than_the_run_has_taken_is_refused(cooling: Job, tmp_path: Path) -> None:
    stop_after(cooling, tmp_path / "r", LIMIT)
    minutes = cooling.config.updated("training", steps=None, minutes=1e-6)
    for config, taken in ((cooling.config.updated("training", steps=20), "40 steps"), (minutes, "minutes")):
        with pytest.raises(NevoaError, match=f"has taken .*{taken} already"):
            resolve_run(config, tmp_path / "r", cooling.images)
