"""Trackers get what the run folder has, each report once, and cannot stop a training."""

import json
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from nevoa.cli.main import main
from nevoa.config import Config
from nevoa.data import ImageSet, load_images
from nevoa.errors import NevoaError
from nevoa.runs import Run
from nevoa.runs.tracking import read_sent
from nevoa.trackers import Tracker, tracked, trackers_of
from nevoa.trackers.tracked import numbers
from nevoa.training import Job, prepare
from tests.formats.small_run import run_of
from tests.small_runs import planned, stop_after


class Notes:
    """A tracker that remembers, and fails when told to."""

    def __init__(self, working: bool = True):
        self.points: list[tuple[int, dict[str, float]]] = []
        self.pictures: list[int] = []
        self.opened: list[str | None] = []
        self.working, self.closed = working, 0

    def start(self, run: Run, known: str | None) -> str:
        self.opened.append(known)
        return known or "new"

    def scalars(self, values: Any, images_seen: int) -> None:
        print("on the standard output")
        if not self.working:
            raise ConnectionError("no network\nand more")
        self.points.append((images_seen, dict(values)))

    def image(self, picture: Any, images_seen: int) -> None:
        self.pictures.append(images_seen)

    def finish(self) -> None:
        self.closed += 1


@pytest.fixture
def run(tmp_path: Path, tiny: Config, few_images: ImageSet) -> Run:
    run = Run(tmp_path / "r")
    run.write(tiny, planned(tiny, few_images))
    return run


def training(run: Run, done: int) -> Iterator[int]:
    """Write what a training to 96 images writes, from a checkpoint on. A report every 16, a preview every 24."""
    run.cut(done)
    for seen in range(done + 8, 97, 8):
        if seen % 16 == 0:
            levels = {"0_to_3": 0.5 / seen, "3_to_6": 2.0}
            run.append_metrics({"images_seen": seen, "loss": 1 / seen, "loss_by_log_snr": levels})
        if seen % 24 == 0:
            run.save_preview(seen, Image.new("L", (4, 4)))
        yield seen


def follow(run: Run, tracker: Tracker, done: int = 0, until: int = 96) -> None:
    """Train from a checkpoint up to so many images, tracked."""
    with closing(tracked(training(run, done), run, {"notes": tracker})) as stream:
        for seen in stream:
            if seen == until:
                break


def killed(run: Run, tracker: Tracker) -> Run:
    """The run as a process killed after 64 images leaves it."""
    stream = tracked(training(run, 0), run, {"notes": tracker})
    list(islice(stream, 8))
    return Run(shutil.copytree(run.folder, run.folder.with_name("killed")))


def reported(run: Run) -> list[int]:
    return [line["images_seen"] for line in run.metrics()]


def evaluate(run: Run, score: float) -> None:
    """Save a report on the model of 40 images."""
    (run.checkpoints / f"{40:012d}").mkdir(parents=True)
    report = {"images": 4, "protocol": {"name": "p/1"}, "weights": "0" * 64, "scores": {"fd_test": score}}
    run.save_evaluation("test", report)


def test_a_tracker_gets_every_report_and_every_preview(run: Run) -> None:
    notes = Notes()
    follow(run, notes)
    assert [seen for seen, _ in notes.points] == [16, 32, 48, 64, 80, 96]
    assert notes.points[0][1] == {"loss": 1 / 16, "loss_by_log_snr/0_to_3": 0.5 / 16, "loss_by_log_snr/3_to_6": 2.0}
    assert notes.pictures == [24, 48, 72, 96]
    assert (notes.opened, notes.closed) == ([None], 1)


def test_a_report_is_sent_when_it_is_written(run: Run) -> None:
    notes = Notes()
    for seen in tracked(training(run, 0), run, {"notes": notes}):
        assert len(notes.points) == seen // 16


