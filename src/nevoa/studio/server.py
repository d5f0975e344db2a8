"""The server of the page."""

import os
import secrets
import socket
import time
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from nevoa.errors import NevoaError, reason
from nevoa.studio.guard import LOOPBACK, Guard
from nevoa.studio.texts import LANGUAGES, Language, preferred
from nevoa.studio.workspace import MOST_BYTES, Workspace

if TYPE_CHECKING:
    from fastapi import FastAPI

PORT = 7861
# Addresses that stand for all of a machine's.
ANY = "0.0.0.0", "::"
HOUR, IDLE_SECONDS = 3600, 0.05


def application(workspace: Workspace, hosts: Sequence[str] = LOOPBACK, password: str | None = None) -> "FastAPI":
    """Return the page as a web application, one page a language.

    Args:
        hosts: names under which browsers reach it.
        password: that browsers ask for; None: nobody needs one.
    """
    for folder in (workspace.runs, workspace.uploads, workspace.served):
        folder.mkdir(parents=True, exist_ok=True)
    workspace.jobs.revive()
    # Gradio reads these when it is imported.
    os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": str(workspace.served)}
    from fastapi import FastAPI, Request
    from fastapi.responses import RedirectResponse

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    for language in LANGUAGES:
        _mount(app, workspace, language)

    @app.get("/")
    def _choose(request: Request) -> RedirectResponse:
        return RedirectResponse(f"/{preferred(request.headers.get('accept-language', ''))}/")

    app.add_middleware(Guard, folder=workspace.folder, brought=workspace.served, hosts=hosts, password=password)
    return app


def _mount(app: "FastAPI", workspace: Workspace, language: Language) -> None:
    """Add the page of a language."""
    import gradio

    from nevoa.studio.page import page
    from nevoa.studio.theme import CSS, head, theme, words

    blocks = page(workspace, language)
    off = dict.fromkeys(("ssr_mode", "enable_monitoring", "run_history", "mcp_server", "pwa"), False)
    look: dict[str, Any] = {"theme": theme(), "css": CSS, "head": head(language), "i18n": words()}
    footer: Any = ["api"]
    path, most = f"/{language}", MOST_BYTES
    fixed: dict[str, Any] = {"show_error": True, "max_file_size": most, "footer_links": footer}
    # Without root_path, addresses of pictures lack the path in answers outside the queue.
    gradio.mount_gradio_app(app, blocks, path, root_path=path, **fixed, **off, **look)
    # Gradio looks for work a thousand times a second, which took 4 % of two cores from a training.
    queue = blocks._queue
    queue.sleep_when_free = queue.progress_update_sleep_when_free = IDLE_SECONDS
    blocks.has_launched = True  # from here on Gradio checks the paths of files; mounting alone does not say so


def serve(
    workspace: Path,
    host: str = LOOPBACK[0],
    port: int = PORT,
    *,
    names: Sequence[str] = (),
    password: str | None = None,
    browser: bool = True,
) -> None:
    """Serve the page until Ctrl-C.

    Args:
        host: address to listen at.
        port: 0 takes a free one.
        names: under which browsers reach it, besides that address and the loopback one.
        password: that browsers ask for; if None, none for the loopback address, else one is made and printed.
        browser: whether to open one.
    """
    is_local = host in LOOPBACK and not names  # a name means a proxy, and so others
    made = None if is_local or password else secrets.token_urlsafe()
    listening = listen(host, port)
    hosts = [host, *names, *LOOPBACK, *(_own_names() if host in ANY else ())]
    found = Workspace(workspace.resolve())
    app = application(found, hosts, password or made)
    import uvicorn

    shown = LOOPBACK[0] if host in ANY else f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listening.getsockname()[1]}"
    print(f"nevoa studio: {address} (Ctrl-C ends the page; trainings go on)")
    if made:
        print(f"The page asks for any user name and this password: {made}")
    Thread(target=_tidy, args=(found,), daemon=True).start()
    if browser:
        webbrowser.open(address)
    # Open pages hold connections that never end by themselves.
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run([listening])


def listen(host: str, port: int) -> socket.socket:
    """A socket at the address: from now on, who asks waits for the answer."""
    try:
        if ":" not in host:
            return socket.create_server((host, port))
        both = host in ANY and socket.has_dualstack_ipv6()
        return socket.create_server((host, port), family=socket.AF_INET6, dualstack_ipv6=both)
    except OSError as error:
        said = reason(error).partition(" (")[0]
        raise NevoaError(f"{host}:{port}: {said}. Choose another --port or --host.") from error


def _tidy(workspace: Workspace) -> None:
    """Once an hour, for ever."""
    while True:
        workspace.tidy()
        time.sleep(HOUR)


def _own_names() -> Iterator[str]:
    """The names and addresses of this machine."""
    import psutil

    yield socket.gethostname()
    for found in psutil.net_if_addrs().values():
        yield from (one.address.partition("%")[0] for one in found if one.family in (socket.AF_INET, socket.AF_INET6))
