"""The width that a budget pays for: the law of docs/scaling-laws.md."""

import itertools
import json
import runpy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest

import nevoa
from nevoa.config.network import OPEN
from nevoa.config.presets import configure
from nevoa.data import load_images
from nevoa.errors import MemoryShortage, NevoaError
from nevoa.networks import build_network
from nevoa.runs import Run
from nevoa.training import Forecast, prepare, speeds
from nevoa.training.by_size import LARGE_BATCH, SMALL_BATCH
from nevoa.training.measure import Trial
from nevoa.training.width import (
    CANDIDATES,
    DISTANCE_AT_1E13,
    EXPONENT,
    FALL,
    FLOP_BY_WIDTH,
    LIMIT,
    MANY,
    MOST,
    REFERENCE,
    SPREAD,
    WIDTH_AT_1E13,
    WIDTHS,
    best_width,
    expected_distance,
    flop_of_images,
    ideal_width,
)
from tests.small_runs import planned

SCALING = Path(__file__).parents[2] / "benchmarks" / "scaling"
QUICKLY = ("training.report_every_images=32", "training.preview_every_images=10000")


@pytest.fixture(scope="module")
def fit() -> dict[str, Any]:
    return runpy.run_path(str(SCALING / "fit.py"))


@pytest.fixture(scope="module")
def distances(fit: dict[str, Any]) -> dict[float, dict[int, list[float]]]:
    return fit["distances_of"](SCALING / "results.jsonl")


