"""A Hub on this machine that speaks the calls that nevoa uses, for models of regular files."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

TOKEN = "hf_secret123"
REPOSITORY = re.compile(r"/(?:api/models/)?([^/]+/[^/]+)(?:/(\w+)(?:/(.*))?)?$")


@dataclass
class FakeHub:
    """Repositories by name, each with its files.

    Attributes:
        refused: status and headers with which each request for a repository fails.
        commits: the number of commits of all repositories.
    """

    address: str
    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    refused: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    commits: int = 0

    @property
    def sha(self) -> str:
        return f"{self.commits:040x}"


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name, action, rest = self._parsed()
            files = hub.repositories.get(name)
            if name in hub.refused:
                self._answer(hub.refused[name][0], {}, hub.refused[name][1])
            elif files is None:
                self._answer(404, {}, {"X-Error-Code": "RepoNotFound"})
            elif action == "tree":
                self._answer(
                    200,
                    [
                        {"type": "file", "path": path, "size": len(data), "oid": _oid(data)}
                        for path, data in files.items()
                    ],
                )
            elif action == "resolve":
                self._send(files[rest.partition("/")[2]])
            elif rest and rest not in ("main", hub.sha):
                self._answer(404, {}, {"X-Error-Code": "RevisionNotFound"})
            else:
                siblings = [{"rfilename": path} for path in files]
                self._answer(200, {"id": name, "sha": hub.sha, "private": name in hub.private, "siblings": siblings})

        do_HEAD = do_GET

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/api/validate-yaml":
                errors = _problems(json.loads(body)["content"])
                self._answer(400 if errors else 200, {"errors": errors})
            elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._answer(401, {}, {"X-Error-Message": "Invalid credentials in Authorization header"})
            elif self.path == "/api/repos/create":
                self._create(json.loads(body))
            else:
                self._change(body)

        def _create(self, wanted: dict[str, Any]) -> None:
            name = f"{wanted['organization']}/{wanted['name']}"
            if name in hub.refused:
                self._answer(hub.refused[name][0], {}, hub.refused[name][1])
                return
            known = name in hub.repositories
            hub.repositories.setdefault(name, {".gitattributes": b""})
            if wanted.get("private") or wanted.get("visibility") == "private":
                hub.private |= set() if known else {name}
            self._answer(409 if known else 200, {"url": f"{hub.address}/{name}"})

        def _change(self, body: bytes) -> None:
            name, action, _ = self._parsed()
            if action == "preupload":
                paths = [file["path"] for file in json.loads(body)["files"]]
                modes = [{"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in paths]
                self._answer(200, {"files": modes})
                return
            for change in map(json.loads, body.splitlines()):
                if change["key"] == "file":
                    hub.repositories[name][change["value"]["path"]] = base64.b64decode(change["value"]["content"])
                elif change["key"] == "deletedFile":
                    del hub.repositories[name][change["value"]["path"]]
            hub.commits += 1
            self._answer(
                200, {"success": True, "commitOid": hub.sha, "commitUrl": f"{hub.address}/{name}/commit/{hub.sha}"}
            )

        def _parsed(self) -> tuple[str, str, str]:
            found = REPOSITORY.match(unquote(self.path.partition("?")[0]))
            assert found, self.path
            return found[1], found[2] or "", found[3] or ""

        def _answer(self, status: int, values: Any, headers: dict[str, str] | None = None) -> None:
            self._send(json.dumps(values).encode(), status, headers or {})

        def _send(self, data: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for key, value in {"ETag": f'"{_oid(data)}"', "X-Repo-Commit": hub.sha, **(headers or {})}.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def _oid(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def _problems(card: str) -> list[dict[str, str]]:
    """What the Hub would say of a card's metadata, for one field."""
    values = yaml.safe_load(card.split("---\n")[1])
    return [] if "," not in values["license"] else [{"message": '"license" must be one of [apache-2.0, mit, ...]'}]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """An empty Hub, which the client takes for the real one, with a valid token."""
    hub = FakeHub("")
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub)) as server:
        hub.address = f"http://127.0.0.1:{server.server_port}"
        point_at(hub.address, monkeypatch, tmp_path / "cache")
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield hub
        server.shutdown()


def point_at(address: str, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """Make the Hub's client use an address, an empty cache and the valid token. It reads its environment only once."""
    from huggingface_hub import constants, hf_api

    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(hf_api.api, "endpoint", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(cache / "token"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
