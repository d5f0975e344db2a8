"""Draw docs/page.png: the page of the packaged model on a screen, on a phone and with an image open.

python scripts/make_page_picture.py
"""

import io
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Browser, expect, sync_playwright

import nevoa
from nevoa.formats import webpage

PICTURE = Path(__file__).parents[1] / "docs" / "page.png"
# Where the picture keeps the words that it shows, by which a test knows an old one.
WORDS = "Description"
HEIGHT, GAP = 800, 16
BAG = 8


def seen(
    browser: Browser, page: Path, width: int, scheme: Any, language: str, opened: bool = False
) -> tuple[Image.Image, str]:
    """A picture of the page with its images, or of one of them, and its words."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT}, color_scheme=scheme, locale=language, device_scale_factor=1
    )
    tab = context.new_page()
    tab.goto(page.as_uri())
    expect(tab.locator("#status")).to_contain_text(re.compile("Here they are|Aqui estão"), timeout=120_000)
    if opened:
        tab.locator("#grid button").nth(BAG).click()
        tab.locator("#strip button").nth(4).click()
    picture = Image.open(io.BytesIO(tab.screenshot()))
    words = re.findall(r"[^\W\d]{3,}", tab.locator("body").inner_text())  # no numbers: seconds are others each time
    context.close()
    return picture, " ".join(words)


def drawn(browser: Browser) -> tuple[Image.Image, str]:
    """The whole picture and its words."""
    with TemporaryDirectory() as name:
        page = Path(name) / "page.html"
        webpage.export(nevoa.load(device="cpu"), page)
        parts = [
            seen(browser, page, 1100, "light", "en-GB"),
            seen(browser, page, 360, "dark", "pt-PT"),
            seen(browser, page, 360, "light", "pt-PT", opened=True),
        ]
    whole = Image.new("RGB", (sum(part.width + GAP for part, _ in parts) - GAP, HEIGHT), "white")
    left = 0
    for part, _ in parts:
        whole.paste(part, (left, 0))
        left += part.width + GAP
    return whole, " ".join(words for _, words in parts)


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        whole, words = drawn(browser)
        browser.close()
    about = PngInfo()
    about.add_itxt(WORDS, words)
    whole.quantize(128).save(PICTURE, optimize=True, pnginfo=about)


if __name__ == "__main__":
    main()