@pytest.fixture(autouse=True)
def no_speeds_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machines of these tests are not one machine."""
    numbers = itertools.count()
    monkeypatch.setattr(speeds, "speeds_file", lambda: tmp_path / f"speeds-{next(numbers)}.json")


def best_for(flop: float, scale: float = 1.0) -> int:
    """The best width if each has the same operations."""
    return best_width(dict.fromkeys(WIDTHS, flop), scale)


def width_of(trial: Trial) -> int:
    return trial.plan.network.model_dump()["dim"]


def test_the_law_is_the_fit_of_the_trials(fit: dict[str, Any], distances: Any) -> None:
    law = fit["Law"].fitted(distances)
    assert (law.width_at_1e13, law.exponent) == pytest.approx((WIDTH_AT_1E13, EXPONENT), rel=0.01)
    found = law.limit, law.at_1e13, law.fall, law.spread
    assert found == pytest.approx((LIMIT, DISTANCE_AT_1E13, FALL, SPREAD), rel=0.01)


def test_the_page_has_the_table_of_the_law_and_says_how_far_it_is_from_the_trials(
    fit: dict[str, Any], distances: Any
) -> None:
    law = fit["Law"](DISTANCE_AT_1E13, FALL, SPREAD, WIDTH_AT_1E13, EXPONENT, LIMIT)
    page = (SCALING.parents[1] / "docs" / "scaling-laws.md").read_text()
    assert fit["table"](distances, law) in page
    assert f"differ from the law {law.in_words(distances)}" in " ".join(page.split())
    for number in (DISTANCE_AT_1E13, FALL, SPREAD, WIDTH_AT_1E13, EXPONENT, LIMIT):
        assert f"{number:.3g}" in page.partition("## The trials")[0]


def test_the_law_is_within_a_tenth_of_each_trial(distances: Any) -> None:
    for flop, row in distances.items():
        for width, seeds in row.items():
            expected = expected_distance(flop, width)
            assert expected == pytest.approx(fmean(seeds), rel=1 / 10), f"{flop:.1e}, width {width}"


def test_at_each_budget_of_the_trials_the_law_is_within_a_tenth_of_the_best(distances: Any) -> None:
    for flop, row in distances.items():
        best = min(fmean(seeds) for seeds in row.values())
        assert fmean(row[best_for(flop)]) <= 1.1 * best, f"{flop:.1e}"


def test_the_fit_finds_a_law_that_distances_were_made_from(fit: dict[str, Any]) -> None:
    """Distances with a smallest one at 20 (FLOP / 1e13)^0.3, and a fiftieth of noise."""
    noise = np.random.default_rng(0)

    def made(flop: float, width: int) -> float:
        u = (20 * (flop / 1e13) ** 0.3 / width) ** 2
        return (0.2 + 3 * (flop / 1e13) ** -0.5 * np.exp(0.5 * (u - 1 - np.log(u)))) * np.exp(0.02 * noise.normal())

    distances = {flop: {width: [made(flop, width)] for width in WIDTHS} for flop in (5e12, 2e13, 8e13, 3e14)}
    law = fit["Law"].fitted(distances)
    assert (law.width_at_1e13, law.exponent) == pytest.approx((20, 0.3), rel=0.05)
    assert (law.at_1e13, law.fall, law.spread) == pytest.approx((3, 0.5, 0.5), rel=0.05)
    assert law.limit == pytest.approx(0.2, rel=0.25)
    assert law.errors(distances).std() == pytest.approx(0.02, rel=0.5)


def test_wider_networks_for_more_computation_and_a_warning_beyond_the_trials() -> None:
    widths = [best_for(flop) for flop in np.geomspace(1e9, MOST)]
    assert widths == sorted(widths) and set(widths) <= set(WIDTHS)
    assert widths[0] == WIDTHS[0]
    images = 3_000_000
    assert flop_of_images(images) > MOST
    with pytest.warns(UserWarning, match=r"FLOP is extrapolated: the trials went up to 5e14 FLOP"):
        prepare(configure("fashion_mnist_10k", steps=images // 32, options=QUICKLY))


def test_with_the_same_operations_a_wider_network_is_better_above_a_mean_of_both_widths() -> None:
    """The logarithmic mean of 1 / dim^2, where u - log u is the same for both."""
    pairs = list(itertools.pairwise(WIDTHS))
    means = [np.sqrt(np.log(b**2 / a**2) / (a**-2 - b**-2)) for a, b in pairs]
    assert all(a < mean < b for (a, b), mean in zip(pairs, means, strict=True))
    for flop in np.geomspace(1e11, MOST):
        assert best_for(flop) == WIDTHS[int(np.searchsorted(means, ideal_width(flop)))]


def test_where_narrow_networks_compute_slowly_a_wider_one_is_the_best() -> None:
    flop = {width: 3e13 * width / REFERENCE for width in WIDTHS}
    assert best_width(flop) > best_for(3e13)


def test_an_image_counts_by_its_pixels() -> None:
    for flop in (1e12, 1e13, 1e14):
        assert best_for(4 * flop, 1 / 4) == best_for(flop)


@pytest.mark.parametrize("images", [1_000, 50_000, 1_000_000])
def test_images_are_worth_the_operations_of_the_width_that_they_get(images: int) -> None:
    """The operations of so many images with the ideal width, before it is rounded."""
    flop = flop_of_images(images)
    assert flop == pytest.approx(FLOP_BY_WIDTH * images * ideal_width(flop) ** 2)


@pytest.mark.slow
@pytest.mark.parametrize("dim", WIDTHS)
def test_the_operations_of_an_image_go_with_the_square_of_the_width(dim: int) -> None:
    config = configure("fashion_mnist_10k", steps=1, options=(f"network.dim={dim}", "training.condition=class"))
    images = load_images(config.data)
    flop = Trial(planned(config, images), images).flop_per_image
    assert flop == pytest.approx(FLOP_BY_WIDTH * dim**2, rel=0.1)


@pytest.mark.slow
def test_a_budget_of_steps_or_epochs_chooses_without_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trial, "seconds", None)
    steps, epochs = configure("fashion_mnist_10k", steps=3_000), configure("fashion_mnist_10k", epochs=9.6)
    for config in (steps, epochs):
        job = prepare(config)
        assert job.plan.network.model_dump()["dim"] == best_for(flop_of_images(96_000))


def test_epochs_of_less_than_an_image_have_a_width() -> None:
    job = prepare(configure("fashion_mnist_10k", epochs=1e-6))
    assert job.plan.network.model_dump()["dim"] == min(WIDTHS)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [1e10, 1e11])
@pytest.mark.parametrize("busy", [0, 0.5, 1])
def test_the_best_of_all_widths_for_what_the_machine_computes_in_the_minutes(
    rate: float, busy: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On machines where a width computes `rate` (width / 32)^busy FLOP per second."""

    def rate_of(width: int) -> float:
        return rate * (width / REFERENCE) ** busy

    def seconds(trial: Trial) -> Iterator[float]:
        timed.append(width_of(trial))
        images = trial.plan.training.batch_size
        return itertools.repeat(images * trial.flop_per_image / rate_of(width_of(trial)))

    timed = list[int]()
    monkeypatch.setattr(Trial, "seconds", seconds)
    config = configure("fashion_mnist_10k", minutes=5, options=QUICKLY)
    job, best = prepare(config), best_width({width: 300 * rate_of(width) for width in WIDTHS})
    assert job.plan.network.model_dump()["dim"] == best
    assert len(timed) <= 2 + CANDIDATES, "the reference, the candidates, and the steps of the one chosen"


