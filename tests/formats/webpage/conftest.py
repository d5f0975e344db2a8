"""One browser for each file of tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.chromium import launched
from tests.formats.webpage.library import GPU, Library
from tests.formats.webpage.visit import Visit, made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched(*GPU) as browser:
        yield browser


@pytest.fixture(scope="module")
def library(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(chromium, tmp_path_factory.mktemp("library"))


@pytest.fixture
def page(chromium: Browser, file: Path) -> Iterator[Page]:
    """A visit to the page that the file of tests exports, which may complain of nothing."""
    visit = Visit(chromium, file.as_uri())
    made(visit.page)
    yield visit.page
    visit.end(file.as_uri())
