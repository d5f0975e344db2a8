"""No text from a stranger's file is a command to the terminal: it is shown."""

import io
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa._util.console import VisibleConsole
from nevoa._util.visible import visible
from nevoa.cli.streams import lasting_streams
from nevoa.commands.train import train
from tests.cli.conftest import nevoa
from tests.conftest import TINY

# Clears the screen; gives the terminal a title; turns the text; and the first again as one character of 8 bits.
HOSTILE = "\x1b[2J\x1b]0;title\x07\u202ecat\x9b2J"
SHOWN = r"\x1b[2J\x1b]0;title\x07\u202ecat\x9b2J"
PACKAGED_REPORT = Path("docs/benchmarks/packaged.json").resolve()
# All but printable characters and the ends of lines.
OBEYED = re.compile(r"[^\n -~\u00a0-\u2029\u202f-\u2065\u206a-\uffff]")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos and a run, both of a hostile name, and the run with such a class and report, too."""
    folder = tmp_path_factory.mktemp("strangers")
    photos, run = folder / f"photos{HOSTILE}", folder / f"run{HOSTILE}"
    pixels = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 3), dtype=np.uint8)
    for number, image in enumerate(pixels):
        path = photos / f"{'ab'[number % 2]}{HOSTILE}" / f"{number}{HOSTILE}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path, "PNG")
    (photos / f"a{HOSTILE}" / "damaged.png").write_bytes(b"\x89PNG")
    train(str(photos), steps=2, out=run, options=(*TINY, "training.condition=class"), progress=False)
    file = run / "model/config.json"
    values = json.loads(file.read_text())
    values["plan"]["classes"] = [f"a{HOSTILE}", f"b{HOSTILE}"]
    file.write_text(json.dumps(values))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("sample RUN --count 2", 0),
        ("train PHOTOS --steps 2 --dry-run", 0),
        ("train --config NAMED.toml --steps 2", 2),
        ("data show PHOTOS", 0),
        ("evaluate PHOTOS --count 16", 2),
        ("distill RUN --steps 2 --dry-run", 0),
        ("continue RUN --steps 4", 0),
        ("continue MOVED --steps 4", 2),
        ("verify REPORT.json", 2),
        ("runs .", 0),
        ("runs plot RUN", 0),
        ("noise NAMED", 2),
        ("NAMED", 2),
    ],
)
def test_text_of_a_strangers_file_is_shown(command: str, code: int, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    run, moved, report = tmp_path / f"run{HOSTILE}", tmp_path / "moved", tmp_path / "REPORT.json"
    shutil.copytree(run, moved)
    for path in moved.rglob("plan.toml"):
        path.write_text(path.read_text().replace("/photos", "/gone"))
    report.write_text(json.dumps(json.loads(PACKAGED_REPORT.read_text()) | {"subject": HOSTILE}))
    places = {"RUN": run.name, "PHOTOS": f"photos{HOSTILE}", "MOVED": "moved"}
    words = [places.get(word, word).replace("NAMED", HOSTILE) for word in command.split()]
    done = nevoa(*words, folder=tmp_path, code=code)
    printed = done.stdout + done.stderr
    assert not OBEYED.findall(printed)
    assert SHOWN.replace(r"\x07", "") in printed.replace(r"\x07", "")  # a bell does not get through rich at all


def test_a_coloured_text_on_a_terminal_is_shown_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """What rich draws is no text of a stranger: colours, the bar of a training, and the help."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    monkeypatch.setattr(sys, "stderr", stream)
    with lasting_streams():
        VisibleConsole(stderr=True).print(HOSTILE, style="red", markup=False, highlight=False)
        print(HOSTILE, file=sys.stderr)
    stream.seek(0)
    coloured, plain = stream.read().splitlines()
    assert coloured == f"\x1b[31m{visible(HOSTILE.replace(chr(7), ''))}\x1b[0m"
    assert plain == SHOWN


def test_a_model_with_two_classes_of_one_name_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / f"run{HOSTILE}", tmp_path / "run")
    file = tmp_path / "run/model/config.json"
    values = json.loads(file.read_text())
    values["plan"]["classes"] = ["cat", "cat"]
    file.write_text(json.dumps(values))
    told = nevoa("sample", "run", "--class", "cat", folder=tmp_path, code=2).stderr
    assert "two classes have the name 'cat'" in told and len(told.splitlines()) == 1
