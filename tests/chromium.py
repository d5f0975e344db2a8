"""A real Chromium."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright


@contextmanager
def launched(*options: str) -> Iterator[Browser]:
    """Debian's Chromium, with further options. Without one, skip the test, or fail where one has to be."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not path:
        assert not os.environ.get("NEVOA_REQUIRE_CHROMIUM"), "Chromium is missing."
        pytest.skip("There is no Chromium: install it, as with apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *options])
        yield browser
        browser.close()
