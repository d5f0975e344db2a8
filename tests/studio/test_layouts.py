"""The container and the Space start the studio that this repository has, as far as that shows without building them."""

import re
import runpy
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import yaml
from packaging.specifiers import SpecifierSet

from nevoa import studio
from nevoa.cli.main import app
from nevoa.studio import server

ROOT = Path(__file__).parents[2]
STUDIO = ROOT / "examples/studio"
SPACE = STUDIO / "space"
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def instructions() -> list[tuple[str, str]]:
    """The lines of the Dockerfile, with continued ones in one, without comments."""
    text = (STUDIO / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def test_the_container_runs_a_command_that_there_is() -> None:
    [entry] = [rest for name, rest in instructions() if name == "ENTRYPOINT"]
    program, *arguments = yaml.safe_load(entry)
    assert program == "nevoa"
    arguments[arguments.index("/workspace")] = str(ROOT)
    command, bound, _ = app.parse_args([*arguments, "--auth", "x"], exit_on_error=False, print_error=False)
    assert command.__name__ == "studio"
    assert bound.arguments["host"] == "0.0.0.0"


def test_the_container_installs_extras_that_there_are_and_is_not_root() -> None:
    text = " ".join(rest for name, rest in instructions() if name == "RUN")
    for extras in re.findall(r"/nevoa\[([\w,]+)\]", text):
        assert set(extras.split(",")) <= EXTRAS.keys()
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert names[0] == "FROM"


def test_the_space_asks_for_a_gradio_that_the_studio_takes() -> None:
    _, front, _ = (SPACE / "README.md").read_text().split("---\n", 2)
    about = yaml.safe_load(front)
    [wanted] = [one for one in EXTRAS["studio"] if one.startswith("gradio")]
    allowed = SpecifierSet(wanted.removeprefix("gradio"))
    assert str(about["sdk_version"]) in allowed
    assert version("gradio") in allowed
    assert (SPACE / about["app_file"]).is_file()
    [line] = (SPACE / "requirements.txt").read_text().split()
    assert set(line.removeprefix("nevoa[").removesuffix("]").split(",")) <= EXTRAS.keys()


def test_the_space_serves_with_a_password_under_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    served: dict[str, Any] = {}
    monkeypatch.setattr(studio, "serve", lambda folder, **options: served.update(options, folder=folder))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPACE_HOST", "me-nevoa.hf.space")
    monkeypatch.setenv("NEVOA_PASSWORD", "secret")
    runpy.run_path(str(SPACE / "app.py"))
    assert served["names"] == ["me-nevoa.hf.space"]
    assert served["password"] == "secret"
    assert served["folder"] == tmp_path


def test_the_space_needs_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio, "serve", lambda *_, **__: pytest.fail("served"))
    monkeypatch.setenv("SPACE_HOST", "me-nevoa.hf.space")
    monkeypatch.delenv("NEVOA_PASSWORD", raising=False)
    with pytest.raises(KeyError, match="NEVOA_PASSWORD"):
        runpy.run_path(str(SPACE / "app.py"))


def served_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **options: Any) -> dict[str, Any]:
    """What the server is started with."""
    found: dict[str, Any] = {}

    def application(workspace: Any, hosts: list[str], password: str | None) -> None:
        found.update(hosts=hosts, password=password)

    monkeypatch.setattr(server, "application", application)
    monkeypatch.setattr(uvicorn.Server, "run", lambda _, sockets: found.update(address=sockets[0].getsockname()))
    server.serve(tmp_path, port=0, browser=False, **options)
    return found


def test_another_address_needs_a_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert served_with(monkeypatch, tmp_path)["password"] is None
    assert served_with(monkeypatch, tmp_path, password="mine")["password"] == "mine"
    capsys.readouterr()
    found = served_with(monkeypatch, tmp_path, host="0.0.0.0", names=["studio.example.org"])
    assert len(found["password"]) > 30
    assert found["password"] in capsys.readouterr().out
    assert found["hosts"][:2] == ["0.0.0.0", "studio.example.org"]
    assert found["address"][0] == "0.0.0.0"


def test_a_name_means_others_and_so_a_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert served_with(monkeypatch, tmp_path, names=["studio.example.org"])["password"]
