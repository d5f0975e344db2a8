"""`nevoa evaluate` and `nevoa features`, typed in this process."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa import evaluation
from nevoa.cli.evaluate import print_report
from nevoa.cli.main import main
from nevoa.data.sources import builtin
from nevoa.evaluation import Protocol, Report, Samples, measure, sweep
from nevoa.evaluation.sweep import SWEEP
from tests.cli.conftest import Refuses
from tests.data.sources.test_builtin import needs_debian
from tests.evaluation.toy import bands, toy_reference

pytestmark = pytest.mark.slow

Typed = Callable[..., str]
# Quick metrics of features.
QUICK = ("--metrics", "frechet,manifold,classes")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Typed:
    """Run a command in a folder and return what it prints to stdout."""

    def run(*arguments: str, columns: int | None = None) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["nevoa", *arguments])
        if columns is not None:
            monkeypatch.setenv("COLUMNS", str(columns))
        try:
            main()
        except SystemExit as stop:
            assert not stop.code, capsys.readouterr()
        return capsys.readouterr().out

    return run


WRONG_TO_MEASURE = [
    (["evaluate"], "no run with a model"),
    (["evaluate", "missing.npy"], "no run, file or folder missing.npy"),
    (["evaluate", "runs/tiny", "--against", os.fsdecode(b"caf\xe9")], "is not UTF-8; rename it"),
    (["evaluate", "a_file"], "is not a source of images: give a folder"),
    (["evaluate", "floats.npy"], "holds float64 [4, 4]; images must be uint8"),
    (["evaluate", "empty"], "no images in empty"),
    (["evaluate", "mixed"], "0.png is 28x28 with 1 channel, 1.png is 28x28 with 3 channels"),
    (["evaluate", "one.npy", "--metrics", "kernel"], "number of images is 1, but"),
    (["evaluate", "constant.npy"], "cannot tell the 200 images apart"),
    (
        ["evaluate", "small.npy"],
        "14x14 with 1 channel, those of fashion_mnist are 28x28 with 1 channel. Name the source",
    ),
    (["evaluate", "constant.npy", "--steps", "3"], "is not a run"),
    (["evaluate", "constant.npy", "--sweep"], "is not a run"),
    (["evaluate", "constant.npy", "--guidance", "2"], "is not a run"),
    (["evaluate", "runs/tiny", "--guidance", "2"], "guidance needs a model with conditions"),
    (["evaluate", "runs/tiny", "--sweep", "--steps", "3"], "--sweep tries every sampler"),
    (["evaluate", "runs/tiny", "--sweep", "--json"], "--sweep tries every sampler"),
    (["evaluate", "runs/tiny", "--sweep", "--count", "64"], "number of images is 64, but"),
    (["evaluate", "runs/tiny", "--count", "100", "--metrics", "frechet"], "number of images is 100, but"),
    (["evaluate", "runs/tiny", "--steps", "21"], "between 1 and 20"),
    (["evaluate", "runs/tiny", "--metrics", "frechet,kernl"], "Did you mean 'kernel'"),
    (["evaluate", "runs/tiny", "--against", "fashion"], "Did you mean 'fashion_mnist'"),
    (
        ["evaluate", "constant.npy", "--metrics", "inception", "--inception-weights", "w"],
        "There is no file w",
    ),
    (["evaluate", "runs/tiny", "--sweep", "--inception-weights", "w"], "--inception-weights needs --metrics inception"),
    (["evaluate", ""], "The name of the run is empty"),
    (["evaluate", "constant.npy", "--inception-weights", "w"], "--inception-weights needs --metrics inception"),
    (["evaluate", "constant.npy", "--metrics", "bits"], "Bits per dimension need a model"),
    (["features", "train", "fashn_mnist"], "Did you mean 'fashion_mnist'"),
]


def put_wrong_images(folder: Path) -> None:
    """Files that cannot be measured."""
    (folder / "a_file").write_text("no picture")
    (folder / "empty").mkdir()
    (folder / "mixed").mkdir()
    for number, mode in enumerate(("L", "RGB")):
        Image.new(mode, (28, 28)).save(folder / f"mixed/{number}.png")
    np.save(folder / "floats.npy", np.zeros((4, 4)))
    for name, shape in (("one", (1, 28, 28)), ("constant", (200, 28, 28, 1)), ("small", (200, 14, 14, 1))):
        np.save(folder / f"{name}.npy", np.zeros(shape, np.uint8))


@needs_debian
@pytest.mark.parametrize(
    ("arguments", "message"), WRONG_TO_MEASURE, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_what_cannot_be_measured_is_one_line(
    arguments: list[str], message: str, tmp_path: Path, trained: Path, refuses: Refuses
) -> None:
    put_wrong_images(tmp_path)
    refuses(arguments, message, tmp_path)
    assert not (trained / "runs/tiny/evaluation").exists()


@needs_debian
def test_a_count_that_is_too_small_is_refused_before_images_are_made(
    tmp_path: Path, trained: Path, refuses: Refuses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "from_run", lambda *_, **__: pytest.fail("made images"))
    refuses(
        ["evaluate", "runs/tiny", "--count", "100", "--metrics", "manifold"], "number of images is 100, but", tmp_path
    )
    refuses(["evaluate", "runs/tiny", "--metrics", "inception", "--inception-weights", "w"], "no file w", tmp_path)


@needs_debian
def test_a_run_is_measured_by_all_metrics(tmp_path: Path, trained: Path, typed: Typed) -> None:
    shutil.copytree(trained / "runs", tmp_path / "runs")
    out = typed("evaluate", "--count", "150", "--steps", "2")
    for word in (
        "nevoa-fashion/2",
        "150 images instead of 10,000",
        "fd_fashion",
        "bits_per_dim",
        "near_copies",
        "is small",
    ):
        assert word in out
    run = tmp_path / "runs/tiny"
    written = json.loads((run / "evaluation/ddpm-2-trailing-eta0-150-seed0-fashion-2.json").read_text())
    assert len(written["by_timestep"]["bits"]) == len(written["by_timestep"]["t"]) > 10
    assert Image.open(run / "evaluation/ddpm-2-trailing-eta0-150-seed0-fashion-2.png").width > 1000
    assert f"| fd_fashion | {written['scores']['fd_fashion']:.4g} |" in (run / "README.md").read_text()


def test_the_first_measurement_needs_no_connection_and_no_package(
    tmp_path: Path, trained: Path, typed: Typed, refuses: Refuses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a run on the packaged images, as `make demo` leaves it."""
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(builtin, "DEBIAN_FOLDER", tmp_path / "not installed")
    monkeypatch.setitem(sys.modules, "datasets", None)
    shutil.copytree(trained / "runs", tmp_path / "runs")
    out = typed("evaluate", "runs/tiny", "--count", "150", "--steps", "2")
    for word in ("fd_fashion", "kd_fashion", "precision", "recall", "confidence", "near_copies", "Ankle boot"):
        assert word in out
    assert "not measured: bits, overfitting\n" in out
    (report,) = (tmp_path / "runs/tiny/evaluation").glob("*.json")
    warnings = " ".join(json.loads(report.read_text())["warnings"])
    assert "not measured: bits, overfitting. Test images" in warnings
    assert "there are no test images here, so copies are told by" in warnings
    assert "pip install 'nevoa[hub]'. Or, on Debian: apt install dataset-fashion-mnist" in warnings
    assert "All scores agree" in typed("verify", str(report))
    refuses(["evaluate", "runs/tiny", "--metrics", "bits"], "apt install dataset-fashion-mnist", tmp_path)


