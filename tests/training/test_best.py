"""The model of the lowest held-out loss: kept, published, resumed like everything else, and what patience does."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import nevoa
import nevoa.training.state as state_module
from nevoa.config import Config
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.runs import Run, Summary, checkpoint, journal
from nevoa.runs.horizon import Horizon
from nevoa.runs.manifest import BEST
from nevoa.training import Job, fit_job, held_out, prepare
from nevoa.training.checkpoint import contents, restore, save_checkpoint
from nevoa.training.held_out import HeldOut
from nevoa.training.loop import training_steps
from nevoa.training.state import TrainingState
from tests.processes import together
from tests.small_runs import LOWEST, again, distillation_of, falling_until, outcome, stop_after, with_held_out


def weights(network: torch.nn.Module) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in network.state_dict().items()}


def averages(job: Job) -> Iterator[dict[str, bytes]]:
    """The averaged weights after each step, without a run."""
    state = TrainingState.fresh(job.plan, job.images.shape)
    return (weights(state.average) for _ in training_steps(state, job.images))


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_a_run_publishes_the_model_of_the_lowest_held_out_loss(
    memorising: Job, tmp_path: Path, ema_decay: float
) -> None:
    """By the weights of that moment in a training without a run, and by those in the newest checkpoint."""
    job, run = again(memorising, ema_decay=ema_decay), Run(tmp_path / "r")
    *_, last = fit_job(job, run)
    published = weights(run.model("cpu").network)
    assert published == list(averages(job))[LOWEST // 8 - 1] != weights(last.model.network)
    newest, state = checkpoint.newest(run.checkpoints), job.fresh_state()
    assert newest is not None
    restore(state, newest)
    assert published == weights(state.published().network)
    assert state.best is not None and (state.best.images_seen, state.best.worse) == (LOWEST, 10)
    assert Summary.of(run).model_images == checkpoint.best_saved(run.checkpoints) == LOWEST
    assert "| model | the one of 160 images, where the held-out loss was lowest |" in run.card_file.read_text()


def test_a_run_that_still_learns_publishes_its_last_model(
    memorising: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HeldOut, "losses", falling_until(320))
    run = Run(tmp_path / "r")
    *_, last = fit_job(memorising, run)
    assert weights(run.model("cpu").network) == weights(last.model.network)
    assert Summary.of(run).model_images is None
    assert "| model | the last |" in run.card_file.read_text()


def test_a_run_without_held_out_images_keeps_none(job: Job, tmp_path: Path) -> None:
    run = Run(tmp_path / "r")
    *_, last = fit_job(again(job, checkpoint_every_images=40), run)
    assert weights(run.model("cpu").network) == weights(last.model.network)
    assert not list(run.checkpoints.glob(f"*/{BEST}"))
    assert checkpoint.best_saved(run.checkpoints) is Summary.of(run).model_images is None


@pytest.mark.parametrize(("after", "patience"), [(1, None), (20, None), (21, None), (33, None), (25, 3), (28, 3)])
def test_a_run_that_was_stopped_publishes_the_same(
    memorising: Job, tmp_path: Path, after: int, patience: int | None
) -> None:
    """Before the lowest loss, at it and after it; and before and in a cool-down that begins after 208 images."""
    job = again(memorising, patience=patience, cooldown=0.25)
    straight, stopped = Run(tmp_path / "straight"), Run(tmp_path / "stopped")
    list(fit_job(job, straight))
    stop_after(job, stopped.folder, after)
    list(fit_job(job, stopped))
    assert outcome(stopped) == outcome(straight)
    moves = [journal.horizons(journal.read(run)) for run in (straight, stopped)]
    assert moves[0] == moves[1]


def test_a_model_that_was_lost_is_published_again(memorising: Job, tmp_path: Path) -> None:
    run = Run(tmp_path / "r")
    list(fit_job(memorising, run))
    before = run.weights_file.read_bytes()
    run.weights_file.unlink()
    list(fit_job(memorising, run))
    assert run.weights_file.read_bytes() == before


@pytest.mark.parametrize(("share", "has_guide"), [(0.25, True), (0.5, False), (0.75, False)])
def test_a_guide_is_for_a_best_model_that_came_later(
    memorising: Job, tmp_path: Path, share: float, has_guide: bool
) -> None:
    """It is kept after 80, 160 or 240 images, and the best model is that of 160."""
    run = Run(tmp_path / "r")
    list(fit_job(again(memorising, guide=share), run))
    model = run.model("cpu")
    assert (model.guide is not None) == has_guide
    assert model.settings().autoguidance == (1.5 if has_guide else 1.0)


@pytest.mark.parametrize(("share", "lowest"), [(0.25, LOWEST), (0.25, 320), (0.75, LOWEST)])
def test_the_weight_of_a_guide_is_measured_for_the_published_model(
    memorising: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float, lowest: int
) -> None:
    """Once, after the last held-out loss; none for a model that was better than any with a guide."""
    measured = []

    def measure(model: Model, images: ImageSet, steps: int) -> float:
        measured.append(weights(model.network))
        return 2.25

    monkeypatch.setattr(state_module, "measured_weight", measure)
    monkeypatch.setattr(state_module, "AFTER_IMAGES", 320)
    monkeypatch.setattr(HeldOut, "losses", falling_until(lowest))
    job, run = again(memorising, guide=share, weigh_guide=True), Run(tmp_path / "r")
    *_, last = fit_job(job, run)
    model, has_guide = run.model("cpu"), share < 0.5
    assert measured == [weights(model.network)] * has_guide
    assert model.settings().autoguidance == (2.25 if has_guide else 1.0)
    assert last.model.settings().autoguidance == (2.25 if lowest == 320 else 1.5)
    assert [entry.autoguidance for entry in journal.read(run) if entry.event == "weighed"] == [2.25] * has_guide
    run.weights_file.unlink()
    list(fit_job(job, run))
    assert run.model("cpu").settings() == model.settings()


def test_the_picture_on_the_card_is_of_the_published_model(
    memorising: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it still trains, the newest one up to that model; at the end its own, which may come between two others."""
    monkeypatch.setattr(HeldOut, "losses", falling_until(80))
    run, other = Run(tmp_path / "r"), Run(tmp_path / "other")
    for steps, shown in ((20, 72), (99, 80)):
        stop_after(again(memorising, preview_every_images=72), run.folder, steps)
        assert f"![previews](samples/{shown:012d}.png)" in run.card_file.read_text()
    assert [int(path.stem) for path in run.previews()] == [72, 80, 144, 216, 288, 320]
    stop_after(again(memorising, preview_every_images=80), other.folder, 10)
    assert run.previews()[1].read_bytes() == other.previews()[0].read_bytes()


