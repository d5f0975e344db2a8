"""The same command gets the same network, whatever else the machine does meanwhile."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nevoa.config import Config
from nevoa.config.presets import configure
from nevoa.data import ImageSet
from nevoa.training import prepare, speeds
from nevoa.training.measure import Trial
from nevoa.training.speeds import FASTER
from nevoa.training.width import MANY, WIDTHS, best_width

pytestmark = pytest.mark.slow

# Its few images would be augmented, which takes a timing more.
QUICKLY = ("data.augment=none", "training.report_every_images=32", "training.preview_every_images=10000")
CLOTHES = ImageSet.of("clothes", np.zeros((64, 28, 28, 1), np.uint8), np.arange(64) % 10, list("abcdefghij"))


class Machine:
    """It computes so many FLOP per second, whatever the width."""

    def __init__(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rate, self.timed, self.file = 1e11, list[int](), file
        monkeypatch.setattr(speeds, "speeds_file", lambda: file)
        monkeypatch.setattr(Trial, "seconds", lambda trial: self.seconds(trial))

    def seconds(self, trial: Trial) -> Iterator[float]:
        self.timed.append(trial.plan.network.model_dump()["dim"])
        return itertools.repeat(trial.plan.training.batch_size * trial.flop_per_image / self.rate)

    def chosen(self, config: Config, rate: float) -> tuple[int, int]:
        """The width and the batch size that a plan chooses while it computes at this rate."""
        self.rate = rate
        settled = prepare(config, CLOTHES).plan
        return settled.network.model_dump()["dim"], settled.training.batch_size


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path / "cache" / "speeds.json", monkeypatch)


def config_of(minutes: float, *options: str) -> Config:
    return configure("object:clothes", minutes=minutes, options=(*QUICKLY, *options))


def border() -> float:
    """A rate of FLOP per second at which a bit more in five minutes chooses a wider network."""
    flops = np.geomspace(1e13, MANY, 500)
    dims = [best_width(dict.fromkeys(WIDTHS, float(flop))) for flop in flops]
    return next(flop for flop, (a, b) in zip(flops, itertools.pairwise(dims), strict=False) if a != b) / 300


@pytest.mark.parametrize("then", [0.1, 1.05, 0.95 * FASTER])
def test_a_plan_and_the_training_after_it_choose_the_same_network(machine: Machine, then: float) -> None:
    """At a border between two widths, also if the machine gets busy or idle in between."""
    config, rate = config_of(5), 0.98 * border()
    planned = machine.chosen(config, rate)
    assert machine.chosen(config, then * rate) == planned
    if then > 1:
        machine.file.unlink()
        assert machine.chosen(config, then * rate) != planned


def test_so_they_do_at_the_border_of_two_batch_sizes(machine: Machine) -> None:
    config, rate = config_of(5, "network.dim=24"), 0.95 * MANY / 300
    assert machine.chosen(config, rate) == machine.chosen(config, 1.1 * rate) == (24, 32)


def test_a_later_plan_times_the_first_width_and_the_one_it_chooses(machine: Machine) -> None:
    machine.chosen(config_of(5), 1e11)
    machine.timed.clear()
    dim, _ = machine.chosen(config_of(5, "training.seed=3"), 1e11)
    assert machine.timed == [32, dim]


def test_what_was_measured_beside_other_work_is_measured_again(machine: Machine) -> None:
    idle = machine.chosen(config_of(5), 2e11)
    machine.file.unlink()
    assert machine.chosen(config_of(5), 2e10) != idle
    assert machine.chosen(config_of(5), 2e11) == idle


def test_a_width_that_another_budget_needs_is_slowed_no_more_than_the_first(machine: Machine) -> None:
    machine.chosen(config_of(1), 1e11)
    later = machine.chosen(config_of(60), 1e10)
    machine.file.unlink()
    assert machine.chosen(config_of(60), 1e11) == later


@pytest.mark.parametrize("change", ["training.threads=1", "training.precision=bfloat16", "network.groups=2", "torch"])
def test_what_changes_the_speed_is_measured_anew(
    machine: Machine, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.chosen(config_of(5, "training.threads=2", "training.precision=float32"), 1e11)
    if change == "torch":
        monkeypatch.setattr(torch, "__version__", "99.0")
    options = {"training.threads": "2", "training.precision": "float32"}
    options |= dict([change.split("=")]) if "=" in change else {}
    machine.chosen(config_of(5, *map("=".join, options.items())), 1e11)
    assert len(json.loads(machine.file.read_text())) == 2


@pytest.mark.parametrize("content", ["{torn", '{"a": 1}', '{"a": {"b": "c"}}'])
def test_a_damaged_file_is_measured_anew(machine: Machine, content: str) -> None:
    machine.file.parent.mkdir()
    machine.file.write_text(content)
    machine.chosen(config_of(5), 1e11)
    assert len(json.loads(machine.file.read_text())) == 1


@pytest.mark.parametrize("value", ["0", "NaN"])
def test_a_speed_that_cannot_be_is_measured_anew(machine: Machine, value: str) -> None:
    expected = machine.chosen(config_of(5), 1e11)
    kept: dict[str, Any] = json.loads(machine.file.read_text())
    [[key, known]] = kept.items()
    machine.file.write_text(json.dumps({key: dict.fromkeys(known, "SPEED")}).replace('"SPEED"', value))
    assert machine.chosen(config_of(5), 1e11) == expected


def test_a_cache_that_cannot_be_written_is_a_warning(machine: Machine) -> None:
    machine.file.parent.write_text("not a folder")
    with pytest.warns(UserWarning, match=r"Cannot write .*speeds.json: .* next plan may choose another width"):
        machine.chosen(config_of(5), 1e11)
