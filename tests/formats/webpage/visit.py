"""A visit to a page in a real browser."""

import re
from typing import Any

from playwright.sync_api import Browser, Page, expect


class Visit:
    """A page that may complain of nothing and ask for nothing."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.context = browser.new_context(**({"locale": "en-GB", "offline": address.startswith("file:")} | options))
        self.page = self.context.new_page()
        self.asked, self.complaints = list[str](), list[str]()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(address)

    def end(self, address: str) -> None:
        self.context.close()
        assert self.complaints == []
        assert [url for url in self.asked if not url.startswith((address, "blob:", "data:"))] == []


def made(page: Page) -> None:
    """Wait until the images are there."""
    expect(page.locator("#status")).to_contain_text(re.compile("Here they are|Aqui estão"))