def test_a_loss_that_is_no_number_chooses_nothing(memorising: Job) -> None:
    state = memorising.fresh_state()
    state.keep_best(float("nan"))
    assert state.best is None
    for loss in (0.5, float("nan"), 0.5):
        state.keep_best(loss)
    assert state.best is not None and (state.best.loss, state.best.worse) == (0.5, 2)


def test_a_checkpoint_of_before_there_was_a_best_is_restored(job: Job, tmp_path: Path) -> None:
    """A guide in it was kept before anything that is measured from there on."""
    state = again(job, guide=0.1).fresh_state()
    for _ in training_steps(state, job.images):
        pass
    saved = save_checkpoint(state, tmp_path)
    progress = json.loads((saved / "state.json").read_text())
    assert progress.pop("guide_seen") == 32
    (saved / "state.json").write_text(json.dumps(progress))
    old = again(job, guide=0.1).fresh_state()
    restore(old, saved)
    assert old.best is None and old.guide is not None
    old.keep_best(0.5)
    assert old.published().guide is not None


def test_the_kept_model_comes_back(memorising: Job, tmp_path: Path) -> None:
    state, fresh = memorising.fresh_state(), memorising.fresh_state()
    steps = training_steps(state, memorising.images)
    next(steps)
    state.keep_best(0.5)
    next(steps)
    state.keep_best(0.75)
    restore(fresh, save_checkpoint(state, tmp_path))
    assert contents(fresh) == contents(state)
    assert isinstance(fresh.published(), Model)
    assert weights(fresh.published().network) == weights(state.published().network) != weights(state.average)


@pytest.mark.parametrize(("values", "kept"), [({"learning_rate": 5e-4}, True), ({"loss": "l1"}, False)])
def test_with_another_loss_what_was_lowest_no_longer_counts(
    memorising: Job, tmp_path: Path, values: dict[str, object], kept: bool
) -> None:
    state, changed = memorising.fresh_state(), again(memorising, **values).fresh_state()
    next(training_steps(state, memorising.images))
    state.keep_best(0.5)
    restore(changed, save_checkpoint(state, tmp_path), accept_changes=True)
    assert (changed.best is not None) == kept


