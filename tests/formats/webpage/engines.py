"""The engines of browsers, each with one page as wide as a phone, which a finger and a keyboard move."""

import json
import os
import re
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Page
from selenium import webdriver
from selenium.webdriver.common.bidi.common import command_builder
from selenium.webdriver.remote.command import Command
from selenium.webdriver.remote.websocket_connection import WebSocketConnection
from selenium.webdriver.webkitgtk.service import Service

from tests.chromium import launched

# So tall that nothing has to be scrolled to before it is touched.
WIDTH, HEIGHT = 360, 2400
SECONDS = 60
ENTER = "\ue007"
MIDDLE = """(() => {
  const { x, y, width, height } = document.querySelector(%s).getBoundingClientRect();
  return [Math.round(x + width / 2), Math.round(y + height / 2)];
})()"""


class Engine(ABC):
    """A browser's only page."""

    @abstractmethod
    def open(self, address: str) -> None:
        """Go to a page, and wait until it is loaded."""

    @abstractmethod
    def run(self, code: str) -> Any:
        """The value of an expression of JavaScript; of a promise, what it promises."""

    @abstractmethod
    def perform(self, source: dict[str, Any]) -> None:
        """Let a finger or a keyboard act, in the words of the WebDriver specification."""

    def tap(self, selector: str) -> None:
        """Touch the middle of an element."""
        x, y = self.run(MIDDLE % json.dumps(selector))
        actions = [{"type": "pointerMove", "x": x, "y": y}, {"type": "pointerDown", "button": 0}]
        finger = {"type": "pointer", "id": "finger", "parameters": {"pointerType": "touch"}}
        self.perform(finger | {"actions": [*actions, {"type": "pointerUp", "button": 0}]})

    def press(self, keys: str) -> None:
        """Press keys, one after the other."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.perform({"type": "key", "id": "keyboard", "actions": actions})


class Chromium(Engine):
    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, address: str) -> None:
        self.page.goto(address)

    def run(self, code: str) -> Any:
        return self.page.evaluate(code)

    def perform(self, source: dict[str, Any]) -> None:
        raise NotImplementedError("Playwright has words of its own.")

    def tap(self, selector: str) -> None:
        self.page.tap(selector)

    def press(self, keys: str) -> None:
        self.page.keyboard.type(keys.replace(ENTER, "\n"))


class Firefox(Engine):
    """Firefox itself speaks WebDriver BiDi."""

    def __init__(self, address: str) -> None:
        self.connection = WebSocketConnection(f"{address}/session", SECONDS, 0.01)
        self.send("session.new", capabilities={})
        self.tab = self.send("browsingContext.getTree")["contexts"][0]["context"]
        viewport = {"width": WIDTH, "height": HEIGHT}
        self.send("browsingContext.setViewport", context=self.tab, viewport=viewport)

    def send(self, method: str, **parameters: Any) -> Any:
        return self.connection.execute(command_builder(method, parameters))

    def open(self, address: str) -> None:
        self.send("browsingContext.navigate", context=self.tab, url=address, wait="complete")

    def run(self, code: str) -> Any:
        code = f"Promise.resolve({code}).then((value) => JSON.stringify(value ?? null))"
        answer = self.send("script.evaluate", expression=code, target={"context": self.tab}, awaitPromise=True)
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    def perform(self, source: dict[str, Any]) -> None:
        self.send("input.performActions", context=self.tab, actions=[source])


class WebKit(Engine):
    """The engine of Safari, in GTK's MiniBrowser. Its driver touches with a mouse."""

    def __init__(self, driver: webdriver.WebKitGTK) -> None:
        self.driver = driver
        driver.set_script_timeout(SECONDS)
        driver.set_window_rect(0, 0, WIDTH, HEIGHT)

    def open(self, address: str) -> None:
        self.driver.get(address)

    def run(self, code: str) -> Any:
        return self.driver.execute_async_script(f"Promise.resolve({code}).then(arguments[0])")

    def perform(self, source: dict[str, Any]) -> None:
        self.driver.execute(Command.W3C_ACTIONS, {"actions": [source]})


@contextmanager
def chromium() -> Iterator[Chromium]:
    with launched() as browser:
        phone = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, has_touch=True, is_mobile=True)
        yield Chromium(phone.new_page())


@contextmanager
def firefox() -> Iterator[Firefox]:
    needs("firefox-esr", package="firefox-esr", variable="NEVOA_REQUIRE_FIREFOX")
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = ["firefox-esr", "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stderr
                said = next(found for line in process.stderr if (found := re.search(r"listening on (ws://\S+)", line)))
                Thread(target=process.stderr.read, daemon=True).start()  # a full pipe would stop the browser
                engine = Firefox(said[1])
                yield engine
                engine.connection.close()
            finally:
                process.terminate()


@contextmanager
def webkit() -> Iterator[WebKit]:
    needs("WebKitWebDriver", package="webkit2gtk-driver", variable="NEVOA_REQUIRE_WEBKIT")
    needs("Xvfb", package="xvfb", variable="NEVOA_REQUIRE_WEBKIT")
    screen = ["Xvfb", "-displayfd", "1", "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp"]
    with subprocess.Popen(screen, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout
            display = f":{server.stdout.readline().strip()}"
            options = webdriver.WebKitGTKOptions()
            for option in ("--automation", "--full-screen"):  # with its bars, the window is wider than a phone
                options.add_argument(option)
            with webdriver.WebKitGTK(options, Service(env={**os.environ, "DISPLAY": display})) as driver:
                yield WebKit(driver)
        finally:
            server.terminate()


def needs(program: str, package: str, variable: str) -> None:
    """Without a program, skip the test, or fail where it has to be."""
    if shutil.which(program):
        return
    assert not os.environ.get(variable), f"{program} is missing."
    pytest.skip(f"There is no {program}: install it, as with apt-get install {package}.")