@needs_debian
def test_images_in_files_score_as_the_run_that_made_them(tmp_path: Path, trained: Path, typed: Typed) -> None:
    shutil.copytree(trained / "runs", tmp_path / "runs")
    made = ("--count", "150", "--steps", "2")
    scores = json.loads(typed("evaluate", "runs/tiny", "--json", *made, *QUICK))["scores"]
    assert {"fd_fashion", "precision", "confidence"} <= scores.keys()
    for out in ("images.npy", "pictures"):
        typed("sample", "runs/tiny", *made, "--out", out)
        read = json.loads(typed("evaluate", out, "--json", *QUICK))
        assert read["scores"] == pytest.approx(scores, rel=1e-6)
        assert read["protocol"]["sampler"] is None


@needs_debian
def test_what_few_images_leave_out_is_said_once(
    tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained / "runs", tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["nevoa", "evaluate", "--count", "64", "--steps", "1"])
    main()
    out, err = (" ".join(part.split()) for part in capsys.readouterr())
    assert err.count("not measured: frechet, kernel, manifold") == 1
    assert "not measured: frechet, kernel, manifold" in out and "The number of images is 64" not in out
    assert "the number of images, 64, is small" in out and "near_copies" in out and "bits_per_dim" in out


def test_samples_are_compared_with_photos_at_the_size_of_the_samples(
    tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(0)
    for number in range(12):
        photo = Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8))
        photo.save(tmp_path / f"photos/{number}.png")
    np.save(tmp_path / "samples.npy", rng.integers(0, 256, (8, 16, 16, 3), dtype=np.uint8))
    report = json.loads(typed("evaluate", "samples.npy", "--against", "photos", "--json"))
    assert report["scores"].keys() == {"near_copies", "nearest_distance_ratio"}
    assert any("photos has no classes" in said for said in report["warnings"])


