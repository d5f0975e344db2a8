"""Training from Python: it can be interrupted, and leaves the process as it was."""

import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import nevoa
from nevoa import pictures
from nevoa._util.interrupt import interrupts_deferred
from nevoa.config import Config
from nevoa.config.presets import configure
from nevoa.data import ImageSet, load_images
from nevoa.errors import NevoaError
from nevoa.runs import checkpoint, status_of
from nevoa.runs.run import Run
from nevoa.training import Job, fit_job, prepare, show_progress, update
from nevoa.training.ema import update_average
from nevoa.training.feed import batches_of
from nevoa.training.loop import training_steps
from nevoa.training.state import TrainingState
from tests.conftest import TINY
from tests.small_runs import outcome, state_of


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Python's own handler: a shell starts processes in the background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
def test_ctrl_c_within_a_step_ends_it_and_saves(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a notebook's stop button does. The resumed run then ends as an uninterrupted one."""
    list(fit_job(job, Run(tmp_path / "whole")))
    original, pressed = TrainingState.model, []

    def interrupted(state: TrainingState) -> nevoa.Model:
        if state.images_seen == 7 * 8 and not pressed:
            pressed.append(True)
            os.kill(os.getpid(), signal.SIGINT)
        return original(state)

    monkeypatch.setattr(TrainingState, "model", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(fit_job(job, Run(tmp_path / "r")))
    monkeypatch.undo()
    newest = checkpoint.newest(Run(tmp_path / "r").checkpoints)
    assert newest is not None
    assert int(newest.name) == 7 * 8
    list(fit_job(job, Run(tmp_path / "r")))
    assert outcome(Run(tmp_path / "r")) == outcome(Run(tmp_path / "whole"))


def test_ctrl_c_within_a_step_ends_it_without_a_folder(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that have been updated are averaged, too."""
    ended = []

    def interrupted(*arguments: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        update_average(*arguments)
        ended.append(True)

    monkeypatch.setattr(update, "update_average", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(nevoa.fit(job.config, images=job.images))
    assert ended == [True]


def test_a_second_ctrl_c_does_not_wait() -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt), interrupts_deferred():
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("first")
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("second")
    assert reached == ["first"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_and_other_handlers_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    failed: list[BaseException] = []

    def elsewhere() -> None:
        try:
            with interrupts_deferred():
                pass
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert not failed
    mine = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_deferred():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, mine)


@pytest.mark.slow
@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_a_step_leaves_threads_and_random_state_as_they_were(residual_job: Job, dropout: float) -> None:
    config = residual_job.config.updated("network", dropout=dropout)
    config = config.updated("training", threads=torch.get_num_threads() + 1)
    state = state_of(config, residual_job.images)
    torch.manual_seed(3)
    before = torch.get_rng_state(), torch.get_num_threads()
    for _, _ in zip(training_steps(state, residual_job.images), range(2), strict=False):
        assert torch.equal(torch.get_rng_state(), before[0])
        assert torch.get_num_threads() == before[1]
    for _ in state.model().trajectory(2, steps=2):
        assert torch.get_num_threads() == before[1]
    assert torch.equal(torch.get_rng_state(), before[0])


@pytest.mark.slow
def test_fewer_steps_than_taken_are_refused(tiny: Config, tmp_path: Path) -> None:
    """Accepting changes does not rewrite the config of a run that then trains nothing."""
    list(nevoa.fit(tiny, tmp_path / "r"))
    config = (tmp_path / "r" / "config.toml").read_bytes()
    with pytest.raises(NevoaError, match="has taken 96 images already, and the budget allows 40"):
        nevoa.fit(tiny.updated("training", steps=5), tmp_path / "r", accept_changes=True)
    assert (tmp_path / "r" / "config.toml").read_bytes() == config
    more = list(nevoa.fit(tiny.updated("training", steps=14), tmp_path / "r", accept_changes=True))
    assert [step.images_seen for step in more] == [*range(56, 113, 8)]  # from before the cool-down


@pytest.mark.slow
def test_changes_that_nothing_would_be_trained_with_are_refused(tiny: Config, tmp_path: Path) -> None:
    list(nevoa.fit(tiny, tmp_path / "r"))
    files = [tmp_path / "r" / name for name in ("config.toml", "plan.toml")]
    before = [path.read_bytes() for path in files]
    changed = tiny.updated("training", learning_rate=tiny.training.learning_rate / 2)
    with pytest.raises(NevoaError, match=r"training.learning_rate(.|\n)*It is finished, so nothing would be trained"):
        list(nevoa.fit(changed, tmp_path / "r", accept_changes=True))
    assert [path.read_bytes() for path in files] == before
    assert list(nevoa.fit(tiny, tmp_path / "r", accept_changes=True)) == []
    assert list(nevoa.fit(changed.updated("training", steps=14), tmp_path / "r", accept_changes=True))


@pytest.mark.parametrize("channels", [1, 3])
def test_batches_and_noise_need_no_second_layout(job: Job, channels: int) -> None:
    """Both come in the layout of the convolutions; converting them again copies nothing."""
    images = ImageSet.of("x", job.images.images.repeat(channels, axis=3), job.images.labels, job.images.classes)
    batch = next(batches_of(state_of(job.config, images), images, slice(0, 4)))
    for x in (batch.x_0, batch.epsilon):
        assert x.to(memory_format=torch.channels_last) is x


def test_a_notebook_displays_a_step(job: Job) -> None:
    step = next(training_steps(state_of(job.config, job.images), job.images))
    html = step._repr_html_()
    assert html.count("<tr>") == 1
    for value in ("8", f"{step.loss:.4f}"):
        assert f"<td>{value}</td>" in html


@pytest.mark.slow
def test_a_short_run_has_a_curve_and_a_run_keeps_its_interval(few_images: ImageSet, tmp_path: Path) -> None:
    """The interval is decided once."""
    options = [option for option in TINY if "report_every" not in option]
    config = configure("noise", steps=20, options=options)
    for _ in nevoa.fit(config, tmp_path / "new", images=few_images):
        pass
    run = Run(tmp_path / "new")
    assert len(list(run.metrics())) == 20
    assert run.loss_file.is_file()
    older = config.updated("training", report_every_images=2_000)
    next(nevoa.fit(older, tmp_path / "old", images=few_images))
    assert prepare(config, few_images, run=Run(tmp_path / "old")).plan.training.report_every_images == 2_000


def test_images_in_place_of_those_of_a_config_are_named_in_the_plan(tiny: Config) -> None:
    """A path or a name is read as the config says; images in memory are used as they are."""
    config = tiny.updated("data", limit=20, size=8)
    named = next(nevoa.fit(config, images="shapes")).model.plan.data
    assert (named.source, named.limit) == ("shapes", 20)
    again = next(nevoa.fit(tiny, images=named)).model.plan.data
    assert (again.source, again.limit) == ("shapes", 20)
    loaded = next(nevoa.fit(config, images=load_images("shapes", limit=30, size=8))).model.plan.data
    assert (loaded.source, loaded.limit) == ("object:shapes", None)


def test_images_that_were_loaded_from_another_spelling_of_a_folder_are_those_of_the_config(
    tiny: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("noise.npy", np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8))
    config = tiny.updated("data", source="noise.npy", size=8)
    step = next(nevoa.fit(config, images=load_images(tmp_path / "noise.npy", size=8)))
    assert step.model.plan.data.source == str(tmp_path / "noise.npy")


def test_a_path_in_place_of_the_images_of_a_config_is_never_the_name_of_a_data_set(
    tiny: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NevoaError, match="There is no file or folder"):
        next(nevoa.fit(tiny, images=Path("shapes")))


@pytest.mark.slow
def test_a_loss_that_cannot_be_drawn_is_a_warning(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no font\nat all")

    monkeypatch.setattr(pictures, "loss_curve", fail)
    with pytest.warns(UserWarning, match=r"loss\.png could not be drawn: no font\.$"):
        list(fit_job(job, Run(tmp_path / "r")))
    assert status_of(Run(tmp_path / "r")) == ("finished", "")


@pytest.mark.slow
def test_the_progress_shows_the_losses_of_the_metrics(
    job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a pipe each of them; on a terminal the last of them."""
    run, terminal = Run(tmp_path / "r"), Run(tmp_path / "terminal")
    list(show_progress(fit_job(job, run), job.plan.training))
    losses = [f"loss {line['loss']:.4f} " for line in run.metrics()]
    lines = [line for line in capsys.readouterr().err.splitlines() if "images/s" in line]
    assert len(lines) == len(losses) > 10
    assert all(loss in line for loss, line in zip(losses, lines, strict=True))
    monkeypatch.setenv("FORCE_COLOR", "1")
    list(show_progress(fit_job(job, terminal), job.plan.training))
    shown = re.findall(r"(?<!mean )loss [0-9.]+ ", capsys.readouterr().err)
    assert shown[-1] == losses[-1]