@pytest.mark.slow
@pytest.mark.parametrize("estimated", [True, False], ids=["by the estimate", "while it is timed"])
def test_memory_limits_the_width(estimated: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine where width 48 would be the best. The estimate is the least that a training can need."""

    def check(trial: Trial) -> None:
        if width_of(trial) > most:
            raise MemoryShortage("too much")

    def seconds(trial: Trial) -> Iterator[float]:
        check(trial)
        yield from itertools.repeat(trial.flop_per_image / (4e9 * width_of(trial) / REFERENCE))

    if estimated:
        monkeypatch.setattr(Trial, "check_memory", check)
    monkeypatch.setattr(Trial, "seconds", seconds)
    config = configure("fashion_mnist_10k", minutes=5, options=QUICKLY)
    for limit, best in ((96, 48), (48, 48), (REFERENCE, REFERENCE)):
        most = limit
        job = prepare(config)
        assert job.plan.network.model_dump()["dim"] == best
    most = REFERENCE - 1
    with pytest.raises(NevoaError, match="too much"):
        prepare(config)


@pytest.mark.slow
@pytest.mark.parametrize("option", ["network.patch=2", "network.dim=24", "network.kind=unet"])
def test_large_batches_for_much_computation(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the width open, given, and of another network; by the operations of the minutes."""

    def seconds(trial: Trial) -> Iterator[float]:
        return itertools.repeat(trial.plan.training.batch_size * trial.flop_per_image / 1e11)

    monkeypatch.setattr(Trial, "seconds", seconds)
    for share, batch_size in ((0.9, SMALL_BATCH), (1.1, LARGE_BATCH)):
        options = (option, "data.limit=8", *QUICKLY)
        config = configure("fashion_mnist_10k", minutes=share * MANY / 1e11 / 60, options=options)
        assert prepare(config).plan.training.batch_size == batch_size
        config = configure("fashion_mnist_10k", minutes=20, options=(*options, "training.batch_size=20"))
        assert prepare(config).plan.training.batch_size == 20


@pytest.mark.slow
def test_larger_images_need_more_computation_for_large_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for those whose patches are larger, too, which leave as many positions."""

    def seconds(trial: Trial) -> Iterator[float]:
        return itertools.repeat(32 * trial.flop_per_image / 1e11)

    monkeypatch.setattr(Trial, "seconds", seconds)
    config = configure("fashion_mnist_10k", minutes=2 * MANY / 1e11 / 60, size=56, limit=8, options=QUICKLY)
    for patch, batch_size in ((2, SMALL_BATCH), (4, LARGE_BATCH)):
        assert prepare(config.updated("network", patch=patch)).plan.training.batch_size == batch_size


def test_steps_and_epochs_have_small_batches() -> None:
    for budget in ({"steps": 10**6}, {"epochs": 1000}):
        config = configure("fashion_mnist_10k", **budget, options=("network.dim=24", *QUICKLY))  # pyright: ignore[reportArgumentType]
        job = prepare(config)
        assert job.plan.training.batch_size == SMALL_BATCH
        assert job.plan.training.images in (10**6 * SMALL_BATCH, 1000 * 10_000)


def test_a_width_given_by_hand_wins() -> None:
    job = prepare(configure("fashion_mnist_10k", steps=3_000, options=("network.dim=20", *QUICKLY)))
    assert job.plan.network.model_dump()["dim"] == 20


@pytest.mark.slow
def test_a_run_that_goes_on_keeps_its_width(tmp_path: Path) -> None:
    few = ("network.multipliers=[1]", "network.attention=[false]", "training.batch_size=4", "data.limit=8", *QUICKLY)
    run = nevoa.train("fashion_mnist_10k", steps=2, options=few, out=tmp_path / "run", progress=False)
    longer = configure("fashion_mnist_10k", steps=100_000, options=few)
    width = best_for(flop_of_images(400_000))
    job = prepare(longer, run=Run(tmp_path / "run"))
    assert job.plan.network == run.plan().network
    assert job.plan.network.model_dump()["dim"] != width


@pytest.mark.parametrize(("given", "key"), [("network.patch=2", "dim"), ("network.dim=8", "patch")])
def test_a_network_without_a_width_or_a_patch_is_refused(given: str, key: str) -> None:
    with pytest.raises(NevoaError, match=rf"network.{key} is auto, and only a training chooses it: give a number"):
        build_network(configure(options=given).network, 1)


@pytest.mark.parametrize("key", OPEN)
def test_a_network_with_an_open_key_is_refused(key: str) -> None:
    given = {"dim": 8, "patch": 2, "multipliers": [1], "attention": [False]}
    given |= {"attention": [False, False]} if key == "multipliers" else {}
    options = [f"network.{one}={json.dumps(value)}" for one, value in given.items() if one != key]
    with pytest.raises(NevoaError, match=rf"network.{key} is auto, and only a training chooses it: give a "):
        build_network(configure(options=options).network, 1)


@pytest.mark.slow
def test_the_plan_says_which_width_and_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from nevoa.cli.plan import print_plan

    job = prepare(configure("fashion_mnist_10k", steps=2_000, options=QUICKLY))
    dim, forecast = job.plan.network.model_dump()["dim"], replace(Forecast.of(job), flop_per_image=10**8)
    print_plan(job, forecast, tmp_path, as_json=False)
    row = f"width {dim}, the best for 6.4e12 FLOP; keep it with -o network.dim={dim} -o training.batch_size=32"
    assert row in " ".join(capsys.readouterr().out.split())
    print_plan(job, forecast, tmp_path, as_json=False, done=32)
    assert "the best for" not in capsys.readouterr().out
