"""From images of one's own to a run that is measured or asked in words, typed in this process."""

import json
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa.cli.main import main

pytestmark = pytest.mark.slow

KEYS = ["network.dim=16", "training.batch_size=16", "training.threads=1", "data.holdout=256", "diffusion.timesteps=20"]


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A thousand images, brighter above than below."""
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 100, (1000, 8, 8), dtype=np.uint8)
    pixels[:, :4] += rng.integers(50, 150, (1000, 1, 1), dtype=np.uint8)
    np.save(tmp_path / "mine.npy", pixels)
    return tmp_path / "mine.npy"


Typed = Callable[..., str]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Type a command, and return what it prints."""

    def typed(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["nevoa", *arguments])
        try:
            main()
        except SystemExit as stop:
            assert not stop.code, capsys.readouterr()
        return capsys.readouterr().out

    return typed


@pytest.mark.parametrize(("kind", "option"), [("text", "--prompt"), ("tags", "--tags")])
def test_a_training_with_captions_ends_with_a_prompt_to_try(kind: str, option: str, images: Path, typed: Typed) -> None:
    folder = images.with_name("cats")
    folder.mkdir()
    for number in range(4):
        Image.new("RGB", (8, 8), (60 * number, 0, 0)).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text("one cat, black")
    printed = typed(
        "train", "cats", "--steps", "1", "--condition", kind, "--out", "run", *(f"-o={key}" for key in KEYS[:3])
    )
    (tried,) = (line for line in printed.splitlines() if line.startswith("Try: "))
    command = shlex.split(tried.removeprefix("Try: "))
    assert command == ["nevoa", "sample", "run", option, "one cat, black"]
    assert " of one cat, black" in typed(*command[1:], "--count", "1")


def test_the_advised_command_gives_better_features(images: Path, typed: Typed) -> None:
    plan = typed("train", str(images), "--steps", "2", "--out", "run", *(f"-o={key}" for key in KEYS))
    assert "744 images, 8x8, 1 channel, mirrored at random (256 set aside for measuring)" in " ".join(plan.split())
    measured = "evaluate", "run", "--count", "128", "--steps", "1", "--json"
    report = json.loads(typed(*measured))
    assert {"fd_random", "overfitting", "near_copies", "bits_per_dim"} <= report["scores"].keys()
    assert re.fullmatch(r"nevoa-images-\w{8}/1", report["protocol"]["name"])
    (advice,) = (warning for warning in report["warnings"] if "random weights" in warning)
    command = shlex.split(advice.partition("take minutes: ")[2])
    assert command == ["nevoa", "features", "train", str(images), "--holdout", "256"]
    assert "256 images not trained on" in typed(*command[1:], "--epochs", "20")
    report = json.loads(typed(*measured))
    assert "fd_rotation" in report["scores"]
    assert report["protocol"]["feature_network"]["accuracy"] > 0.6
    assert not [warning for warning in report["warnings"] if "random weights" in warning]
