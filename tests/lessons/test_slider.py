"""Sliders and photographs: what a notebook shows, and what it shows where a package is missing."""

import base64
import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa.errors import NevoaError
from nevoa.lessons import Slider, photo, photograph, slider

WIDGET = "application/vnd.jupyter.widget-view+json"


def gray(shade: int) -> Image.Image:
    return Image.new("L", (40, 30), shade)


def without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find(name))
    for module in (slider, photograph):
        monkeypatch.setattr(module, "find_spec", importlib.util.find_spec)


def test_the_slider_draws_the_value_it_is_moved_to() -> None:
    widget = Slider(gray, range(0, 201, 50)).widget()
    slider, picture = widget.children
    for value in (0, 200):
        slider.value = value
        assert Image.open(io.BytesIO(picture.value)).getpixel((0, 0)) == value


def test_the_stills_are_beside_the_widget() -> None:
    bundle = Slider(gray, range(0, 201, 50), [0, 200])._repr_mimebundle_()
    assert bundle[WIDGET]["model_id"]
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).convert("L"))
    assert {0, 200} <= set(pixels.ravel().tolist())


def test_without_ipywidgets_there_are_still_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "ipywidgets")
    bundle = Slider(gray, range(0, 201, 50))._repr_mimebundle_()
    assert "image/png" in bundle and WIDGET not in bundle


def test_wide_stills_stand_in_lines_of_equal_length() -> None:
    def wide(_: int) -> Image.Image:
        return Image.new("L", (400, 100))

    assert Slider(wide, range(4)).still().width < 2 * 420
    assert Slider(gray, range(4)).still().height < 80


def test_the_photo_is_the_readers_own_or_one_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (60, 90), "red").save(tmp_path / "own.png")
    assert photo(tmp_path / "own.png", 32).shape == (32, 32, 3)
    assert photo(str(tmp_path / "own.png"), 32)[0, 0].tolist() == [255, 0, 0]
    assert photo(side=64).shape == (64, 64, 3)
    without(monkeypatch, "skimage")
    assert photo(side=64).shape == (64, 64, 1)
    with pytest.raises(NevoaError, match="There is no file"):
        photo(tmp_path / "missing.png")
