"""Files of a newer nevoa are refused with a sentence and exit code 2, and nothing is removed."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import nevoa as typed
from tests.releases import RUN, releases, rewrite, unpacked

pytestmark = pytest.mark.slow

CHECKPOINT = f"{RUN}/checkpoints/000000000064"
CONTINUE, SAMPLE, VERIFY = ("continue", RUN), ("sample", RUN), ("verify", "report.json")
AGAIN = ("train", "--plan", f"{RUN}/plan.toml", "--out", "again")
ANEW = ("train", "--config", f"{RUN}/config.toml", "--out", "anew")
# By the file: its commands, the format of a newer one, and that of today.
NEWER: dict[str, tuple[Sequence[Sequence[str]], int, int]] = {
    f"{RUN}/config.toml": ([ANEW], 3, 2),
    f"{RUN}/plan.toml": ([AGAIN], 3, 2),
    f"{CHECKPOINT}/plan.toml": ([CONTINUE], 3, 2),
    f"{CHECKPOINT}/manifest.json": ([CONTINUE], 3, 2),
    f"{CHECKPOINT}/state.json": ([CONTINUE], 4, 3),
    f"{RUN}/model/config.json": ([CONTINUE, SAMPLE, ("evaluate", RUN), ("export", RUN, "--to", "web")], 4, 3),
    "report.json": ([VERIFY], 2, 1),
}
# By the file: where a key is added, a command, and what it says.
UNKNOWN = {
    f"{RUN}/config.toml": ("[training]\n", "mood = 3\n", ANEW, "There is no config key 'training.mood'"),
    f"{RUN}/plan.toml": ("[data]\n", "mood = 3\n", AGAIN, "There is no config key 'data.mood'"),
    f"{CHECKPOINT}/plan.toml": ("[data]\n", "mood = 3\n", CONTINUE, "There is no config key 'data.mood'"),
    f"{CHECKPOINT}/state.json": ('"horizon": {\n', '"mood": 3,', CONTINUE, "has horizon.mood, which this version"),
    f"{RUN}/model/config.json": ('"sampling": {\n', '"mood": 3,', SAMPLE, "There is no config key 'sampling.mood'"),
    f"{RUN}/journal.jsonl": ('"horizon":{', '"mood":3,', CONTINUE, "has horizon.mood, which this version"),
}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with the files of the newest release, and a copy of its report."""
    unpacked(releases()[-1], tmp_path)
    (report,) = (tmp_path / RUN / "evaluation").glob("*.json")
    (tmp_path / "report.json").write_bytes(report.read_bytes())
    return tmp_path


def refused(work: Path, *arguments: str) -> str:
    """Run a command that must end with exit code 2 and change no file. Return its error."""

    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in work.rglob("*") if path.is_file() and path.suffix != ".lock"}

    before = files()
    told = typed(*arguments, folder=work, code=2).stderr
    assert files() == before
    return told


@pytest.mark.parametrize("name", NEWER)
def test_a_newer_format_is_refused(name: str, work: Path) -> None:
    commands, newer, today = NEWER[name]
    rewrite(work / name, lambda text: re.sub(r'(?<=^format = )\d|(?<="format": )\d', str(newer), text))
    for command in commands:
        told = refused(work, *command)
        assert f"{name} has format {newer}, but this version of nevoa reads format {today}. A newer nevoa wrote" in told


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_key_that_is_not_known_is_named_with_its_file(name: str, work: Path) -> None:
    before, added, command, said = UNKNOWN[name]
    rewrite(work / name, lambda text: text.replace(before, before + added, 1))
    told = refused(work, *command)
    assert name in told and said in told


def test_a_newer_report_is_not_shown_and_not_replaced(work: Path) -> None:
    """The new scores are printed."""
    (report,) = (work / RUN / "evaluation").glob("*.json")
    rewrite(report, lambda text: text.replace('"format": 1', '"format": 2'))
    before = report.read_bytes()
    assert json.loads(typed("runs", "--json", folder=work).stdout)[0]["quality"] is None
    done = typed("evaluate", RUN, "--count", "128", "--metrics", "manifold", folder=work)
    assert "has format 2, but this version of nevoa reads format 1" in done.stderr and '"recall"' in done.stdout
    assert report.read_bytes() == before


def test_a_run_of_a_newer_nevoa_is_listed(work: Path) -> None:
    for path in (work / RUN).rglob("*.toml"):
        rewrite(path, lambda text: text.replace("format = 2", "format = 3"))
    assert json.loads(typed("runs", "--json", folder=work).stdout)[0]["name"] == "small"
