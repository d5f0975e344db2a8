"""`nevoa` alone, and its version."""

import platform
import re
import shlex
from importlib import metadata
from pathlib import Path

import pytest

import nevoa as package
from nevoa.cli.main import app
from tests.cli.conftest import nevoa


def test_nevoa_alone_names_commands_that_there_are(tmp_path: Path) -> None:
    typed = [shlex.split(line) for line in re.findall(r"^  (nevoa .+?)  ", nevoa(folder=tmp_path).stdout, re.M)]
    assert len(typed) == 3
    for words in typed:
        app.parse_args(words[1:])


def test_the_verbose_version_needs_no_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", none)
    assert "processor" in nevoa("--version", "--verbose", folder=tmp_path).stdout


def test_a_spelling_mistake_still_names_the_command(tmp_path: Path) -> None:
    assert 'Did you mean "train"?' in nevoa("tran", folder=tmp_path, code=2).stderr


def test_the_version_is_printed(tmp_path: Path) -> None:
    assert nevoa("--version", folder=tmp_path).stdout == f"nevoa {package.__version__}\n"


def test_the_verbose_version_says_what_a_report_of_a_defect_needs(tmp_path: Path) -> None:
    lines = dict(
        line.split(maxsplit=1) for line in nevoa("--version", "--verbose", folder=tmp_path).stdout.splitlines()
    )
    assert lines["nevoa"] == package.__version__
    assert lines["python"].startswith(platform.python_version())
    assert (lines["torch"], lines["onnx"]) == (metadata.version("torch"), metadata.version("onnx"))
    assert "cpu" in lines["devices"]
    assert "cores" in lines["processor"]
    assert not {"pytest", "twine"} & {*lines}
