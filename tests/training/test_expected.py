"""The distance that a plan expects is that of the trials, and there is none where no trial was."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nevoa.config import Plan
from nevoa.config.presets import configure
from nevoa.data import ImageSet, Notes
from nevoa.training import Forecast, prepare
from nevoa.training.expected import Expected, expected
from nevoa.training.width import FLOP_BY_WIDTH
from tests.small_runs import planned, replanned

pytestmark = pytest.mark.slow

TRIALS = Path(__file__).parents[2] / "benchmarks/scaling/results.jsonl"
USUAL = {
    *("training.batch_size=32", "training.cooldown=0.5", "training.learning_rate=0.001"),
    *("training.timestep_distribution=log_normal", "diffusion.prediction=flow"),
}
# Decided as a training of Fashion-MNIST decides them; the trials had no guide.
DECIDED = "network.dim=32", "training.condition=class", "data.holdout=0", "training.guide=0"
GUIDE = "training.guide=0.2"
PIXELS = np.zeros((64, 28, 28, 1), np.uint8)


def clothes(source: str = "fashion_mnist") -> ImageSet:
    images = ImageSet.of("clothes", PIXELS, np.arange(64) % 10, list("abcdefghij"))
    return replace(images, notes=Notes(source=source))


def quick(*options: str, source: str = "fashion_mnist") -> Plan:
    return planned(configure(source, steps=1, options=(*DECIDED, *options)), clothes(source))


def test_the_plan_of_a_training_expects_it() -> None:
    plan = Forecast.of(prepare(configure("fashion_mnist", steps=4_000, augment="none"), clothes()))
    assert plan.expected
    assert plan.expected == expected(quick("network.dim=16", GUIDE), plan.flop_per_image * 4_000 * 32)


def test_the_trials_are_within_the_interval() -> None:
    inside = []
    for trial in map(json.loads, TRIALS.read_text().splitlines()):
        usual = {option for option in trial["options"] if not option.startswith("network.dim=")} == USUAL
        if usual and (found := expected(quick(*trial["options"]), trial["flop"])):
            inside.append(found.low < trial["scores"]["fd_fashion"] < found.high)
    assert len(inside) >= 15
    assert sum(inside) / len(inside) >= 0.95


@pytest.mark.parametrize(
    ("width", "images", "measured"),
    [(24, 34_336, 4.12), (24, 34_336, 4.16), (32, 204_608, 0.803), (32, 110_112, 1.29)],
)
def test_the_runs_of_the_documentation_are_within_the_interval(width: int, images: int, measured: float) -> None:
    """Two of fixed steps and two of five minutes. None of them decided the law."""
    found = expected(quick(f"network.dim={width}"), FLOP_BY_WIDTH * width**2 * images)
    assert found and found.low < measured < found.high


@pytest.mark.parametrize(
    ("width", "images", "measured"), [(24, 101_024, 1.71), (24, 101_024, 1.85), (32, 204_608, 0.877)]
)
def test_so_are_those_of_the_packaged_images(width: int, images: int, measured: float) -> None:
    found = expected(quick(f"network.dim={width}", source="fashion_mnist_10k"), FLOP_BY_WIDTH * width**2 * images)
    assert found and found.low < measured < found.high


@pytest.mark.parametrize(
    ("width", "images", "measured"),
    [(32, 180_480, 0.624)],
)
def test_so_are_those_with_a_guide(width: int, images: int, measured: float) -> None:
    found = expected(quick(f"network.dim={width}", GUIDE), FLOP_BY_WIDTH * width**2 * images)
    assert found and found.low < measured < found.high


@pytest.mark.parametrize(
    "option",
    [
        *("training.guide=0.3", "sampling.autoguidance=1"),
        *("data.size=32", "data.limit=1000", "data.only=[1, 2]", "network.multipliers=[1, 1]", "training.loss=huber"),
        *("training.learning_rate=0.002", "training.condition=none", "sampling.steps=2", "sampling.guidance=2"),
        *("diffusion.schedule=linear", "training.start='other'", "network.dropout=0.1"),
    ],
)
def test_other_settings_were_not_measured(option: str) -> None:
    assert expected(quick(option), 1e13) is None


def test_the_plan_of_the_default_command_expects_it() -> None:
    plan = Forecast.of(prepare(configure(steps=4_000)))
    assert plan.expected
    assert plan.expected == expected(quick("network.dim=16", GUIDE), plan.flop_per_image * 4_000 * 32)


def test_of_the_packaged_images_longer_trainings_were_not_measured() -> None:
    assert expected(quick(), 1e14) is not None
    assert expected(quick(source="fashion_mnist_10k"), 1e14) is None


@pytest.mark.parametrize("source", ["shapes", "photos/"])
def test_other_images_were_not_measured(source: str) -> None:
    assert expected(quick(source=source), 1e13) is None


@pytest.mark.parametrize("flop", [1e12, 1e15])
def test_other_budgets_were_not_measured(flop: float) -> None:
    assert expected(quick(), flop) is None


@pytest.mark.parametrize(
    "option", ["training.seed=7", "training.threads=1", "training.precision=bfloat16", "training.preview_steps=2"]
)
def test_settings_that_change_no_more_than_a_seed_do_not_matter(option: str) -> None:
    found = expected(quick(option), 1e13)
    assert found is not None
    assert found == expected(quick(), 1e13)


def test_it_is_written_with_its_interval() -> None:
    assert str(Expected(2.68, 2.44, 2.95)) == "fd_fashion 2.7 (2.4 to 3)"


def test_ten_sampling_steps_are_those_of_a_long_training() -> None:
    short = replanned(quick("sampling.steps=10"), images=599_999)
    assert expected(short, 1e14) is None
    assert expected(replanned(short, images=600_000), 1e14) == expected(quick(), 1e14) is not None
