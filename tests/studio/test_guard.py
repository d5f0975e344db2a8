"""The guard lets the page's own requests through, and nothing else."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from nevoa.studio import guard
from nevoa.studio.guard import Guard

HOSTS = "127.0.0.1", "localhost", "::1"


async def reached(request: Request) -> Response:
    return PlainTextResponse(f"reached {request.url.path}")


def client(folder: Path, **keywords: Any) -> TestClient:
    """A client of a page that answers every request, behind the guard."""
    app = Starlette(routes=[Route("/{path:path}", reached, methods=["GET", "POST"])])
    guarded = Guard(app, folder.resolve(), folder.resolve() / "served", HOSTS, **keywords)
    return TestClient(guarded, base_url="http://127.0.0.1:7861")


@pytest.fixture
def page(tmp_path: Path) -> TestClient:
    return client(tmp_path)


@pytest.mark.parametrize(
    "path", ["/", "/en/", "/pt/config", "/en/assets/a/b.js", "/pt/gradio_api/queue/join", "/pt/gradio_api/run/look"]
)
def test_the_page_is_reached(page: TestClient, path: str) -> None:
    assert page.get(path).text == f"reached {path}"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "", "[::2]:7861", "[x"]
)
def test_another_host_is_refused(page: TestClient, host: str) -> None:
    """A name of an attacker that resolves to 127.0.0.1 (DNS rebinding)."""
    answer = page.get("/en/", headers={"host": host})
    assert answer.status_code == 400
    assert "reached" not in answer.text


@pytest.mark.parametrize("host", ["localhost:7861", "127.0.0.1", "[::1]:80"])
def test_the_own_names_are_answered(page: TestClient, host: str) -> None:
    assert page.get("/en/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost:7861"])
def test_a_request_from_another_page_is_refused(page: TestClient, origin: str) -> None:
    assert page.post("/en/gradio_api/queue/join", json={}, headers={"origin": origin}).status_code == 403


def test_a_request_from_the_own_page_is_answered(page: TestClient) -> None:
    own = {"origin": "http://127.0.0.1:7861"}
    assert page.post("/en/gradio_api/queue/join", json={}, headers=own).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/en/gradio_api/proxy=http://example.com/",
        "/en/gradio_api/file/etc/passwd",
        "/en/gradio_api/vibe-edit",
        "/en/gradio_api/run-history/connect",
        "/en/monitoring",
        "/en/gradio_api/mcp/",
        "/en/gradio_api/dev/reload",
        "/fr/",
        "/docs",
        "/openapi.json",
    ],
)
def test_what_the_page_does_not_use_is_off(page: TestClient, path: str) -> None:
    assert page.get(path).status_code == 404


def test_without_the_password_nothing_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SECONDS", 0.0)
    page = client(tmp_path, password="névoa:1")
    refused = page.get("/en/")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic")
    for wrong in ("", "Basic", "Basic !", "Bearer névoa:1", basic("névoa"), basic("névoa:11"), basic("")):
        assert page.get("/en/", headers=[(b"authorization", wrong.encode())]).status_code == 401
    assert page.get("/en/", headers={"authorization": basic("névoa:1")}).status_code == 200


def basic(password: str) -> str:
    return "Basic " + b64encode(f"anyone:{password}".encode()).decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with a picture, beside a secret that links lead to."""
    folder = tmp_path / "workspace"
    (folder / "runs").mkdir(parents=True)
    (folder / "runs" / "a b.png").write_bytes(b"")
    (folder / ".hidden").write_text("")
    (tmp_path / "secret").write_text("")
    (folder / "link.png").symlink_to(tmp_path / "secret")
    (folder / "out").symlink_to(tmp_path)
    return folder


def test_files_of_the_workspace_are_served(folder: Path) -> None:
    answer = client(folder).get(f"/en/gradio_api/file={folder}/runs/a%20b.png")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("sandbox")


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "{folder}/../secret",
        "{folder}/%2e%2e/secret",
        "{folder}/..%2fsecret",
        "{folder}/runs/../../secret",
        "{folder}/link.png",
        "{folder}/out/secret",
        "{folder}/.hidden",
        "{folder}/runs",
        "{folder}-not/secret",
        "runs/a b.png",
        "http://example.com/a.png",
        "//etc/passwd",
        "{folder}/runs/a%00b.png",
        "{folder}/" + 300 * "a",
        "",
    ],
)
def test_no_other_file_is_served(folder: Path, path: str) -> None:
    assert client(folder).get(f"/en/gradio_api/file={path.format(folder=folder)}").status_code == 404


def test_an_upload_that_is_too_large_is_refused_unread(page: TestClient) -> None:
    def upload(length: str) -> int:
        return page.post("/en/gradio_api/upload", headers={"content-length": length}).status_code

    assert upload(str(guard.MOST_BYTES + 1)) == 413
    assert upload("many") == 411
    assert page.post("/en/gradio_api/upload", content=iter([b"a"])).status_code == 411


def test_an_upload_to_a_full_disk_is_refused(page: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SPARE_BYTES", 10**18)
    answer = page.post("/en/gradio_api/upload", content=b"a")
    assert answer.status_code == 507
    assert "make room" in answer.text
    assert page.get("/en/").status_code == 200
    assert page.post("/en/gradio_api/queue/join", json={"data": []}).status_code == 200  # the page asks on


def test_no_page_of_others_is_loaded_or_frames_this_one(page: TestClient) -> None:
    policy = page.get("/en/").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy


def test_a_web_socket_is_refused(page: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect) as refused, page.websocket_connect("/en/"):
        pass
    assert refused.value.code == 1008


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "http://example.com/a.png", "{folder}/runs/a b.png", "", "{folder}/served/../x"]
)
@pytest.mark.parametrize("route", ["queue/join", "call/images", "call/v2/images", "run/look"])
def test_a_request_names_no_file_that_was_not_uploaded(folder: Path, path: str, route: str) -> None:
    body = {"data": [["shapes", {"path": path.format(folder=folder), "meta": {"_type": "gradio.FileData"}}]]}
    assert client(folder).post(f"/en/gradio_api/{route}", json=body).status_code == 403


def test_a_request_that_names_uploads_arrives_as_it_was_sent(folder: Path) -> None:
    async def echo(request: Request) -> Response:
        return Response(await request.body())

    app = Starlette(routes=[Route("/{path:path}", echo, methods=["POST"])])
    guarded = TestClient(Guard(app, folder.resolve(), folder.resolve() / "served", HOSTS), base_url="http://localhost")
    body = {"data": [{"path": str(folder / "served/abc/photo.png"), "url": "http://localhost/x"}, 3 * ["x" * 100_000]]}
    assert guarded.post("/en/gradio_api/queue/join", json=body).json() == body
    assert guarded.post("/en/gradio_api/queue/join", content=b"{").status_code == 400
