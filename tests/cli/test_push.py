"""`nevoa push`, typed, to a Hub on this machine."""

import sys
from pathlib import Path

import pytest

from nevoa.cli.main import main
from tests.data.fake_hub import TOKEN, FakeHub, point_at
from tests.formats.small_run import run_of


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path):
    """Type `nevoa push` where diffusers is not installed. Return the exit code and what was printed."""
    run_of(tmp_path / "run")
    monkeypatch.setitem(sys.modules, "diffusers", None)

    def push(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["nevoa", "push", str(tmp_path / "run"), *arguments])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, errors = capfd.readouterr()
        assert TOKEN not in out + errors
        assert "Traceback" not in errors
        return code, out, errors

    return push


@pytest.mark.slow
def test_a_run_is_pushed(typed, fake: FakeHub) -> None:
    code, out, errors = typed("hf:me/mist", "--license", "mit", "--private")
    assert code == 0
    assert out.startswith("Uploaded 8 files, ")
    assert out.endswith(f" MB: {fake.address}/me/mist\n")
    assert errors.startswith("nevoa: warning: No files for diffusers: This needs the package diffusers: pip install")
    assert fake.private == {"me/mist"}
    assert "license: mit" in fake.repositories["me/mist"]["README.md"].decode()


@pytest.mark.slow
def test_a_dry_run_lists_what_a_push_uploads_and_asks_nobody(
    typed, fake: FakeHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    point_at("http://127.0.0.1:9", monkeypatch, tmp_path)
    code, out, _ = typed("hf:me/mist", "--dry-run")
    assert code == 0
    table, metadata, rest = out.split("\n\n")
    assert rest.startswith("Nothing is uploaded. Without --dry-run: 8 files, ")
    point_at(fake.address, monkeypatch, tmp_path)
    typed("hf:me/mist")
    files = fake.repositories["me/mist"]
    listed = dict(line.split() for line in table.splitlines()[1:])
    assert listed == {name: f"{len(data):,}" for name, data in files.items() if name != ".gitattributes"}
    assert files["README.md"].decode().startswith(f"---\n{metadata}\n---\n")


@pytest.mark.parametrize(
    ("place", "token", "sentence"),
    [
        ("hf:me/mist", "hf_wrong", "nevoa: The Hub needs a valid token for hf:me/mist"),
        ("hf:you/mist", TOKEN, "nevoa: Your token does not allow this for hf:you/mist"),
        ("hf:me/mist", f"{TOKEN}\x0bx", "nevoa: Your token of the Hub has characters that no token has"),
        ("me/mist", TOKEN, "nevoa: 'me/mist' does not have the form hf:OWNER/NAME"),
    ],
)
def test_a_refused_push_is_one_sentence(
    place: str, token: str, sentence: str, typed, fake: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.refused["you/mist"] = 403, {"X-Error-Message": "Forbidden"}
    monkeypatch.setenv("HF_TOKEN", token)
    code, out, errors = typed(place)
    assert (code, out) == (2, "")
    assert errors.splitlines()[-1].startswith(sentence)
    assert fake.commits == 0


def test_without_a_network_a_push_is_refused(typed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    point_at("http://127.0.0.1:9", monkeypatch, tmp_path)
    code, _, errors = typed("hf:me/mist")
    assert code == 2
    assert errors.splitlines()[-1].startswith("nevoa: The Hub cannot be reached for hf:me/mist")
