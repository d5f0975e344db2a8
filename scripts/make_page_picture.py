"""Draw docs/page.png: the page of the packaged model on a screen, on a phone and with an image open.

python scripts/make_page_picture.py
"""

import io
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

import nevoa
from nevoa.interop import webpage

PICTURE = Path(__file__).parents[1] / "docs" / "page.png"
HEIGHT, GAP = 800, 16
BAG = 8


def seen(browser: Browser, page: Path, width: int, scheme: Any, language: str, opened: bool) -> Image.Image:
    """A picture of the page with its images, or of one of them."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT}, color_scheme=scheme, locale=language, device_scale_factor=1
    )
    tab = context.new_page()
    tab.goto(page.as_uri())
    expect(tab.locator("#grid button").first).to_be_enabled(timeout=120_000)
    if opened:
        tab.locator("#grid button").nth(BAG).click()
        tab.locator("#strip button").nth(4).click()
    picture = Image.open(io.BytesIO(tab.screenshot()))
    context.close()
    return picture


def main() -> None:
    with TemporaryDirectory() as name, sync_playwright() as playwright:
        page = Path(name) / "page.html"
        webpage.export(nevoa.load(device="cpu"), page)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        pictures = [
            seen(browser, page, 1100, "light", "en-GB", False),
            seen(browser, page, 360, "dark", "pt-PT", False),
            seen(browser, page, 360, "light", "pt-PT", True),
        ]
        browser.close()
    whole = Image.new("RGB", (sum(picture.width + GAP for picture in pictures) - GAP, HEIGHT), "white")
    left = 0
    for picture in pictures:
        whole.paste(picture, (left, 0))
        left += picture.width + GAP
    whole.quantize(128).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
