"""The journal of a run: what was decided when, and how it ended, by replay."""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nevoa.runs import Run, card, journal
from nevoa.runs.horizon import Horizon
from nevoa.runs.journal import Costs, Event
from nevoa.training import Job, Step, fit_job
from nevoa.training.loop import training_steps
from nevoa.training.recorder import Recorder
from tests.small_runs import again, stop_after

COSTS = Costs(image=0.001, preview=0.2, preview_steps=4, checkpoint=0.1, end=2.0)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "r")


def horizons(run: Run) -> dict[int, int]:
    """Where the training was going to end, by when that was decided."""
    return {seen: horizon.images for seen, horizon in journal.horizons(journal.read(run)).items()}


def events(run: Run) -> list[tuple[Event, int]]:
    return [(entry.event, entry.images_seen) for entry in journal.read(run)]


def test_an_entry_comes_back_as_it_was_written(run: Run) -> None:
    horizon = Horizon(96, since=8, cooled=0.25, cooling=True)
    journal.write(run, "extended", 8, horizon=horizon, seconds=1.5, costs=COSTS, about={"pid": 7})
    (entry,) = journal.read(run)
    assert (entry.event, entry.images_seen, entry.horizon, entry.seconds) == ("extended", 8, horizon, 1.5)
    assert (entry.costs, entry.about, entry.message) == (COSTS, {"pid": 7}, "")


@pytest.mark.slow
def test_a_training_only_appends(job: Job, run: Run) -> None:
    """Stopped, resumed to its end, and trained for longer."""
    texts = [b""]
    job = again(job, images=64)
    for training, count in ((job, 3), (job, 99), (again(job, images=80), 99)):
        stop_after(training, run.folder, count)
        texts.append(run.journal_file.read_bytes())
        assert texts[-1].startswith(texts[-2]) and texts[-1] != texts[-2]
    begun = [("planned", 0), ("started", 0), ("stopped", 24), ("started", 24), ("finished", 64)]
    assert events(run) == [*begun, ("extended", 64), ("started", 64), ("finished", 80)]


def test_a_torn_last_line_is_passed_over_and_then_dropped(run: Run) -> None:
    journal.write(run, "planned", 0, horizon=Horizon(96))
    whole = run.journal_file.read_bytes()
    with run.journal_file.open("ab") as file:
        file.write(b'{"event":"moved","at":1.0,"ima')
    assert events(run) == [("planned", 0)]
    journal.mend(run)
    assert run.journal_file.read_bytes() == whole
    journal.write(run, "finished", 96)
    assert events(run) == [("planned", 0), ("finished", 96)]


@pytest.mark.parametrize("line", ["{}", "7", '{"event": "danced", "at": 1, "images_seen": 0}'])
def test_what_is_no_entry_ends_the_journal(run: Run, line: str) -> None:
    journal.write(run, "planned", 0, horizon=Horizon(96))
    with run.journal_file.open("a") as file:
        file.write(f"{line}\n")
    journal.write(run, "finished", 96)
    assert events(run) == [("planned", 0)]


def test_without_a_journal_nothing_was_decided(run: Run) -> None:
    assert (events(run), horizons(run), journal.costs_of(run)) == ([], {}, None)
    journal.mend(run)
    assert not run.journal_file.exists()


def test_a_resumed_training_repeats_what_was_decided(run: Run) -> None:
    """Whatever a killed process had decided after its newest checkpoint stays decided."""
    journal.write(run, "planned", 0, horizon=Horizon(96))
    journal.write(run, "moved", 32, horizon=Horizon(112, since=32))
    journal.write(run, "started", 16)
    journal.write(run, "moved", 32, horizon=Horizon(128, since=32))
    journal.write(run, "moved", 48, horizon=Horizon(120, since=48))
    assert horizons(run) == {0: 96, 32: 112, 48: 120}


@pytest.mark.parametrize("event", ["planned", "extended"])
def test_a_run_that_goes_on_from_an_earlier_checkpoint_forgets_what_came_after(run: Run, event: Event) -> None:
    for seen, images in ((0, 96), (32, 112), (64, 104)):
        journal.write(run, "moved" if seen else "planned", seen, horizon=Horizon(images, since=seen))
    journal.write(run, event, 32, horizon=Horizon(200, since=32))
    assert horizons(run) == {0: 96, 32: 200}
    journal.write(run, "moved", 64, horizon=Horizon(192, since=64))
    assert horizons(run) == {0: 96, 32: 200, 64: 192}


@pytest.mark.slow
def test_a_longer_training_goes_on_from_before_the_cool_down_in_the_journal_too(job: Job, run: Run) -> None:
    job = again(job, images=64, learning_rate_decay="linear", cooldown=0.5)
    stop_after(job, run.folder, 99)
    assert ("cool-down", 32) in events(run)
    stop_after(again(job, images=96), run.folder, 99)
    assert horizons(run) == {0: 64, 32: 96}
    assert events(run).count(("cool-down", 48)) == 1


def test_a_decision_is_noted_once_in_each_budget(job: Job, run: Run) -> None:
    """An interrupted training decides again what is in the journal; a longer one decides anew."""
    state = job.fresh_state()
    step = next(training_steps(state, job.images))

    def moved(images: int) -> None:
        def steps() -> Iterator[Step]:
            state.horizon = Horizon(images, since=32)
            yield step

        state.horizon = Horizon(999)
        deque(Recorder(run, state).report(steps()), maxlen=0)

    journal.write(run, "planned", 0, horizon=Horizon(96))
    moved(112)
    moved(104)
    assert horizons(run) == {0: 96, 32: 112}
    journal.write(run, "extended", 16, horizon=Horizon(200, since=16))
    moved(192)
    moved(184)
    assert horizons(run) == {0: 96, 16: 200, 32: 192}


def test_the_newest_costs_are_those_of_the_last_budget_of_minutes(run: Run) -> None:
    slower = COSTS.at(0.002)
    for costs in (COSTS, slower, None):
        journal.write(run, "extended", 8, horizon=Horizon(96), costs=costs)
    assert journal.costs_of(run) == slower
    assert (slower.preview, slower.checkpoint, slower.end, slower.preview_steps) == (0.4, 0.2, 4.0, 4)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([], ("stopped", "")),
        (["started"], ("stopped", "")),
        (["started", "stopped"], ("stopped", "")),
        (["started", "finished"], ("finished", "")),
        (["started", "failed"], ("failed", "no memory")),
        (["started", "failed", "started"], ("stopped", "")),
        (["started", "finished", "extended"], ("finished", "")),
    ],
    ids=", then ".join,
)
def test_the_status_is_how_the_last_training_ended(run: Run, ends: list[Event], expected: tuple[str, str]) -> None:
    """One that only began was killed."""
    for event in ends:
        journal.write(run, event, 8, message="no memory" if event == "failed" else "")
    assert journal.status(run) == expected


def test_a_training_that_fails_says_why(job: Job, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr(card, "write", full)
    with pytest.raises(RuntimeError):
        list(fit_job(replace(job, started=0.0), run))
    assert journal.status(run) == ("failed", "no memory")
