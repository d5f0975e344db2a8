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
from nevoa.runs import Run, journal
from nevoa.runs.horizon import Horizon
from nevoa.training.held_out import HeldOut
from nevoa.training.state import TrainingState

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
        (folder / f"{number}.txt").write_text(("- a cat", "@cat", "one cat, black", "")[number])
    printed = typed(
        "train", "cats", "--steps", "1", "--condition", kind, "--out", "run", *(f"-o={key}" for key in KEYS[:3])
    )
    (tried,) = (line for line in printed.splitlines() if line.startswith("Try: "))
    command = shlex.split(tried.removeprefix("Try: "))
    assert command == ["nevoa", "sample", "run", option, "one cat, black"]
    assert " of one cat, black" in typed(*command[1:], "--count", "1")


@pytest.mark.parametrize(
    ("kinds", "command"),
    [
        (["downscaled:2"], "upscale run picture.png"),
        (["edges"], "sample run --picture picture.png"),
        (["gray", "edges"], "sample run"),  # each is asked for by its name
    ],
)
def test_a_training_with_pictures_ends_with_one_to_try(
    kinds: list[str], command: str, images: Path, typed: Typed
) -> None:
    folder = images.with_name("cats")
    folder.mkdir()
    Image.new("RGB", (8, 8), "red").save(folder / "red.png")
    asked = [word for kind in kinds for word in ("--condition", kind)]
    options = [f"-o={key}" for key in KEYS[:3]]
    printed = typed("train", "cats", "--steps", "1", *asked, "--out", "run", *options)
    assert f"\nTry:     nevoa {command}\n" in printed
    Image.new("RGB", (4, 4), "blue").save("picture.png")
    assert typed(*command.split())


def test_a_training_says_which_model_is_its_own(images: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    def rising(_: HeldOut, state: TrainingState) -> dict[str, float]:
        return {"training_loss": 0.1, "held_out_loss": float(state.images_seen)}

    monkeypatch.setattr(HeldOut, "losses", rising)
    every = [f"training.{name}_every_images=16" for name in ("report", "preview")]
    options = [f"-o={key}" for key in [*KEYS, *every]]
    command = "train", str(images), "--steps", "4", "--out", "run", *options
    chosen = "the one of 16 images, where the held-out loss was lowest"
    assert f"\nModel:   {chosen}; later ones memorise\nTry: " in typed(*command)
    assert f"The model is {chosen}.\nTo train it" in typed(*command)
    assert f"The model of run is {chosen}." in " ".join(typed("runs", "run").split())
    (summary,) = json.loads(typed("runs", "run", "--json"))
    assert summary["model_images"] == 16
    typed(*command[:5], "patient", "--patience", "1", *options)
    (moved,) = (entry for entry in journal.read(Run(Path("patient"))) if entry.event == "moved")
    assert (moved.images_seen, moved.horizon) == (32, Horizon(48, 32, 0.0, cooling=True))


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
