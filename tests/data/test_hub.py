"""Models come from the Hub and go there, and each refusal is one sentence that never quotes the token."""

import io
import socket
import sys
import time
from pathlib import Path

import pytest

import nevoa
from nevoa._util.visible import VisibleStream
from nevoa.commands.load import PATTERNS
from nevoa.data import hub
from nevoa.errors import NevoaError
from tests.data.fake_hub import TOKEN, FakeHub, point_at


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A card and a file in a folder."""
    (tmp_path / "new" / "samples").mkdir(parents=True)
    (tmp_path / "new" / "README.md").write_text("---\nlicense: mit\n---\n\n# Mine\n")
    (tmp_path / "new" / "samples" / "2.png").write_bytes(b"two")
    return tmp_path / "new"


def refusal(place: str) -> str:
    with pytest.raises(NevoaError) as refused:
        hub.download(place, ["*"])
    said = str(refused.value)
    assert TOKEN not in said
    assert "\n" not in said
    return said


def test_only_the_files_that_match_are_downloaded(fake: FakeHub) -> None:
    fake.repositories["me/mist"] = {"config.json": b"{}", "unet/config.json": b"{}", "weights.bin": b"pickle"}
    found = hub.download("hf:me/mist@main", ["*.json"])
    assert {path.relative_to(found).as_posix() for path in found.rglob("*.*")} == {"config.json", "unet/config.json"}


def test_offline_files_come_from_the_cache(fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    fake.repositories["me/mist"] = {"config.json": b"{}"}
    found = hub.download("hf:me/mist", ["*.json"])
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    fake.repositories.clear()
    assert hub.download("hf:me/mist", ["*.json"]) == found
    assert "The Hub cannot be reached for hf:me/other" in refusal("hf:me/other")


def test_a_terminal_obeys_the_progress_bars_of_the_client_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", VisibleStream(terminal))
    with hub.explained("hf:me/mist"):
        print(end="\r50 %", file=sys.stderr)
    print(end="\r", file=sys.stderr)
    assert terminal.getvalue() == "\r50 %\\r"


def test_a_missing_or_private_repository_is_named(fake: FakeHub) -> None:
    assert refusal("hf:me/mist") == "hf:me/mist does not exist, or is private: check the name, or set HF_TOKEN."


@pytest.mark.parametrize(
    ("status", "headers", "sentence"),
    [
        (
            403,
            {"X-Error-Code": "GatedRepo"},
            "is gated: accept its terms on huggingface.co/me/mist, then set HF_TOKEN.",
        ),
        (401, {"X-Error-Message": "Invalid credentials in Authorization header"}, "needs a valid token for hf:me/mist"),
        (403, {"X-Error-Message": "Forbidden"}, "Your token does not allow this for hf:me/mist"),
        (500, {}, "The Hub refused the request for hf:me/mist: "),
    ],
)
def test_each_refusal_of_a_download_is_one_sentence(
    status: int, headers: dict[str, str], sentence: str, fake: FakeHub
) -> None:
    fake.refused["me/mist"] = status, headers
    assert sentence in refusal("hf:me/mist")


def test_a_missing_revision_is_named(fake: FakeHub) -> None:
    fake.repositories["me/mist"] = {}
    assert refusal("hf:me/mist@v2") == "hf:me/mist@v2 has no such revision: name another after the @, or none."


def test_without_a_network_the_error_comes_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        point_at(f"http://127.0.0.1:{closed.getsockname()[1]}", monkeypatch, tmp_path)
        monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("waited to try again"))
        assert refusal("hf:me/mist").endswith(": check the network.")


@pytest.mark.parametrize("place", ["hf:mist", "hf:a/b/c", "hf:/mist", "hf:", "me/mist"])
def test_another_form_is_refused(place: str) -> None:
    assert "does not have the form hf:OWNER/NAME" in refusal(place)


def test_a_name_that_the_hub_does_not_allow_is_refused(fake: FakeHub) -> None:
    assert "with names of ASCII letters, digits" in refusal("hf:me/my mist")


def test_a_token_that_no_header_can_hold_is_not_quoted(fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own error quotes it."""
    fake.repositories["me/mist"] = {}
    monkeypatch.setenv("HF_TOKEN", f"{TOKEN}\x0bx")
    assert "Your token of the Hub has characters that no token has" in refusal("hf:me/mist")


def test_a_repository_without_a_model_is_refused(fake: FakeHub) -> None:
    fake.repositories["me/mist"] = {"config.json": b"{}"}
    with pytest.raises(NevoaError, match="hf:me/mist is not an image model that nevoa can open"):
        nevoa.load("hf:me/mist")
    assert all("/" in pattern for pattern in PATTERNS)


def test_an_upload_is_one_commit_that_removes_what_it_replaces(fake: FakeHub, folder: Path) -> None:
    hub.upload(folder, "hf:me/mist")
    fake.repositories["me/mist"] |= {"samples/1.png": b"old", "notes.md": b"by hand"}
    address = hub.upload(folder, "hf:me/mist", replaced=["samples/"])
    assert address == f"{fake.address}/me/mist"
    assert fake.commits == 2
    assert set(fake.repositories["me/mist"]) == {".gitattributes", "README.md", "samples/2.png", "notes.md"}
    assert fake.repositories["me/mist"]["samples/2.png"] == b"two"
    assert not fake.private


def test_a_private_upload_never_becomes_public(fake: FakeHub, folder: Path) -> None:
    hub.upload(folder, "hf:me/hidden", private=True)
    assert fake.private == {"me/hidden"}
    fake.repositories["me/open"] = {}
    with pytest.raises(NevoaError, match="hf:me/open exists and is public: leave out --private"):
        hub.upload(folder, "hf:me/open", private=True)
    assert not fake.repositories["me/open"]


@pytest.mark.parametrize(
    ("token", "place", "licence", "sentence"),
    [
        ("", "hf:me/mist", "mit", "The Hub needs a valid token for hf:me/mist: set HF_TOKEN, or run 'hf auth login'."),
        ("hf_wrong", "hf:me/mist", "mit", "The Hub needs a valid token for hf:me/mist"),
        (TOKEN, "hf:you/mist", "mit", "Your token does not allow this for hf:you/mist"),
        (TOKEN, "hf:me/mist", "a, b", 'The Hub does not accept hf:me/mist: .*"license" must be one of'),
        (TOKEN, "hf:me/mist@v2", "mit", "A push makes a new revision: leave out @v2"),
    ],
)
def test_each_refusal_of_an_upload_is_one_sentence(
    token: str, place: str, licence: str, sentence: str, fake: FakeHub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.refused["you/mist"] = 403, {"X-Error-Message": "You don't have the rights to create a model under you"}
    (folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n")
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(NevoaError, match=sentence) as refused:
        hub.upload(folder, place)
    assert TOKEN not in str(refused.value)
    assert fake.commits == 0
