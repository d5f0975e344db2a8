"""A server of the page in a process of its own, and a real Chromium."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from nevoa.studio.workspace import Workspace
from tests.chromium import launched
from tests.studio.browser import visit
from tests.waiting import until

# Browsers ask for them; the page has none.
UNUSED = "/manifest.json", "/favicon.ico"


# A page of a busy machine is slow.
expect.set_options(timeout=60_000)


class Server:
    """`nevoa studio` for a workspace.

    Args:
        nevoa: arguments of Python that run the command.
    """

    def __init__(self, workspace: Path, nevoa: Sequence[str] = ("-m", "nevoa")) -> None:
        self.workspace, self.log, self.nevoa = workspace, workspace.parent / "server.log", nevoa
        workspace.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = ["--workspace", str(self.workspace), "--port", str(self.port), "--no-browser"]
        with self.log.open("ab") as log:
            command = [sys.executable, *self.nevoa, "studio", *options]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until(lambda: self.process.poll() is not None or self.answers())
        assert self.process.poll() is None, self.log.read_text()

    def answers(self) -> bool:
        """Whether the page can be opened."""
        with suppress(OSError), urlopen(self.address, timeout=5):
            return True
        return False

    def kill(self) -> None:
        """End it without warning."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("studio") / "workspace")
    yield found
    found.kill()
    jobs = Workspace(found.workspace).jobs
    for job in jobs.active():  # of a test that failed
        jobs.stop(job)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def page(server: Server, chromium: Browser) -> Iterator[Page]:
    """The English page; it must not complain, and nothing may be asked of elsewhere."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    opened = context.new_page()
    asked, refused = list[str](), list[str]()
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
    visit(opened, server.address)
    yield opened
    context.close()
    assert [url for url in asked if not url.startswith((server.address, "data:", "blob:"))] == []
    assert [url for url in refused if not url.endswith(UNUSED)] == []