def test_a_stopped_run_goes_on_in_the_same_run_of_the_tracker(run: Run) -> None:
    notes = Notes()
    follow(run, notes, until=56)
    follow(run, notes, done=56)
    assert [seen for seen, _ in notes.points] == reported(run)
    assert notes.opened == [None, "new"]


def test_a_killed_run_sends_nothing_twice(run: Run) -> None:
    """It repeats the steps since its checkpoint, whose reports the tracker has."""
    notes = Notes()
    follow(resumed := killed(run, notes), notes, done=40)
    assert [seen for seen, _ in notes.points] == reported(resumed)
    assert notes.pictures == [24, 48, 72, 96]


def test_a_finished_run_is_sent_as_a_whole(run: Run) -> None:
    list(training(run, 0))
    notes = Notes()
    follow(run, notes, done=96)
    assert [seen for seen, _ in notes.points] == reported(run)


def test_a_tracker_that_fails_warns_once_and_gets_the_rest_later(run: Run) -> None:
    notes = Notes(working=False)
    with pytest.warns(UserWarning, match=r"\(no network\).*nevoa continue .* --track notes") as said:
        follow(run, notes)
    assert len(said) == 1
    assert len(reported(run)) == 6
    notes.working = True
    follow(run, notes, done=96)
    assert [seen for seen, _ in notes.points] == reported(run)


def test_scores_are_sent_once_for_the_model_they_measure(run: Run) -> None:
    follow(run, notes := Notes(), until=40)
    evaluate(run, 3.0)
    follow(run, notes, done=40, until=64)
    follow(run, notes, done=64)
    assert [point for point in notes.points if "loss" not in point[1]] == [(40, {"evaluation/fd_test": 3.0})]


def test_what_trackers_print_is_no_output_of_nevoa(run: Run, capsys: pytest.CaptureFixture) -> None:
    follow(run, Notes())
    assert capsys.readouterr().out == ""


def test_damaged_notes_begin_a_new_run_of_the_tracker(run: Run) -> None:
    follow(run, notes := Notes(), until=40)
    run.tracking_file.write_text('{"notes": {"images_seen": -1}}')
    follow(run, notes, done=40)
    assert notes.opened == [None, None]


def test_only_finite_numbers_are_sent() -> None:
    values = {"images_seen": 8, "loss": None, "a": {"b": 1, "c": float("nan")}, "text": "x"}
    assert numbers(values) == {"a/b": 1.0}


def test_tensorboard_reads_a_killed_and_resumed_run(run: Run) -> None:
    resumed = killed(run, trackers_of(["tensorboard"])["tensorboard"])
    follow(resumed, trackers_of(["tensorboard"])["tensorboard"], done=40)
    events = EventAccumulator(str(resumed.tracking_folder), {"scalars": 0, "images": 0, "tensors": 0})
    events.Reload()
    lines = list(resumed.metrics())
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [
        (line["images_seen"], pytest.approx(line["loss"])) for line in lines
    ]
    assert len(events.Images("previews")) == len(resumed.previews())
    assert b"batch_size = 8" in events.Tensors("plan/text_summary")[0].tensor_proto.string_val[0]
    assert len(events.Tensors("plan/text_summary")) == 1


def test_tensorboard_writes_below_the_folder_of_a_project(run: Run, tmp_path: Path) -> None:
    follow(run, trackers_of([name := f"tensorboard:{tmp_path / 'logs'}"])[name])
    (folder,) = (tmp_path / "logs").iterdir()
    assert folder.name.startswith("r-")
    assert len(list(folder.iterdir())) == 1


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], MagicMock]:
    """In place of a tracker's package, one that records its calls."""

    def install(name: str) -> MagicMock:
        monkeypatch.setitem(sys.modules, name, recorded := MagicMock())
        return recorded

    return install


def twice(run: Run, name: str) -> None:
    """Stop a training and resume it."""
    follow(run, trackers_of([name])[name], until=56)
    follow(run, trackers_of([name])[name], done=56)


