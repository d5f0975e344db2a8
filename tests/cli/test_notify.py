"""The notification at the end of a training is received."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from nevoa.cli.notify import URLS, notify


@pytest.mark.slow
def test_the_bell_rings_and_services_get_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    received = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes stderr for a terminal
        monkeypatch.setenv(URLS, f"json://127.0.0.1:{server.server_port}")
        notify("trained", "49,184 images seen.")
        server.shutdown()
    assert [(message["title"], message["message"]) for message in received] == [("trained", "49,184 images seen.")]
    assert capsys.readouterr().err == "\a"


def test_an_unreachable_service_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(URLS, "json://127.0.0.1:9")
    notify("trained", "")
    assert "did not accept the message" in capsys.readouterr().err