def test_losses_on_other_held_out_images_do_not_count(
    memorising: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of them may be replaced without a change to the training images. The lowest since then is that of 208."""
    run = Run(tmp_path / "r")
    assert {step.memorises_since for step in stop_after(memorising, run.folder, 25)} == {None, LOWEST}
    replaced = replace(memorising.images, fingerprint="another")
    monkeypatch.setattr(held_out, "load_test_images", lambda data, images: replaced)
    monkeypatch.setattr(held_out, "choosing_and_scoring", lambda images, division: (images, images))
    assert [step.memorises_since for step in fit_job(memorising, run)][-1] == 208
    assert checkpoint.best_saved(run.checkpoints) == 208


def published_by(job: Job, folder: Path) -> tuple[list[int], bytes]:
    """The horizon after each step of a process, and the model of the run."""
    held_out.load_test_images = lambda data, images: images
    HeldOut.losses = falling_until(LOWEST)  # pyright: ignore[reportAttributeAccessIssue]
    job = with_held_out(job)
    horizons = [step.images for step in fit_job(again(job, patience=3, cooldown=0.25, threads=1), Run(folder))]
    return horizons, Run(folder).weights_file.read_bytes()


@pytest.mark.slow
def test_two_processes_publish_the_same_and_end_together(job: Job, tmp_path: Path) -> None:
    (first, model), (other, same) = together(2, published_by, job, tmp_path / "two")
    assert first == other
    assert model == same
    assert first[-1] == 8 * len(first) == 264
    assert Summary.of(Run(tmp_path / "two")).model_images == LOWEST


@pytest.mark.parametrize(("decay", "cooldown", "end"), [("none", 1.0, 416), ("linear", 0.25, 264), ("none", 0.1, 232)])
def test_patience_begins_the_cool_down(memorising: Job, tmp_path: Path, decay: str, cooldown: float, end: int) -> None:
    """After 160 + 3 * 16 = 208 images; it takes its share of them, in whole batches."""
    job = again(memorising, images=640, patience=3, learning_rate_decay=decay, cooldown=cooldown)
    job = again(job, learning_rate_decay="none") if cooldown == 1 else job
    run = Run(tmp_path / "r")
    steps = list(fit_job(job, run))
    assert steps[-1].images_seen == steps[-1].images == end
    left = [(end - step.images_seen + 8) / (end - 208) for step in steps[26:]]
    assert [step.learning_rate for step in steps] == pytest.approx([1e-3] * 26 + [1e-3 * share for share in left])
    assert journal.horizons(journal.read(run)) == {0: Horizon(640), 208: Horizon(end, 208, 0.0, cooling=True)}
    assert [entry.images_seen for entry in journal.read(run) if entry.event == "cool-down"] == [208]
    assert journal.status(run)[0] == "finished"
    assert list(fit_job(job, run)) == []
    warm = checkpoint.newest_warm(run.checkpoints)
    assert warm is not None and int(warm.name) == 208


@pytest.mark.parametrize(("cooldown", "patience"), [(0.25, None), (0.25, 11), (1.0, 3)])
def test_patience_that_does_not_end_changes_nothing(
    memorising: Job, tmp_path: Path, cooldown: float, patience: int | None
) -> None:
    """After 160 images there are ten more reports; a cool-down of as many images as were seen would end later."""
    job = again(memorising, patience=patience, cooldown=cooldown, learning_rate_decay="linear")
    run = Run(tmp_path / "r")
    assert len(list(fit_job(job, run))) == 40
    assert journal.horizons(journal.read(run)) == {0: Horizon(320)}


def test_a_run_whose_patience_ended_goes_on_from_before_its_cool_down(memorising: Job, tmp_path: Path) -> None:
    """With a longer budget it has its patience again."""
    run = Run(tmp_path / "r")
    short = again(memorising, images=640, patience=3, cooldown=0.25)
    list(fit_job(short, run))
    steps = list(fit_job(again(short, images=800), run))
    assert (steps[0].images_seen, steps[0].learning_rate) == (216, pytest.approx(1e-3))
    assert journal.horizons(journal.read(run))[256].cooling
    assert steps[-1].images_seen == 256 + 64


def config(job: Job, **training: object) -> Config:
    return job.config.updated("training", patience=2, **training)


def test_patience_needs_held_out_images_and_a_run(job: Job, tmp_path: Path, few_images_file: Path) -> None:
    run = Run(tmp_path / "r")
    with pytest.raises(NevoaError, match=r"needs two or more held-out images of noise: give the images as a folder"):
        prepare(config(job), job.images, run=run)
    named = config(job).updated("data", source=str(few_images_file))
    with pytest.raises(NevoaError, match=r"held-out images of few: hold some out with -o data.holdout=2\."):
        prepare(named, run=run)
    assert prepare(named.updated("data", holdout=2), run=run).plan.training.patience == 2
    with pytest.raises(NevoaError, match=r"held-out images of few: they are too few: leave out --patience"):
        prepare(named.updated("data", limit=2), run=run)
    with pytest.raises(NevoaError, match=r"held-out images of digits: they are of the split train: leave out --pat"):
        prepare(config(job).updated("data", source="digits", split="test", channels=1), run=run)
    with pytest.raises(NevoaError, match=r"training.patience needs a run, .*: give a run folder, out="):
        prepare(named.updated("data", holdout=2))
    with pytest.raises(NevoaError, match=r"patience is for objective=denoise: objective=path has no held-out loss"):
        distillation_of(job, "path").config.updated("training", patience=2)
    with pytest.raises(NevoaError, match=r"training.patience: .*greater than or equal to 1"):
        nevoa.configure("digits", patience=0)
