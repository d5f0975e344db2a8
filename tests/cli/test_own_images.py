"""From images without labels and test images to a measured run, typed in this process."""

import json
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from nevoa.cli.main import main

pytestmark = pytest.mark.slow

KEYS = ["network.dim=16", "training.batch_size=16", "training.threads=1", "data.holdout=200", "diffusion.timesteps=20"]


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


def test_the_advised_command_gives_better_features(
    images: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def typed(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["nevoa", *arguments])
        try:
            main()
        except SystemExit as stop:
            assert not stop.code, capsys.readouterr()
        return capsys.readouterr().out

    plan = typed("train", str(images), "--steps", "2", "--out", "run", *(f"-o={key}" for key in KEYS))
    assert "800 images, 8x8, 1 channel, mirrored at random (200 set aside for measuring)" in " ".join(plan.split())
    measured = "evaluate", "run", "--count", "128", "--steps", "1", "--json"
    report = json.loads(typed(*measured))
    assert {"fd_random", "overfitting", "near_copies", "bits_per_dim"} <= report["scores"].keys()
    assert re.fullmatch(r"nevoa-images-\w{8}/1", report["protocol"]["name"])
    (advice,) = (warning for warning in report["warnings"] if "random weights" in warning)
    command = shlex.split(advice.partition("take minutes: ")[2])
    assert command == ["nevoa", "features", "train", str(images), "--holdout", "200"]
    assert "200 images not trained on" in typed(*command[1:], "--epochs", "20")
    report = json.loads(typed(*measured))
    assert "fd_rotation" in report["scores"]
    assert report["protocol"]["feature_network"]["accuracy"] > 0.6
    assert not [warning for warning in report["warnings"] if "random weights" in warning]
