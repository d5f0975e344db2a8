"""This version reads the files that each release wrote (CONTRIBUTING.md, Releases)."""

import json
from pathlib import Path

import numpy as np
import pytest

import nevoa
from tests.cli.conftest import nevoa as typed
from tests.releases import COUNT, MADE, MADE_RESUMED, PIPELINE, RUN, releases, unpacked

pytestmark = pytest.mark.slow

# Of 255: kernels of another CPU round otherwise, and steps of training carry that on.
ROUNDING, ROUNDING_OF_STEPS = 1, 4


@pytest.fixture(params=releases())
def release(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with the files of a release."""
    return unpacked(request.param, tmp_path)


def images_of(model: Path) -> np.ndarray:
    return nevoa.load(model, "cpu").sample(COUNT).astype(int)


def test_its_model_makes_the_same_images(release: Path) -> None:
    np.testing.assert_allclose(images_of(release / RUN), np.load(release / MADE), rtol=0, atol=ROUNDING)


def test_its_folder_of_diffusers_makes_the_same_images(release: Path) -> None:
    pytest.importorskip("diffusers")
    np.testing.assert_allclose(images_of(release / PIPELINE), np.load(release / MADE), rtol=0, atol=ROUNDING)


def test_its_run_is_listed_and_whole(release: Path) -> None:
    """With its score, although the pictures are not there."""
    (row,) = json.loads(typed("runs", "--json", folder=release).stdout)
    report = next((release / RUN / "evaluation").glob("*.json"))
    score = json.loads(report.read_text())["scores"]["fd_random"]
    seen = row["images_seen"], row["images_planned"]
    assert (row["name"], row["status"], seen, row["quality"]) == (
        "small",
        "stopped",
        (64, 128),
        ["fd_random", score, 128],
    )
    parts = typed("runs", "check", RUN, folder=release).stdout.splitlines()
    assert {part.rpartition(": ")[2] for part in parts} == {"valid"}


def test_its_run_goes_on_to_its_end(release: Path) -> None:
    """By the config that it was given, as if it had never stopped."""
    typed("continue", RUN, folder=release)
    assert nevoa.Run(release / RUN).plan() == nevoa.Run(release / RUN).last_plan()
    np.testing.assert_allclose(
        images_of(release / RUN), np.load(release / MADE_RESUMED), rtol=0, atol=ROUNDING_OF_STEPS
    )


def test_its_plan_repeats_it(release: Path) -> None:
    """Before that, its config is read, too."""
    typed("train", "--plan", f"{RUN}/plan.toml", "--out", "again", folder=release)
    np.testing.assert_allclose(
        images_of(release / "again"), np.load(release / MADE_RESUMED), rtol=0, atol=ROUNDING_OF_STEPS
    )


def test_its_report_is_verified(release: Path) -> None:
    (report,) = (release / RUN / "evaluation").glob("*.json")
    assert "All scores agree." in typed("verify", str(report), folder=release).stdout
