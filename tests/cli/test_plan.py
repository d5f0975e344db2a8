"""The plan that is printed before a training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nevoa.cli.plan import augmented, guide_in_words, print_plan
from nevoa.config import Config
from nevoa.data import ImageSet, as_image_set
from nevoa.training import Forecast, Job
from tests.small_runs import again, job_of


@pytest.mark.parametrize(
    ("images", "weigh", "measured"), [(600_000, True, True), (599_999, True, False), (600_000, False, False)]
)
def test_the_plan_says_when_the_guide_is_kept_and_whether_its_weight_is_measured(
    job: Job, images: int, weigh: bool, measured: bool
) -> None:
    row = guide_in_words(again(job, guide=0.2, images=images, weigh_guide=weigh).plan.training)
    assert row == "the average after 20% of the training" + "; its weight is measured at the end" * measured


@pytest.mark.parametrize(
    ("augment", "said"),
    [
        ("none", ""),
        ("flip", ", mirrored at random"),
        (["flip", "shift", "scale"], ", mirrored at random, augmented: shift, scale, 12% each"),
        ({"mirror": 0.5, "rotate": 0.1}, ", augmented: mirror 50%, rotate 10%"),
    ],
)
def test_the_plan_says_what_is_done_to_images_and_by_what_chance(job: Job, augment: object, said: str) -> None:
    assert augmented(job.config.updated("data", augment=augment).data) == said


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("none", {}),
        ("class", {}),
        (
            "text",
            {
                "captions": "20 for 19 images, 3 of them used once",
                "words": "6, 1 of them used once, the most frequent red (18), , (17), hat (17), a (2), dog (2), um (1)",
            },
        ),
        (
            ("tags", "number:age"),
            {
                "captions": "20 for 19 images, 3 of them used once",
                "tags": "5, 3 of them used once, the most frequent "
                "red (17), hat (17), a dog (1), um dog (1), a red (1)",
                "numbers": "age 1 to 19 (19 images)",
            },
        ),
    ],
)
def test_the_plan_says_what_is_learned_of_the_images(
    condition: object, rows: dict[str, str], tiny: Config, few_images: ImageSet, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing of what is not."""
    captions = (("a dog", "um dog"), ("a red",), *(("red, hat",),) * 17, ())
    numbers = {"age": np.array([np.nan, *range(1, 20)]), "size": np.ones(20)}
    images = replace(few_images, captions=captions, numbers=numbers)
    job = job_of(tiny.updated("training", condition=condition), images)
    print_plan(job, Forecast(1, 1.0, 1, 1.0, 1.0, 1, 1, None), Path("runs/few"), as_json=False)
    told = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert {name: told[name].strip() for name in ("captions", "words", "tags", "numbers") if name in told} == rows


@pytest.mark.parametrize(("side", "seen", "enough"), [(64, 49_998, False), (64, 50_000, True), (28, 49_998, True)])
def test_the_plan_says_that_too_few_large_images_are_seen_for_figures(
    side: int, seen: int, enough: bool, tiny: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    job = again(job_of(tiny, as_image_set(np.zeros((8, side, side, 1), np.uint8))), images=seen)
    print_plan(job, Forecast(1, 1.0, 1, 1.0, 1.0, 1, 1, None), Path("runs/few"), as_json=False)
    told = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert ("figures take about 50,000 images" in told["quality"]) is not enough


@pytest.mark.parametrize(
    ("asked", "steps", "shown"), [("auto", 75_000, True), ("auto", 74_999, False), (10, 75_000, False)]
)
def test_the_plan_says_that_a_long_training_gets_more_sampling_steps(
    asked: object, steps: int, shown: bool, tiny: Config, few_images: ImageSet, capsys: pytest.CaptureFixture[str]
) -> None:
    job = job_of(tiny.updated("sampling", steps=asked).updated("training", steps=steps), few_images)
    print_plan(job, Forecast(1, 1.0, 1, 1.0, 1.0, 1, 1, None), Path("runs/long"), as_json=False)
    assert ("samples  in 10 steps, which pay" in capsys.readouterr().out) is shown


def test_the_plan_expects_figures_where_a_picture_shows_them(tiny: Config, capsys: pytest.CaptureFixture[str]) -> None:
    images = as_image_set(np.zeros((8, 64, 64, 1), np.uint8))
    job = again(job_of(tiny.updated("training", condition="edges"), images), images=64)
    print_plan(job, Forecast(1, 1.0, 1, 1.0, 1.0, 1, 1, None), Path("runs/few"), as_json=False)
    assert "figures take" not in capsys.readouterr().out


def test_the_plan_names_the_model_to_start_from_and_no_width_that_was_not_chosen(
    tiny: Config, few_images: ImageSet, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tiny.updated("network", dim="auto").updated("training", start="auto")
    job = again(replace(job_of(tiny, few_images), config=config), start="drawings8")
    for done in (0, 8):
        print_plan(job, Forecast(1, 1.0, 1, 1.0, 1.0, 1, 1, None), Path("runs/few"), as_json=False, done=done)
        told = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
        assert told["start"].startswith("drawings8, which comes with nevoa, because 20 images are few (--from none")
        assert "width" not in told


@pytest.mark.parametrize(
    ("images", "asked", "decided", "row", "said"),
    [
        (
            30_000,
            "auto",
            "strong",
            "augment",
            "strong, because each image is seen 300 times (--augment none: images as",
        ),
        (30_000, "strong", "strong", "", ""),
        (
            30_000,
            "flip",
            "flip",
            "advice",
            "Each image is seen 300 times, so often that a model memorises it: add --aug",
        ),
        (25_000, "auto", "flip", "", ""),
    ],
)
def test_the_plan_says_that_images_are_seen_often(
    images: int, asked: str, decided: str, row: str, said: str, tiny: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    job = job_of(tiny.updated("data", augment=decided), as_image_set(np.zeros((100, 8, 8, 1), np.uint8)))
    job = replace(again(job, images=images), config=job.config.updated("data", augment=asked))
    print_plan(job, Forecast(1, 1.0, 1, 1.0, 1.0, 1, 1, None), Path("runs/few"), as_json=False)
    found = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert {name for name in ("augment", "advice") if "seen" in found.get(name, "")} == {row} - {""}
    assert said in found.get(row, "")


@pytest.mark.parametrize(
    ("values", "done", "advises", "expects"),
    [
        ({}, 0, True, True),
        ({}, 8, False, True),
        ({"start": "a model", "lora": 1}, 0, False, True),
        ({"start": "a model", "objective": "path"}, 0, False, False),
    ],
    ids=["new", "resumed", "adapters", "student"],
)
def test_the_plan_advises_only_what_the_training_takes(
    values: dict[str, object],
    done: int,
    advises: bool,
    expects: bool,
    tiny: Config,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Images that are seen often are memorised, but not by a student, which learns none."""
    config = tiny.updated("data", augment="flip").updated("diffusion", prediction="v").updated("training", **values)
    job = again(job_of(config, as_image_set(np.zeros((100, 8, 8, 1), np.uint8))), images=30_000)
    print_plan(job, Forecast(1, 1.0, 1, 1.0, 1.0, 1, 1, None), Path("runs/few"), as_json=False, done=done)
    found = capsys.readouterr().out
    assert ("add --augment strong" in found) is advises
    assert ("near copies" in found) is expects
