"""Draw docs/page.png and docs/page-prompt.png: the pages of the packaged models on a screen and on a phone.

python scripts/make_page_picture.py [NAME]
"""

import io
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Browser, Page, expect, sync_playwright

import nevoa
from nevoa.formats import webpage
from nevoa.runs import PACKAGED

DOCS = Path(__file__).parents[1] / "docs"
# Where a picture keeps the words that it shows, by which a test knows an old one.
WORDS = "Description"
HEIGHT, GAP = 800, 16
BAG = 8


def made(tab: Page) -> None:
    """Wait until the images are there."""
    expect(tab.locator("#status")).to_contain_text(re.compile("Here they are|Aqui estão"), timeout=120_000)


def look(_: Page) -> None:
    """Leave the page as it begins."""


def open_bag(tab: Page) -> None:
    """Open an image on its way out of the noise."""
    tab.locator("#grid button").nth(BAG).click()
    tab.locator("#strip button").nth(4).click()


def ask(prompt: str, unwanted: str) -> Callable[[Page], None]:
    """Ask for something, and not for something else."""

    def type_both(tab: Page) -> None:
        tab.locator("#not").fill(unwanted)
        tab.locator("#prompt").fill(prompt)
        tab.keyboard.press("Enter")
        expect(tab.locator("#grid button").first).to_have_attribute("aria-label", re.compile(f"{prompt}.*{unwanted}"))
        made(tab)

    return type_both


# A model, and the views of its page: width, colours, language, and what a visitor does.
PICTURES: dict[str, tuple[str, list[tuple[int, Any, str, Callable[[Page], None]]]]] = {
    "page.png": (
        str(PACKAGED),
        [(1100, "light", "en-GB", look), (360, "dark", "pt-PT", look), (360, "light", "pt-PT", open_bag)],
    ),
    "page-prompt.png": (
        "emoji",
        [
            (1100, "light", "en-GB", ask("dog face", "cat")),
            (360, "dark", "pt-PT", ask("coração azul", "verde")),
        ],
    ),
}


def seen(
    browser: Browser, page: Path, width: int, scheme: Any, language: str, act: Callable[[Page], None]
) -> tuple[Image.Image, str]:
    """A picture of a page with its images, and its words."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT}, color_scheme=scheme, locale=language, device_scale_factor=1
    )
    tab = context.new_page()
    tab.goto(page.as_uri())
    made(tab)
    act(tab)
    picture = Image.open(io.BytesIO(tab.screenshot()))
    words = re.findall(r"[^\W\d]{3,}", tab.locator("body").inner_text())  # no numbers: seconds are others each time
    context.close()
    return picture, " ".join(words)


def drawn(browser: Browser, name: str) -> tuple[Image.Image, str]:
    """A whole picture and its words."""
    model, views = PICTURES[name]
    with TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        webpage.export(nevoa.load(model, device="cpu"), page)
        parts = [seen(browser, page, *view) for view in views]
    whole = Image.new("RGB", (sum(part.width + GAP for part, _ in parts) - GAP, HEIGHT), "white")
    left = 0
    for part, _ in parts:
        whole.paste(part, (left, 0))
        left += part.width + GAP
    return whole, " ".join(words for _, words in parts)


def main(*names: str) -> None:
    """Draw pictures, all by default."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name in names or PICTURES:
            whole, words = drawn(browser, name)
            about = PngInfo()
            about.add_itxt(WORDS, words)
            whole.quantize(128).save(DOCS / name, optimize=True, pnginfo=about)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
