"""From a folder of pictures to new images without a command, through all tabs, as the pictures in docs show it."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from nevoa.studio.texts import texts
from tests.conftest import TINY

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def labels(picture: Path) -> set[str]:
    """The words in a picture of the page."""
    opened: Any = Image.open(picture)
    return set(opened.text["labels"].split("\n"))


def test_from_pictures_to_new_images_through_all_tabs(tmp_path: Path) -> None:
    draw = runpy.run_path(str(ROOT / "scripts/make_studio_pictures.py"))["draw"]
    draw(tmp_path, "0", (*TINY, "training.steps=60", "training.threads=1"))
    film: Any = Image.open(tmp_path / "studio.gif")
    assert film.n_frames > 5
    assert {"Train on", "Minutes", "Start", "Make new ones"} <= labels(tmp_path / "studio.png")


def test_what_the_picture_in_docs_shows_is_on_the_page() -> None:
    """Otherwise scripts/make_studio_pictures.py makes it again."""
    assert labels(ROOT / "docs/studio.png") <= set(texts("en").tables["label"].values())
