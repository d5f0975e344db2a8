"""Where the page listens."""

import socket
from pathlib import Path
from typing import Any

import pytest

from nevoa import studio
from nevoa.cli.main import app
from nevoa.errors import NevoaError
from nevoa.studio.server import listen, serve


def test_a_port_in_use_is_refused_before_the_page_is_built(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(NevoaError, match=f"^127.0.0.1:{port}: Address already in use. Choose another --port"):
            serve(tmp_path / "new", port=port, browser=False)
    assert not list(tmp_path.iterdir())


def test_an_address_of_others_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NevoaError, match=r"^192\.0\.2\.1:7861: Cannot assign requested address"):
        serve(tmp_path, "192.0.2.1", browser=False)


@pytest.mark.parametrize(
    ("arguments", "variable", "password"),
    [([], None, None), ([], "hidden", "hidden"), (["--auth", "shown"], "hidden", "shown")],
)
def test_the_password_need_not_be_an_option_that_others_see(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], variable: str | None, password: str | None
) -> None:
    monkeypatch.delenv("NEVOA_PASSWORD", raising=False)
    if variable:
        monkeypatch.setenv("NEVOA_PASSWORD", variable)
    served: dict[str, Any] = {}
    monkeypatch.setattr(studio, "serve", lambda *_, **options: served.update(options))
    app(["studio", *arguments], result_action="return_value")
    assert served["password"] == password


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="There is no IPv6.")
def test_all_addresses_are_those_of_both_versions() -> None:
    """The address that is printed for them is one of version 4."""
    with listen("::", 0) as listening, socket.create_connection(("127.0.0.1", listening.getsockname()[1])):
        pass
