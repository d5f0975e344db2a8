"""Who may ask the server for what: the guard in front of the page. docs/studio.md has the threat model."""

import asyncio
import base64
import hmac
import json
import re
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nevoa.studio.workspace import MOST_BYTES

LOOPBACK = "127.0.0.1", "localhost", "::1"
# The routes that the page and its API use. Gradio has more: a proxy, files by address, monitoring, code editing.
PAGE = r"(?:config/?|theme\.css|favicon\.ico|(?:static|assets)/.*)?"
QUEUE = r"queue/(?:join|data)|cancel|reset/?|heartbeat/[\w-]+|startup-events|login_check/?|app_id/?"
CALL = r"call/(?:v2/)?\w+(?:/\w+)?|run/\w+"
API = rf"(?:{QUEUE}|{CALL}|upload|upload_progress|info/?|openapi\.json|file=(?P<file>.+))"
ROUTES = re.compile(rf"/(?:(?:en|pt)(?:/(?:{PAGE}|gradio_api/{API}))?)?")
CALLS = re.compile(r"/gradio_api/(?:queue/join|call/|run/)")
UPLOAD = "/gradio_api/upload"
# A request that is no upload: images are uploaded, everything else is small.
MOST_JSON = 20_000_000
# Left on the disk after an upload.
SPARE_BYTES = 200_000_000
# A wrong password costs this long.
SECONDS = 1.0
HEADERS = {
    # Gradio's page has inline scripts and styles. Nothing comes from elsewhere, and no other page may frame it.
    "content-security-policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'none'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
ASKS = {"www-authenticate": 'Basic realm="nevoa studio", charset="UTF-8"'}
# A file that someone has brought is never a page of its own.
FILE_HEADERS = {"content-security-policy": "sandbox; default-src 'none'; img-src 'self'; media-src 'self'"}


class Guard:
    """Let requests of the page through, and refuse the rest.

    Args:
        folder: the only one whose files are served.
        brought: the folder in it of files that a page may name in a request: its uploads.
        hosts: names under which browsers reach the server; a page of another name is refused (DNS rebinding).
        password: that a browser asks for; None: nobody needs one.
    """

    def __init__(
        self, app: ASGIApp, folder: Path, brought: Path, hosts: Collection[str], password: str | None = None
    ) -> None:
        self.app, self.folder, self.brought, self.password = app, folder, brought, password
        self.hosts = [host.lower() for host in hosts]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        try:
            headers = self._admit(scope)
            receive = await self._checked(scope, receive)
        except HTTPException as refusal:
            await self._refuse(refusal, scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self.app(scope, receive, answer)

    def _admit(self, scope: Scope) -> dict[str, str]:
        """The headers of an answer. An HTTPException says why there is none."""
        if scope["type"] != "http":
            raise HTTPException(400, "The studio answers HTTP only.")
        headers = Headers(scope=scope)
        self._check_origin(headers)
        self._check_password(headers.get("authorization", ""))
        route = ROUTES.fullmatch(scope["path"])
        if route is None:
            raise HTTPException(404, "The studio has no such page.")
        self._check_size(headers, is_upload=scope["path"].endswith(UPLOAD))
        file = route["file"]
        if file is None:
            return HEADERS
        self._check_file(file)
        return {**HEADERS, **FILE_HEADERS}

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
        """The body again. Refuse one that names files other than uploads: Gradio would fetch or copy them."""
        if scope["method"] != "POST" or not CALLS.search(scope["path"]):
            return receive
        try:
            body, paths = await Request(scope, receive).body(), list[Any]()
            json.loads(body or b"null", object_hook=lambda part: paths.append(part.get("path")))
        except (ValueError, RecursionError, ClientDisconnect) as error:
            raise HTTPException(400, "This is not JSON.") from error
        if not all(_is_below(self.brought, path) for path in paths if isinstance(path, str)):
            raise HTTPException(403, "The studio takes only files that were dropped on its page.")
        sent = iter([{"type": "http.request", "body": body}])

        async def again() -> Message:
            return next(sent, None) or await receive()

        return again

    def _check_origin(self, headers: Headers) -> None:
        if _split(f"//{headers.get('host', '')}").hostname not in self.hosts:
            raise HTTPException(400, "The studio is not at this address. 'nevoa studio --name' adds one.")
        origin = headers.get("origin")
        if origin is not None and _split(origin).netloc != headers["host"]:
            raise HTTPException(403, "Another page has sent this. The studio answers only its own.")

    def _check_password(self, authorization: str) -> None:
        if self.password is None:
            return
        try:
            given = base64.b64decode(authorization.removeprefix("Basic "), validate=True)
        except ValueError:
            given = b""
        if not hmac.compare_digest(given.partition(b":")[2], self.password.encode()):
            raise HTTPException(401, "The studio needs its password.", ASKS)

    def _check_size(self, headers: Headers, is_upload: bool) -> None:
        length, most = headers.get("content-length", "0"), MOST_BYTES if is_upload else MOST_JSON
        if headers.get("transfer-encoding") or not length.isdecimal():
            raise HTTPException(411, "The size of the upload is missing.")
        if int(length) > most:
            raise HTTPException(
                413, f"{int(length) / 1e6:,.0f} MB are more than {most / 1e6:,.0f}: bring fewer images."
            )
        # Only an upload comes to the disk: what the page asks again and again is answered when that is full.
        free = shutil.disk_usage(self.folder).free
        if is_upload and free < int(length) + SPARE_BYTES:
            raise HTTPException(507, f"The disk has {free / 1e6:,.0f} MB left, too few for this: make room.")

    def _check_file(self, path: str) -> None:
        """Refuse addresses, files elsewhere, also by a link, and hidden ones."""
        with suppress(OSError):  # too long a name
            if _is_below(self.folder, path) and Path(path).is_file():
                return
        raise HTTPException(404, "The studio has no such file.")

    async def _refuse(self, refusal: HTTPException, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        if refusal.status_code == 401:
            await asyncio.sleep(SECONDS)
        headers = {**HEADERS, **(refusal.headers or {})}
        await PlainTextResponse(refusal.detail, refusal.status_code, headers)(scope, receive, send)


def _is_below(folder: Path, path: str) -> bool:
    """Whether a path, after links are followed, lies in a folder and is not hidden in it."""
    try:
        parts = Path(path).resolve().relative_to(folder).parts
    except (ValueError, OSError, RuntimeError):  # elsewhere, or no path: a null byte, too long, links in a circle
        return False
    return not any(part.startswith(".") for part in parts)


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError as error:
        raise HTTPException(400, "This is not an address.") from error
