"""The pictures of pages are made by a script, and show the pages of today."""

import importlib.util
from pathlib import Path

import pytest
from PIL import Image

from tests.chromium import launched

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("make_page_picture", ROOT / "scripts" / "make_page_picture.py")
assert spec
assert spec.loader
make_page_picture = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_page_picture)


@pytest.mark.slow
@pytest.mark.parametrize("name", make_page_picture.PICTURES)
def test_the_picture_of_a_page_has_the_words_of_the_page(name: str) -> None:
    """If not, run scripts/make_page_picture.py."""
    with launched() as browser:
        drawn, words = make_page_picture.drawn(browser, name)
    with Image.open(make_page_picture.DOCS / name) as picture:
        assert picture.info.get(make_page_picture.WORDS) == words
        assert picture.size == drawn.size
