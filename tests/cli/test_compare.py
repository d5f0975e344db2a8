"""`nevoa evaluate --compare`, typed in this process."""

import json
from pathlib import Path

import pytest

from nevoa.commands.train import train
from tests.cli.conftest import Refuses, nevoa
from tests.conftest import TINY
from tests.data.sources.test_builtin import needs_debian

COUNT = ("--count", "150", "--steps", "2")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of one config, another config, and a run of other images."""
    folder = tmp_path_factory.mktemp("compare")
    for name, steps, options in (
        ("a0", 4, ("training.seed=0",)),
        ("a1", 4, ("training.seed=1",)),
        ("b0", 60, ("training.learning_rate=0.02", "training.warmup_images=0", "training.ema_decay=0")),
    ):
        train("fashion_mnist_10k", steps=steps, out=folder / name, options=(*TINY, *options), progress=False)
    train("shapes", steps=2, out=folder / "shapes", options=(*TINY, "data.limit=32"), progress=False)
    return folder


@needs_debian
@pytest.mark.slow
def test_runs_are_compared_with_intervals_and_a_word(runs: Path) -> None:
    out = nevoa("evaluate", "--compare", "a0", "b0", *COUNT, folder=runs).stdout
    header, first, second = out.splitlines()[3:6]
    assert header.split("  ")[0] == "run" and "fd_fashion" in header and "minus the first" in header
    assert first.split()[0] == "a0" and second.split()[0] == "b0"
    assert second.rstrip().endswith(("better", "worse"))
    assert "train each with several seeds" in out


@needs_debian
@pytest.mark.slow
def test_seeds_of_one_config_are_one_group(runs: Path) -> None:
    said = json.loads(nevoa("evaluate", "a0", "--compare", "a1", "b0", *COUNT, "--json", folder=runs).stdout)
    assert [row["run"] for row in said["runs"]] == ["a0", "a1", "b0"]
    assert [row["runs"] for row in said["configs"]] == [["a0", "a1"], ["b0"]]
    distances = [row["distance"]["value"] for row in said["runs"]]
    assert said["configs"][0]["mean"] == pytest.approx(sum(distances[:2]) / 2)
    assert said["configs"][1]["minus_first"]["value"] == pytest.approx(distances[2] - sum(distances[:2]) / 2)
    alone = json.loads(nevoa("evaluate", "a1", *COUNT, "--metrics", "frechet", "--json", folder=runs).stdout)
    assert alone["scores"]["fd_fashion"] == pytest.approx(distances[1])
    assert "runs of one config" in nevoa("evaluate", "--compare", "a0", "a1", *COUNT, folder=runs).stdout


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["a0"], "--compare needs several runs: name another beside a0"),
        (["a0", "nowhere"], "There is no run, file or folder nowhere"),
        (["a0", "a0/metrics.jsonl"], "a0/metrics.jsonl is not a run with a model: --compare takes run folders"),
        (["a0", "a1", "--metrics", "kernel"], "leave out --sweep and --metrics"),
        (["a0", "a1", "--count", "100"], "number of images is 100, but"),
        (["a0", "a1", "--guidance", "2"], "guidance needs a model with conditions"),
        (["a0", ""], "The name of the run is empty"),
        (["a0", "shapes"], "The images of shapes are compared with shapes at 32x32 with 3 channels"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@needs_debian
@pytest.mark.slow
def test_what_cannot_be_compared_is_one_line(typed: list[str], message: str, runs: Path, refuses: Refuses) -> None:
    refuses(["evaluate", "--compare", *typed], message, runs)
