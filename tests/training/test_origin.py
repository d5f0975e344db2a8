"""A run with a budget of minutes decides again where it ends, and any run can be trained for longer."""

import itertools
import shutil
from collections import deque
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nevoa
from nevoa.config.presets import configure
from nevoa.errors import NevoaError
from nevoa.runs import Run, checkpoint, journal
from nevoa.runs.check import check
from nevoa.runs.journal import Costs
from nevoa.training import Job, Wish, fit_job, prepare
from nevoa.training.budget import Budget
from nevoa.training.job import repetition
from nevoa.training.measure import Trial
from nevoa.training.origin import origin_of
from tests.conftest import TINY
from tests.small_runs import again, outcome, replanned, stop_after, told

pytestmark = pytest.mark.slow

LIMIT = 200


@pytest.fixture
def cooling(job: Job, tmp_path: Path) -> Job:
    """Forty batches, whose learning rate decays over the last thirty."""
    values = {"learning_rate_decay": "linear", "cooldown": 0.75, "checkpoint_every_images": 48, "accumulation": 1}
    return prepare(job.config.updated("training", **values), job.images, run=Run(tmp_path / "none"))


@pytest.fixture
def paced(cooling: Job, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A run of minutes: by its clock each step takes longer than the one before, so every decision differs."""
    clock = itertools.count()
    monkeypatch.setattr(Budget, "spent", property(lambda _: 0.02 * next(clock) ** 1.5))
    monkeypatch.setattr(Budget, "fitting", lambda self, seen, _: seen + 8 * max(1, int(30 - self.spent)))
    config = cooling.config.updated("training", minutes=1.0, steps=None)
    return replace(again(cooling, minutes=1.0), config=config, costs=Costs(0.01 / 8, 0.01, 2, 0.01))


def horizons_of(run: Run) -> list[int]:
    return [horizon.images for horizon in journal.horizons(journal.read(run)).values()]


def tear(run: Run) -> None:
    run.journal_file.write_bytes(run.journal_file.read_bytes() + b'{"event": "mov')


def test_a_run_of_minutes_decides_again_and_keeps_a_record(paced: Job, tmp_path: Path) -> None:
    run, steps = Run(tmp_path / "r"), stop_after(paced, tmp_path / "r", LIMIT)
    assert len(set(horizons_of(run))) > 3
    assert steps[-1].images_seen == steps[-1].images == horizons_of(run)[-1]
    assert run.plan() == paced.plan  # the first horizon; the journal has the others
    last, before = steps[-1].learning_rate, steps[-2].learning_rate
    assert 0 < last < before < steps[0].learning_rate


@pytest.mark.parametrize("kept", [3, 12])
def test_a_run_that_is_killed_between_decisions_repeats_them(paced: Job, tmp_path: Path, kept: int) -> None:
    """From any of its checkpoints, the first of which comes after 6 steps, a run comes to the same end as before."""
    whole, killed = Run(tmp_path / "whole"), Run(tmp_path / "killed")
    stream = fit_job(paced, whole)
    deque(itertools.islice(stream, kept), maxlen=0)
    shutil.copytree(whole.folder, killed.folder)
    last = deque(stream, maxlen=1)[0]
    killed.journal_file.write_bytes(whole.journal_file.read_bytes())
    tear(killed)
    rest = stop_after(paced, killed.folder, LIMIT)
    assert told(rest[-1]) == told(last)
    assert outcome(killed) == outcome(whole)
    assert horizons_of(killed) == horizons_of(whole)


def test_a_run_whose_journal_was_torn_goes_on_to_write_it(paced: Job, tmp_path: Path) -> None:
    run = Run(tmp_path / "r")
    stop_after(paced, run.folder, 9)
    tear(run)
    last = stop_after(paced, run.folder, LIMIT)[-1]
    assert dict(check(run))["journal.jsonl"] == ""
    assert horizons_of(run)[-1] == last.images


def test_a_run_keeps_the_state_from_before_its_cool_down(cooling: Job, tmp_path: Path) -> None:
    run = Run(tmp_path / "r")
    stop_after(cooling, run.folder, LIMIT)
    warm = checkpoint.newest_warm(run.checkpoints)
    assert warm is not None and warm.name == f"{10 * 8:012d}"


@pytest.mark.parametrize("stop", [15, LIMIT], ids=["in its cool-down", "finished"])
def test_a_longer_budget_gives_what_a_straight_run_gives(cooling: Job, tmp_path: Path, stop: int) -> None:
    longer = cooling.config.updated("training", steps=60)
    straight = prepare(longer, cooling.images, run=Run(tmp_path / "straight"))
    stop_after(straight, tmp_path / "straight", LIMIT)
    stop_after(cooling, tmp_path / "r", stop)
    job = prepare(longer, cooling.images, run=Run(tmp_path / "r"))
    first = next(iter(stop_after(job, tmp_path / "r", LIMIT)))
    assert first.images_seen == 11 * 8
    found, expected = outcome(Run(tmp_path / "r")), outcome(Run(tmp_path / "straight"))
    assert {**found, "state": None} == {**expected, "state": None}


def test_an_extension_that_was_killed_before_its_first_checkpoint_leaves_the_former_command_as_it_was(
    cooling: Job, tmp_path: Path
) -> None:
    whole, extended, killed = (tmp_path / name for name in ("whole", "extended", "killed"))
    stop_after(cooling, whole, LIMIT)
    shutil.copytree(whole, extended)
    longer = prepare(cooling.config.updated("training", steps=60), cooling.images, run=Run(extended))
    next(stream := fit_job(longer, Run(extended)))
    shutil.copytree(extended, killed)
    stream.close()
    assert stop_after(cooling, killed, LIMIT)[-1].images_seen == cooling.plan.training.images
    assert {**outcome(Run(killed)), "state": None} == {**outcome(Run(whole)), "state": None}


def test_another_budget_of_as_many_steps_leaves_a_finished_run_as_it_is(cooling: Job, tmp_path: Path) -> None:
    """Unless it is one of minutes, whose number of steps is an estimate."""
    run = Run(tmp_path / "r")
    stop_after(cooling, run.folder, LIMIT)
    before, saved = outcome(run), checkpoint.checkpoints(run.checkpoints)
    epochs = cooling.config.updated("training", steps=None, epochs=16)
    job = prepare(epochs, cooling.images, run=Run(run.folder))
    assert job.plan.training.images == 320
    for _ in range(2):
        assert stop_after(job, run.folder, LIMIT) == []
    assert (outcome(run), checkpoint.checkpoints(run.checkpoints)) == (before, saved)
    assert origin_of(again(cooling, minutes=1.0), run).checkpoint == checkpoint.newest_warm(run.checkpoints)


def test_a_run_without_a_warm_state_goes_on_from_its_end(job: Job, tmp_path: Path) -> None:
    values = {"learning_rate_decay": "linear", "cooldown": 1.0}
    whole = prepare(job.config.updated("training", **values, accumulation=1), job.images, run=Run(tmp_path / "r"))
    stop_after(whole, tmp_path / "r", LIMIT)
    longer = prepare(whole.config.updated("training", steps=80), job.images, run=Run(tmp_path / "r"))
    first = next(iter(stop_after(longer, tmp_path / "r", 1)))
    assert (first.images_seen, first.learning_rate) == (41 * 8, pytest.approx(1e-3 * 40 / 80))


@pytest.mark.parametrize(("stop", "rate"), [(7, 1e-3), (15, 1e-3 * 25 / 30)])
def test_a_stopped_run_cools_down_at_once(
    cooling: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int, rate: float
) -> None:
    """In as many steps as fit, whatever its budget; the learning rate falls from where it would have been."""
    stop_after(cooling, tmp_path / "r", stop)
    monkeypatch.setattr(Budget, "fitting", lambda self, seen, _: 8 * (stop + 5))
    job = prepare(cooling.config, cooling.images, Wish(cool_down=60), Run(tmp_path / "r"))
    assert job.plan.training.minutes == pytest.approx(1, abs=0.5)
    rates = [step.learning_rate for step in stop_after(job, tmp_path / "r", LIMIT)]
    assert rates == pytest.approx([rate * left / 5 for left in (5, 4, 3, 2, 1)])


@pytest.mark.parametrize(("decay", "cooldown"), [("none", 1.0), ("linear", 0.3)])
def test_a_cool_down_is_for_every_run(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decay: str, cooldown: float
) -> None:
    """One whose rate would not fall, and one that took fewer steps than are left; it may be stopped in between."""
    values = {"learning_rate_decay": decay, "cooldown": cooldown}
    job = prepare(job.config.updated("training", **values), job.images, run=Run(tmp_path / "none"))
    stop_after(job, tmp_path / "r", 3)
    monkeypatch.setattr(Budget, "fitting", lambda self, seen, _: 8 * 13)
    ending = prepare(job.config, job.images, Wish(cool_down=60), Run(tmp_path / "r"))
    rates = [step.learning_rate for step in stop_after(ending, tmp_path / "r", 4)]
    resumed = prepare(Run(tmp_path / "r").config(), job.images, run=Run(tmp_path / "r"))
    rates += [step.learning_rate for step in stop_after(resumed, tmp_path / "r", LIMIT)]
    assert rates == pytest.approx([1e-3 * left / 10 for left in range(10, 0, -1)])
    warm = checkpoint.newest_warm(Run(tmp_path / "r").checkpoints)
    assert warm is not None and warm.name == f"{3 * 8:012d}"


def test_a_cool_down_counts_the_seconds_that_a_run_of_steps_took(
    cooling: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are within its minutes, so they are not there a second time."""
    last, found = stop_after(cooling, tmp_path / "r", 7)[-1], list[float]()
    job = prepare(cooling.config, cooling.images, Wish(cool_down=60), Run(tmp_path / "r"))
    monkeypatch.setattr(Budget, "fitting", lambda self, seen, _: found.append(self.before) or seen + 40)
    stop_after(job, tmp_path / "r", 1)
    assert found == [pytest.approx(last.seconds)]
    assert 60 * (job.plan.training.minutes or 0) == pytest.approx(60 + last.seconds)


def test_a_run_that_was_stopped_before_its_plan_was_written_starts_anew(paced: Job, tmp_path: Path) -> None:
    """Its first decision, of whatever budget, is there already."""
    run = Run(tmp_path / "r")
    run.folder.mkdir()
    stop_after(paced, tmp_path / "other", 1)
    shutil.copy(Run(tmp_path / "other").journal_file, run.journal_file)
    stop_after(
        prepare(paced.config.updated("training", minutes=None, steps=40), paced.images, run=Run(run.folder)),
        run.folder,
        LIMIT,
    )
    assert [line["images_seen"] for line in run.metrics()][-1] == 320


def test_less_than_the_run_has_taken_is_refused(cooling: Job, tmp_path: Path) -> None:
    stop_after(cooling, tmp_path / "r", LIMIT)
    minutes = cooling.config.updated("training", steps=None, minutes=1e-6)
    for config, taken in ((cooling.config.updated("training", steps=20), "320 images"), (minutes, "minutes")):
        with pytest.raises(NevoaError, match=f"has taken .*{taken} already"):
            prepare(config, cooling.images, run=Run(tmp_path / "r"))


def test_the_plan_of_a_run_repeats_it_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of minutes, whose horizon moved on the way, and which was then trained for longer."""
    first, second = Run(tmp_path / "first"), Run(tmp_path / "second")
    clock = itertools.count()
    monkeypatch.setattr(Budget, "spent", property(lambda _: 0.02 * next(clock) ** 1.5))
    monkeypatch.setattr(Budget, "fitting", lambda self, seen, _: seen + 8 * max(1, int(30 - self.spent)))
    monkeypatch.setattr(Trial, "image_seconds", 0.15)
    options = (*TINY, "training.learning_rate_decay=linear", "training.cooldown=0.5")
    list(nevoa.fit(configure("fashion_mnist_10k", minutes=1, options=options), first.folder))
    list(nevoa.fit(configure("fashion_mnist_10k", steps=100, options=options), first.folder))
    monkeypatch.undo()
    last = deque(fit_job(repetition(first.plan_file, second), second), maxlen=1)[0]
    assert len(horizons_of(first)) > 3
    assert horizons_of(second) == horizons_of(first)
    assert last.images_seen == last.images == 800
    assert second.weights_file.read_bytes() == first.weights_file.read_bytes()


def test_a_plan_is_repeated_on_its_own_images_alone(tmp_path: Path) -> None:
    run, file = Run(tmp_path / "first"), tmp_path / "images.npy"
    np.save(file, np.zeros((20, 8, 8), np.uint8))
    list(nevoa.fit(configure(file, steps=2, options=TINY), run.folder))
    np.save(file, np.ones((20, 8, 8), np.uint8))
    with pytest.raises(NevoaError, match=r"images of .*images\.npy have changed since"):
        repetition(run.plan_file, Run(tmp_path / "second"))
    assert not (tmp_path / "second").exists()


def test_a_repetition_does_not_lie_among_its_images(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    (photos / "cat").mkdir(parents=True)
    for index in range(8):
        Image.fromarray(np.full((8, 8), 20 * index, np.uint8)).save(photos / "cat" / f"{index}.png")
    run = Run(tmp_path / "first")
    list(nevoa.fit(configure(photos, steps=2, options=TINY), run.folder))
    with pytest.raises(NevoaError, match="would lie among the images in"):
        repetition(run.plan_file, Run(photos / "cat" / "second"))


def test_a_repetition_asks_for_the_model_that_its_run_started_from(tmp_path: Path, few_images_file: Path) -> None:
    """Random weights in its place would be another training."""
    run, config = Run(tmp_path / "first"), configure(few_images_file, steps=1, options=TINY)
    list(nevoa.fit(config, run.folder))
    run.write(config, replanned(run.plan(), start="runs/gone"))
    with pytest.raises(NevoaError, match="starts from the model of runs/gone: give it as start="):
        repetition(run.plan_file, Run(tmp_path / "again"))
