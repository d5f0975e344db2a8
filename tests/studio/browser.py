"""What a person does on the page."""

import os
from pathlib import Path

from playwright.sync_api import Locator, Page

from nevoa.studio.texts import Language
from tests.waiting import until

LOCALES: dict[Language, str] = {"en": "en-GB", "pt": "pt-PT"}
FRAME = "field => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(field.value))))"
SHOTS = os.environ.get("NEVOA_SCREENSHOTS")


def visit(page: Page, address: str) -> None:
    """Open the page, and wait until it is built."""
    page.goto(address)
    page.get_by_role("tab").first.wait_for()


def tab(page: Page, name: str) -> None:
    """Choose a tab."""
    page.get_by_role("tab", name=name, exact=True).click()


def shot(page: Page, name: str) -> None:
    """Keep a picture of the page, for eyes."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def click(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def write(field: Locator, text: str) -> None:
    """Fill in a field until the text stays: Gradio writes its own value a frame after a tab or an accordion opens."""

    def stays() -> bool:
        field.fill(text)
        return field.evaluate(FRAME) == text

    until(stays)
