"""docs/extending.md: every part in it is registered, and every command in it works."""

import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa.cli.main import main
from nevoa.config.plugins import load_plugins
from nevoa.config.registry import KINDS, table_of
from tests.conftest import TINY

TEXT = (Path(__file__).parents[2] / "docs" / "extending.md").read_text()
COMMANDS = re.findall(r"^    (nevoa .*)$", TEXT, re.MULTILINE)
# The parts by the name of the file: that of the last plugin in the first command below.
BLOCKS = re.findall(r"```python\n([^`]*)```[^`]*?^    nevoa .*--plugin (\w+\.py)", TEXT, re.MULTILINE)
PARTS = {file: code for code, file in BLOCKS if "nevoa.register(" in code}

pytestmark = pytest.mark.usefixtures("registered")


def typed(*words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", list(words))
    main()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plugins, pictures and a run."""
    folder = tmp_path_factory.mktemp("extending")
    for name, code in PARTS.items():
        (folder / name).write_text(code)
    (folder / "mine.py").write_text(PARTS["sine.py"])
    (folder / "photos").mkdir()
    for number, pixels in enumerate(np.random.default_rng(0).integers(0, 255, (12, 8, 8, 3), np.uint8)):
        Image.fromarray(pixels).save(folder / "photos" / f"{number}.png")
    return folder


def shortened(command: str) -> list[str]:
    """The command, with a small network, few steps and few images."""
    program, name, *words = shlex.split(command)
    if name == "train":
        kept = [option for option in TINY if "network.kind=plain" not in words or not option.startswith("network.")]
        words = [*(part for option in kept for part in ("-o", option)), "-o", "training.threads=1", *words]
        words += ["--steps", "2", *([] if "--out" in words else ["--out", f"runs/{COMMANDS.index(command)}"])]
    return [program, name, *words, *(["--count", "150"] if name == "evaluate" else [])]


def test_there_is_an_example_of_every_kind() -> None:
    found = re.findall(r'nevoa\.register\(\s*"(\w+)"', "".join(PARTS.values()))
    assert sorted(found) == sorted(KINDS)


@pytest.mark.parametrize("file", PARTS)
def test_the_part_gets_its_name(file: str, place: Path) -> None:
    kind, name = re.findall(r'nevoa\.register\(\s*"(\w+)",\s*"([\w-]+)"', PARTS[file])[0]
    assert name not in table_of(kind)
    load_plugins([place / file])
    assert name in table_of(kind)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_works(
    command: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    if "runs/mine" in command and not (place / "runs" / "mine").exists():
        typed(*shortened(COMMANDS[0]), monkeypatch=monkeypatch)
    typed(*shortened(command), monkeypatch=monkeypatch)
    assert capsys.readouterr().out
