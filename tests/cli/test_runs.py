"""`nevoa runs`, typed in this process."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa.cli.main import main
from nevoa.config import Config
from nevoa.data import ImageSet
from nevoa.pictures import loss_curves
from nevoa.runs import Run, journal
from nevoa.runs.horizon import Horizon
from tests.small_runs import planned

Typed = Callable[..., str]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Typed:
    """Run `nevoa runs` in an empty folder; return what it prints to stdout, or its error."""

    def run(*arguments: str) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["nevoa", "runs", *arguments])
        try:
            main()
        except SystemExit as stop:
            assert stop.code == 2
            return capsys.readouterr().err
        return capsys.readouterr().out

    return run


def written(run: Run, config: Config, images: ImageSet) -> Run:
    """A run of one reported loss."""
    run.write(config, planned(config, images))
    journal.write(run, "planned", 0, horizon=Horizon(96))
    run.append_metrics({"images_seen": 8, "loss": 1.0})
    return run


@pytest.fixture
def two_runs(tiny: Config, few_images: ImageSet, tmp_path: Path) -> dict[str, Run]:
    configs = {"a": tiny.updated("training", loss="l2"), "b": tiny.updated("training", loss="huber")}
    return {name: written(Run(tmp_path / name), config, few_images) for name, config in configs.items()}


@pytest.fixture
def runs(two_runs: dict[str, Run], tiny: Config, few_images: ImageSet, tmp_path: Path) -> dict[str, Run]:
    """With two more, which predict x0; the loss of the first of them is that of flow."""
    x0 = tiny.updated("diffusion", prediction="x0")
    configs = {"c": x0, "d": x0.updated("training", weighting="min_snr")}
    return two_runs | {name: written(Run(tmp_path / name), config, few_images) for name, config in configs.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "titles"),
    [
        (["a"], ["a"]),
        (["a", "b"], ["a (l2 of flow)", "b (huber of flow)"]),
        (["a", "c"], ["a", "c"]),
        (["c", "d"], ["c (l2 of flow)", "d (l2 of x0, min-SNR)"]),
    ],
)
def test_losses_are_drawn_and_kinds_that_differ_are_named(
    names: list[str], titles: list[str], runs: dict[str, Run], typed: Typed
) -> None:
    assert typed("plot", *names, "--out", "x.png").endswith(": x.png\n")
    expected = loss_curves({title: runs[name].metrics() for name, title in zip(names, titles, strict=True)})
    np.testing.assert_array_equal(np.asarray(Image.open("x.png")), np.asarray(expected))


def test_a_run_is_drawn_and_listed_without_its_plugin(two_runs: dict[str, Run], typed: Typed) -> None:
    """Neither needs the network."""
    path = two_runs["a"].plan_file
    path.write_text(path.read_text().replace('kind = "residual"', 'kind = "registered_elsewhere"'))
    assert typed("plot", "a", "b", "--out", "x.png").endswith(": x.png\n")
    planned = [row["images_planned"] for row in json.loads(typed(".", "--json"))]
    assert planned[0] == planned[1] > 0


def test_a_folder_that_is_no_run_is_not_drawn(typed: Typed) -> None:
    assert "c is not a run: c/plan.toml is missing" in typed("plot", "c")


def test_the_list_is_json_for_programs(two_runs: dict[str, Run], typed: Typed) -> None:
    report = {"images": 150, "protocol": {"name": "nevoa-a/2"}, "scores": {"fd_a": 1.5}}
    two_runs["b"].save_evaluation("report", report)
    listed = json.loads(typed(".", "--json"))
    assert [(run["name"], run["images_seen"], run["loss"]) for run in listed] == [("a", 8, 1.0), ("b", 8, 1.0)]
    assert [run["quality"] for run in listed] == [None, ["fd_a", 1.5, 150]]
    assert "fd_a 1.5 (150 images)" in " ".join(typed(".").split())
    for run in two_runs.values():
        run.plan_file.unlink()
    assert json.loads(typed(".", "--json")) == []


def test_a_check_is_json_for_programs(two_runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    two_runs["a"].journal_file.write_text("{")
    monkeypatch.setattr(sys, "argv", ["nevoa", "runs", "check", str(two_runs["a"].folder), "--json"])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    problems = {part["part"]: part["problem"] for part in json.loads(out)}
    assert problems["config.toml"] == "" and "cut off" in problems["journal.jsonl"]
    assert stop.value.code == 2 and "1 damaged part." in err


def test_a_folder_or_a_run_is_listed_by_its_name(two_runs: dict[str, Run], typed: Typed, tmp_path: Path) -> None:
    assert [row["name"] for row in json.loads(typed(".", "--json"))] == ["a", "b"]
    assert [row["name"] for row in json.loads(typed(str(tmp_path / "b"), "--json"))] == ["b"]
    assert typed("nowhere") == "nevoa: There is no folder nowhere. 'nevoa train' creates runs in runs/.\n"
