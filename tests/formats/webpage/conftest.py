"""One browser for each file of tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.chromium import launched
from tests.formats.webpage.library import GPU, Library


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched(*GPU) as browser:
        yield browser


@pytest.fixture(scope="module")
def library(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(chromium, tmp_path_factory.mktemp("library"))
