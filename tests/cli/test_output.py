"""Results go where they were asked for, else into the run, and replace nothing."""

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from cyclopts import App
from PIL import Image

from nevoa.cli.main import app, main
from nevoa.config import PicturePlan
from nevoa.runs import Run
from tests.cli.conftest import OPTIONS, Refuses
from tests.formats.small_run import run_of

Typed = Callable[..., str]
PICTURES = {
    "sample": ["sample", "runs/tiny", "--count", "1"],
    "noise": ["noise", "photo.png", "--at", "0,9"],
    "data show": ["data", "show", "shapes"],
    "runs plot": ["runs", "plot", "runs/tiny"],
    "upscale": ["upscale", "runs/large", "photo.png"],
}
NOT_UTF8 = os.fsdecode(b"caf\xe9")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The current folder of a user, with a photo."""
    Image.fromarray(np.full((8, 8, 3), 7, np.uint8)).save(tmp_path / "photo.png")
    return tmp_path


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose model enlarges pictures."""
    picture = PicturePlan(kind="downscaled", channels=3, height=16, width=16, factor=2)
    kinds = {"downscaled": picture.model_dump()}
    return run_of(tmp_path_factory.mktemp("runs") / "large", shape=(3, 16, 16), conditions=kinds).folder


@pytest.fixture
def typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], trained: Path, large: Path, folder: Path
) -> Typed:
    """Run a command in the user's folder, in this process; return what it prints."""
    runs = {"runs/tiny": str(trained / "runs/tiny"), "runs/large": str(large)}

    def run(*arguments: str) -> str:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["nevoa", *(runs.get(part, part) for part in arguments)])
        main()
        return capsys.readouterr().out

    return run


def commands_with_out(within: App, name: str = "") -> Iterator[tuple[str, set[str]]]:
    """The commands with the option --out, and the names of all their options."""
    for word in within:
        if not word.startswith("-"):
            inner, title = within[word], f"{name} {word}".strip()
            if inner.default_command:
                options = {option for argument in inner.assemble_argument_collection() for option in argument.names}
                if "--out" in options:
                    yield title, options
            yield from commands_with_out(inner, title)


def test_every_command_that_writes_a_result_has_force_and_is_tested() -> None:
    """Here; `export` in tests/formats/test_sharing.py."""
    found = dict(commands_with_out(app))
    assert set(found) == {*PICTURES, "distill", "export", "train"}
    for name in (*PICTURES, "export"):
        assert "--force" in found[name]


@pytest.mark.slow
@pytest.mark.parametrize("command", PICTURES.values(), ids=PICTURES)
def test_a_photo_is_replaced_only_with_force(command: list[str], folder: Path, refuses: Refuses, typed: Typed) -> None:
    before = (folder / "photo.png").read_bytes()
    refuses([*command, "--out", "photo.png"], "photo.png exists: choose another --out, or replace", folder)
    assert (folder / "photo.png").read_bytes() == before
    assert "photo.png" in typed(*command, "--out", "photo.png", "--force")
    assert (folder / "photo.png").read_bytes() != before
    assert [path.name for path in folder.iterdir()] == ["photo.png"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "name"),
    [(["sample", "--count", "1"], "images"), (PICTURES["noise"], "noise"), (PICTURES["data show"], "data")],
)
def test_default_names_are_numbered(command: list[str], name: str, folder: Path, typed: Typed) -> None:
    (folder / f"{name}.png").write_text("the user's own")
    for number in (2, 3):
        force = ["--force"] * (number == 3)  # which is for a name that was given
        assert typed(*command, *force).rstrip().endswith(f": {name}-{number}.png")
    assert (folder / f"{name}.png").read_text() == "the user's own"
    assert {path.name for path in folder.iterdir()} == {"photo.png", f"{name}.png", f"{name}-2.png", f"{name}-3.png"}


@pytest.mark.slow
def test_images_of_a_run_go_into_the_run(trained: Path, folder: Path, typed: Typed) -> None:
    run = Run(trained / "runs/tiny")
    for number in (1, 2):
        assert f"{run.folder / f'images/000{number}.png'}\n" in typed(*PICTURES["sample"])
        Image.open(run.folder / f"images/000{number}.png").load()
    assert [path.name for path in folder.iterdir()] == ["photo.png"]
    assert "images/0002.png: valid" in typed("runs", "check", "runs/tiny")


@pytest.mark.parametrize("command", [*PICTURES.values(), ["train", "shapes", "--steps", "1"]], ids=[*PICTURES, "train"])
def test_a_name_that_is_not_utf8_is_refused_at_once(
    command: list[str], folder: Path, refuses: Refuses, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begun(*_: object, **__: object) -> None:
        pytest.fail("the work has begun")

    for work in ("nevoa.runs.load", "nevoa.config.presets.configure", "nevoa.config.parse"):
        monkeypatch.setattr(work, begun)
    refuses([*command, "--out", f"{NOT_UTF8}.png"], "'caf\\udce9.png' is not UTF-8: choose another one", folder)
    assert [path.name for path in folder.iterdir()] == ["photo.png"]


@pytest.mark.slow
def test_printed_commands_are_quoted_for_the_shell(typed: Typed, refuses: Refuses, folder: Path) -> None:
    told = typed("train", "fashion_mnist_10k", "--steps", "1", "--out", "it's mine", *OPTIONS)
    assert shlex.split(told.partition("Try:")[2]) == ["nevoa", "sample", "it's mine"]
    refuses(["train", "it's mine"], "nevoa sample " + shlex.quote("it's mine"), folder)