@pytest.mark.parametrize("saved", [True, False])
def test_a_report_that_cannot_be_saved_is_printed(
    saved: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = Samples("bands", bands(150).images, weights="of a run")
    *_, report = measure(samples, Protocol(toy_reference(), 150), ("classes",))
    assert isinstance(report, Report)
    print_report(replace(report, file=tmp_path / "report.json" if saved else None), chosen=True)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"Saved {tmp_path / 'report.json'}." if saved else json.loads(last)["scores"] == report.scores


@pytest.mark.parametrize("columns", [80, 40])
def test_a_report_fits_the_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    *_, report = measure(Samples("bands", bands(150).images), Protocol(toy_reference(), 150), ("frechet", "classes"))
    assert isinstance(report, Report)
    distance = {"kd_fashion": -0.00012, "kd_fashion_low": -0.0011, "kd_fashion_high": 0.0013}
    others = ("density", "coverage", "nearest_distance_ratio", "near_copies", "recall", "bits_per_dim")
    print_report(
        replace(
            report,
            scores=distance | dict.fromkeys(others, 0.123456),
            floor=distance,
            floor_spread=dict.fromkeys(distance, 0.0011),
        ),
        chosen=True,
    )
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= columns
    assert "…" not in out
    table = columns == 80
    assert any("nearest_distance_ratio" in line and "0.1235" in line for line in out.splitlines()) == table
    for words in ("lower is better", "1 = as dense as real images", "nearest_distance_ratio", "classes: upper"):
        assert words in " ".join(out.split()), words


@needs_debian
def test_guidance_is_measured_and_reported(of_classes: Path, tmp_path: Path, typed: Typed) -> None:
    shutil.copytree(of_classes, tmp_path / "runs/told")
    distances = []
    for guidance, name in (("1", "ddpm-2-trailing-eta0"), ("3", "ddpm-2-trailing-eta0-guidance3")):
        typed("evaluate", "--count", "150", "--steps", "2", "--guidance", guidance, "--metrics", "frechet")
        written = json.loads((tmp_path / f"runs/told/evaluation/{name}-150-seed0-fashion-2.json").read_text())
        assert written["protocol"]["sampler"]["guidance"] == float(guidance)
        distances.append(written["scores"]["fd_fashion"])
    assert distances[0] != distances[1]


@needs_debian
def test_a_sweep_prints_and_saves_a_row_for_each_set_of_options(
    tmp_path: Path, trained: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "sweep", partial(sweep, grid=SWEEP[2:5]))
    shutil.copytree(trained / "runs", tmp_path / "runs")
    lines = typed("evaluate", "--sweep", "--count", "128").splitlines()
    written = json.loads((tmp_path / "runs/tiny/evaluation/sweep-128-seed0-fashion-2.json").read_text())
    assert [row["options"]["steps"] for row in written["rows"]] == [4, 5]  # 100 steps are more than the run has
    assert len(lines) == 1 + 2 + 1
    assert "fd_fashion" in lines[0] and "images/s" in lines[0]


def test_a_feature_network_is_trained_once_for_images_of_another_size(
    tmp_path: Path, typed: Typed, refuses: Refuses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))
    arguments = ["features", "train", "shapes", "--size", "8", "--epochs", "1"]
    assert "images not trained on" in typed(*arguments)
    refuses(arguments, "already have a feature network", tmp_path)


@needs_debian
def test_a_feature_network_that_comes_with_nevoa_is_not_trained(refuses: Refuses, tmp_path: Path) -> None:
    refuses(["features", "train", "fashion_mnist"], "comes with nevoa: there is nothing to train", tmp_path)


def test_no_feature_network_is_trained_that_nothing_measures_with(refuses: Refuses, tmp_path: Path) -> None:
    refuses(["features", "train", "fashion_mnist_10k"], "with the feature network of fashion_mnist", tmp_path)