def test_wandb_resumes_its_run(run: Run, module: Callable[[str], MagicMock]) -> None:
    wandb = module("wandb")
    wandb.init.side_effect = lambda **options: MagicMock(id=options["id"], log=wandb.log)
    twice(run, "wandb:clothes")
    first, second = (call.kwargs for call in wandb.init.call_args_list)
    assert first["id"] == second["id"]
    assert (first["project"], first["name"], first["resume"]) == ("clothes", "r", "allow")
    assert first["config"]["training.batch_size"] == 8
    points = [call.args[0] for call in wandb.log.call_args_list]
    assert [point["images_seen"] for point in points if "loss" in point] == reported(run)
    assert sum("previews" in point for point in points) == len(run.previews())


def test_mlflow_resumes_its_run(run: Run, module: Callable[[str], MagicMock]) -> None:
    mlflow = module("mlflow")
    client = mlflow.MlflowClient.return_value
    client.get_experiment_by_name.return_value = None
    client.create_run.return_value.info.run_id = "m1"
    twice(run, "mlflow")
    client.create_experiment.assert_called_once_with("nevoa")
    client.create_run.assert_called_once()
    client.update_run.assert_called_once_with("m1", status="RUNNING")
    points = [call.args for call in mlflow.entities.Metric.call_args_list]
    assert [step for name, _, _, step in points if name == "loss"] == reported(run)
    assert client.log_image.call_count == len(run.previews())
    assert client.set_terminated.call_count == 2


def test_mlflow_gets_the_config_by_names_that_it_takes(tmp_path: Path, module: Callable[[str], MagicMock]) -> None:
    """It refuses those with brackets, as a number of the data may have."""
    client = module("mlflow").MlflowClient.return_value
    client.create_run.return_value.info.run_id = "m1"
    number = {"kind": "number", "name": "Height (cm)", "low": 2, "high": 90}
    run = run_of(tmp_path / "r", conditions={"number:Height (cm)": number})
    trackers_of(["mlflow"])["mlflow"].start(run, None)
    names = [call.args[1] for call in client.log_param.call_args_list]
    assert "training.batch_size" in names and "conditions.number_Height _cm_" in names
    assert all(re.fullmatch(r"[\w. -]+", name) for name in names)


def test_trackio_resumes_its_run(run: Run, module: Callable[[str], MagicMock]) -> None:
    trackio = module("trackio")
    twice(run, "trackio")
    first, second = (call.kwargs for call in trackio.init.call_args_list)
    assert first["name"] == second["name"] and first["name"].startswith("r-")
    assert (first["project"], first["resume"]) == ("nevoa", "allow")
    calls = trackio.init.return_value.log.call_args_list
    assert [call.kwargs["step"] for call in calls if "loss" in call.args[0]] == reported(run)
    assert trackio.finish.call_count == 2


def test_an_unknown_or_missing_tracker_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NevoaError, match=r"no tracker 'tensorbord'\. Did you mean 'tensorboard'\?"):
        trackers_of(["tensorbord"])
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(NevoaError, match=r"wandb is not installed: pip install 'nevoa\[wandb\]'"):
        trackers_of(["wandb:clothes"])


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    def command(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["nevoa", *arguments])
        main()

    with warnings.catch_warnings():
        yield command


@pytest.mark.slow
def test_the_command_tracks_a_run_that_it_continues(
    job: Job, tmp_path: Path, few_images_file: Path, typed: Callable[..., None]
) -> None:
    run = Run(tmp_path / "told")
    config = job.config.updated("training", steps=4, preview_every_images=10**6, checkpoint_every_images=10**6)
    config = config.updated("data", source=str(few_images_file))
    stop_after(prepare(config, load_images(config.data), run=run), run.folder, 2)
    typed("continue", str(run.folder), "--track", "tensorboard")
    sent = read_sent(run, "tensorboard")
    assert sent and sent.images_seen == reported(run)[-1] == 32
    assert json.loads(run.tracking_file.read_text()).keys() == {"tensorboard"}
