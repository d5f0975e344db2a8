"""The run folder: what is written comes back, and old folders open."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nevoa
from nevoa.config import Config
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.pictures import loss_curve
from nevoa.runs import PACKAGED, Run, load, newest_run
from nevoa.runs.check import check
from tests.small_runs import planned


def with_model(folder: Path, written_at: int) -> Run:
    """A folder that looks like a run with a model."""
    run = Run(folder)
    run.weights_file.parent.mkdir(parents=True)
    run.weights_file.touch()
    os.utime(run.weights_file, (written_at, written_at))
    return run


def test_what_was_asked_and_what_was_decided_come_back(tiny: Config, few_images: ImageSet, tmp_path: Path) -> None:
    run, plan = Run(tmp_path / "r"), planned(tiny, few_images)
    assert not run.exists
    run.write(tiny, plan)
    assert run.exists
    assert (run.config(), run.plan()) == (tiny, plan)
    os.utime(run.plan_file, (1, 1))
    run.write(tiny.updated("training", seed=1), plan)
    assert run.config().training.seed == 1
    assert run.plan_file.stat().st_mtime == 1, "a file that stays the same is not written"


def test_metrics_end_at_the_first_torn_line_and_go_on_after_a_cut(tmp_path: Path) -> None:
    run = Run(tmp_path)
    for seen in (8, 16, 24):
        run.append_metrics({"images_seen": seen})
    with run.metrics_file.open("a") as file:
        file.write('{"images_')
    assert [line["images_seen"] for line in run.metrics()] == [8, 16, 24]
    run.cut(16)
    run.append_metrics({"images_seen": 24, "loss": 1.0})
    assert [line["images_seen"] for line in run.metrics()] == [8, 16, 24]
    assert run.metrics_file.read_text().endswith("\n")


def test_a_loss_curve_is_drawn_once_there_is_a_loss(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.append_metrics({"images_seen": 8, "loss": None})
    run.save_loss_curve()
    assert not run.loss_file.exists()
    run.append_metrics({"images_seen": 16, "loss": 1.0})
    run.save_loss_curve()
    with Image.open(run.loss_file) as picture:
        assert picture.convert("RGB") == loss_curve(run.metrics()).convert("RGB")


def test_a_line_that_is_no_metric_ends_the_metrics(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.append_metrics({"images_seen": 8})
    run.append_metrics({"images_seen": "many"})
    run.append_metrics({"images_seen": 24})
    assert [line["images_seen"] for line in run.metrics()] == [8]


def test_previews_are_sorted_by_images_seen(tmp_path: Path) -> None:
    run = Run(tmp_path)
    for seen in (1_000, 64):
        run.save_preview(seen, Image.new("L", (2, 2), seen % 256))
    assert [int(path.stem) for path in run.previews()] == [64, 1_000]
    np.testing.assert_array_equal(np.asarray(Image.open(run.previews()[0])), np.full((2, 2), 64))


def test_evaluations_are_read_newest_first_and_damaged_ones_skipped(tmp_path: Path) -> None:
    run = Run(tmp_path)
    for moment, name in enumerate(("old", "new", "torn")):
        path = run.save_evaluation(name, {"scores": {"x": moment}}, Image.new("L", (1, 1)))
        assert path.with_suffix(".png").is_file()
        os.utime(path, (moment, moment))
    (run.evaluations_folder / "torn.json").write_text("{")
    assert [report["scores"]["x"] for report in run.evaluations()] == [1, 0]


@pytest.mark.parametrize(
    ("names", "other"),
    [((), False), (("trainer.lock", "journal.jsonl", "config.toml"), False), (("photo.png",), True)],
    ids=str,
)
def test_only_files_of_a_training_may_precede_the_plan(tmp_path: Path, names: tuple[str, ...], other: bool) -> None:
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "checkpoints").mkdir()
    assert Run(tmp_path).holds_other_files == other
    (tmp_path / "checkpoints" / "000000000008").mkdir()
    assert Run(tmp_path).holds_other_files


def test_a_file_in_the_place_of_a_run_is_another_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert Run(tmp_path / "file").holds_other_files
    assert not Run(tmp_path / "nothing").holds_other_files


def test_the_newest_run_is_the_one_whose_model_was_written_last(tmp_path: Path) -> None:
    with pytest.raises(NevoaError, match="no run with a model"):
        newest_run(tmp_path)
    with_model(tmp_path / "a", written_at=2)
    with_model(tmp_path / "b", written_at=1)
    (tmp_path / "c").mkdir()
    assert newest_run(tmp_path) == Run(tmp_path / "a")


def test_a_folder_without_a_model_is_refused_with_a_near_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NevoaError, match=r"nowhere is not a run with a model.*'nevoa runs' lists"):
        load("nowhere")
    with_model(Path("runs/stamps"), written_at=1)
    with pytest.raises(NevoaError, match=r"Did you mean runs/stamps\?"):
        load("stamps")


def test_a_published_run_of_format_2_opens(tmp_path: Path) -> None:
    """It has no guide. The layout is fixed: a copy made file by file, by these names, is the same run."""
    for name in ("config.toml", "plan.toml", "model/config.json", "model/model.safetensors"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((PACKAGED / name).read_bytes())
    model, about = replace(nevoa.load(device="cpu"), guide=None), tmp_path / "model/config.json"
    Run(tmp_path).publish_model(model)
    about.write_text(json.dumps(json.loads(about.read_text()) | {"format": 2}))
    assert Run(tmp_path).config() == Run(PACKAGED).config()
    assert Run(tmp_path).plan() == Run(PACKAGED).plan()
    np.testing.assert_array_equal(Run(tmp_path).model("cpu").sample(2, steps=2), model.sample(2, steps=2))


def test_a_model_of_another_format_is_refused(tmp_path: Path) -> None:
    run = with_model(tmp_path, written_at=1)
    run.model_config_file.write_text('{"format": 4}')
    with pytest.raises(NevoaError, match="has format 4, but this version of nevoa reads format 3"):
        load(tmp_path)


def test_a_notebook_displays_a_run(tiny: Config, few_images: ImageSet, tmp_path: Path) -> None:
    run = Run(tmp_path / "a<b>")
    assert "not started" in run._repr_html_()
    run.write(tiny, planned(tiny, few_images))
    for seen in (1_000, 2_000):
        run.append_metrics({"images_seen": seen, "loss": 1 / seen})
    run.save_preview(2_000, Image.new("L", (2, 2)))
    html = run._repr_html_()
    assert [html.count(part) for part in ("a&lt;b&gt;", "stopped", "2,000", "<img", ">loss<", ">newest preview<")] == [
        *(1, 1, 1, 2, 1, 1)
    ]


def test_a_damaged_run_displays_what_can_be_read(tiny: Config, few_images: ImageSet, tmp_path: Path) -> None:
    run = Run(tmp_path / "r")
    run.write(tiny, planned(tiny, few_images))
    run.append_metrics({"images_seen": 640, "loss": 0.5})
    run.save_preview(640, Image.new("L", (2, 2)))
    run.previews()[-1].write_bytes(b"\x89PNG, and then nothing")
    html = run._repr_html_()
    assert html.count("<img") == 1
    assert "640" in html
    run.metrics_file.write_text('{"images_seen": 640, "loss": [1, {}]}\n')
    run.journal_file.write_bytes(b"\xff")
    run.checkpoints.write_text("no folder")
    html = run._repr_html_()
    assert "<img" not in html
    assert "640" in html


def test_a_misspelt_run_is_suggested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the folder that was typed, or in runs/."""
    monkeypatch.chdir(tmp_path)
    with_model(tmp_path / "runs/clothes-quick", 0)
    with_model(tmp_path / "elsewhere/shapes", 0)
    (tmp_path / "runs/clothes-quik.txt").touch()
    for typed, meant in (("runs/cloths-quick", "runs/clothes-quick"), ("elsewhere/shape", "elsewhere/shapes")):
        for read in (load, lambda folder: Run(folder).last_plan(), lambda folder: list(check(Run(folder)))):
            with pytest.raises(NevoaError, match=rf"{typed} is not a run.* is missing\. Did you mean {meant}\?"):
                read(Path(typed))
    with pytest.raises(NevoaError, match="'nevoa runs' lists the runs"):
        load("runs/digits")
