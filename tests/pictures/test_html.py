"""HTML for notebooks."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
from PIL import Image

from nevoa.pictures import html_line, html_page


class Reader(HTMLParser):
    """Collects the text of a page, and the sources of its images."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.sources: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.sources.append(dict(attrs)["src"] or "")


def test_a_page_holds_all_that_was_given() -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (5, 7, 3), np.uint8))
    page = Reader(html_page("runs/<b>", {"images seen": 640, "loss": "a & b"}, {'"loss"': picture}))
    assert page.texts == ["runs/<b>", "images seen", "640", "loss", "a & b", '"loss"']
    (source,) = page.sources
    encoded = re.fullmatch("data:image/png;base64,(.*)", source)
    assert encoded is not None
    with Image.open(io.BytesIO(base64.b64decode(encoded[1]))) as found:
        np.testing.assert_array_equal(np.asarray(found), np.asarray(picture))


def test_a_line_holds_names_and_values() -> None:
    assert Reader(html_line({"step": 3, "loss": "<nan>"})).texts == ["step", "3", "loss", "<nan>"]
