"""A person with a folder of images, and what they type."""

import json
import os
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from nevoa import training
from nevoa.cli import train
from nevoa.cli.main import main
from nevoa.config import Config
from nevoa.errors import NevoaError
from nevoa.runs.run import Run
from nevoa.training import Wish
from tests.cli.conftest import OPTIONS, Refuses, nevoa, nevoa_alone
from tests.conftest import TINY
from tests.data.pictures import encoded, photo


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Thirty pictures of three classes, of two sizes, and one that is none."""
    for number in range(30):
        place = tmp_path / "pets" / ("cat", "dog", "newt")[number % 3] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(encoded(photo(number, (40, 30) if number % 2 else (20, 30)), "PNG"))
    (tmp_path / "pets" / "cat" / "bad.png").write_bytes(b"no picture")
    return tmp_path / "pets"


@pytest.mark.slow
def test_from_a_folder_to_new_images_of_a_class(pets: Path) -> None:
    chosen = ["--classes", "dog,cat", "--size", "10x14", "--limit", "16", "--augment", "none", "--condition", "class"]
    command = ["train", "pets", *chosen, "--steps", "4", "--out", "r", *OPTIONS]
    told = nevoa(*command, folder=pets.parent)
    assert "pets: 15 images, 10x14, 3 channels (1 unusable)" in told.stdout
    assert "class-conditional, 2 classes" in told.stdout
    assert "of the images to be near copies, as in trials with 50" in told.stdout
    assert "left out  cat/bad.png: it is not an image of a known format" in told.stderr
    plan = tomllib.loads((pets.parent / "r/plan.toml").read_text())
    assert plan["data"]["only"] == plan["classes"] == ["dog", "cat"]
    assert (plan["data"]["source"], plan["data"]["augment"]) == (str(pets), {})
    nevoa("sample", "r", "--class", "cat", "--count", "3", "--out", "x.npy", folder=pets.parent)
    assert np.load(pets.parent / "x.npy").shape == (3, 10, 14, 3)
    nevoa("sample", "r", "--guidance", "2", "--out", "x.png", folder=pets.parent)
    assert Image.open(pets.parent / "x.png").height < Image.open(pets.parent / "x.png").width  # a row for each class
    weights = Run(pets.parent / "r").weights_file.read_bytes()
    (pets.parent / "elsewhere").mkdir()
    command = [*command[:1], "../pets", *command[2:]]
    nevoa("sample", "r", "--out", "pets/cat/new.png", folder=pets.parent, code=2)
    assert not (pets / "cat/new.png").exists()
    again = nevoa(*[part if part != "r" else "../r" for part in command], folder=pets.parent / "elsewhere")
    assert "is finished: 32 images seen" in again.stdout
    assert Run(pets.parent / "r").weights_file.read_bytes() == weights
    assert "left out  " not in again.stderr  # they were listed when the images were prepared
    pets.rename(pets.parent / "animals")
    lost = nevoa("continue", "r", folder=pets.parent, code=2)
    assert "no longer in" in lost.stderr and "nevoa continue r NEW_PLACE" in " ".join(lost.stderr.split())
    nevoa("continue", "r", "animals", "--steps", "5", folder=pets.parent)
    measured = nevoa("evaluate", "r", "--count", "8", folder=pets.parent)
    assert "near_copies" in measured.stdout
    assert "put its images into a folder test" in " ".join(measured.stderr.split())
    refused = nevoa("evaluate", "r", "--metrics", "frechet", folder=pets.parent, code=2)
    assert "put its images into a folder test" in refused.stderr


@pytest.mark.slow
def test_names_with_accents_in_a_locale_without_them(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pets / "cat").rename(pets / "été")
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONUTF8", "0")
    command = ["train", "pets", "--classes", "été,dog", "--size", "8", "--steps", "1", "--out", "rün", *OPTIONS]
    assert "r??n" in nevoa_alone(*command, folder=pets.parent).stdout
    assert Run(pets.parent / "rün").config().data.only == ("été", "dog")
    assert Run(pets.parent / "rün").card_file.read_text().count("rün")
    nevoa_alone("runs", "plot", "rün", folder=pets.parent)
    told = nevoa_alone("train", "pets/été", "--steps", "1", folder=pets.parent, code=2).stderr
    assert "this locale cannot read the name; set the environment variable LC_ALL=C.UTF-8" in " ".join(told.split())


@pytest.mark.slow
def test_quick_is_class_conditional_if_there_are_classes(pets: Path) -> None:
    for source, said in (("pets", True), ("pets/cat", False)):
        told = nevoa("train", source, "--size", "8", "--steps", "1", "--dry-run", folder=pets.parent)
        assert ("class-conditional, 3 classes" in told.stdout) == said


def test_the_minutes_are_not_for_decoding(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that takes longer to decode than the minutes given would be trained on for one step."""
    told, seconds = list[float](), iter([0.0, 400.0, 400.0, 400.0])

    def prepared(config: Config, images: object, wish: Wish, run: Run) -> None:
        told.append(wish.started or 0.0)
        raise NevoaError("far enough")

    monkeypatch.chdir(pets.parent)
    monkeypatch.setattr(training, "prepare_together", prepared)
    monkeypatch.setattr(train, "time", SimpleNamespace(perf_counter=lambda: next(seconds)))
    monkeypatch.setattr(sys, "argv", ["nevoa", "train", "pets"])
    for _ in range(2):
        with pytest.raises(SystemExit):
            main()
    assert told[0] - told[1] == pytest.approx(400)


def test_data_show_and_prepare(pets: Path) -> None:
    told = nevoa("data", "show", "pets", "--size", "16", "--out", "sheet.png", folder=pets.parent)
    assert "pets: 30 images, 16x16 with 3 channels (1 unusable)" in told.stdout
    assert "original size, height x width: 30x20 (smallest) to 30x40 (largest)" in told.stdout
    assert [line.split() for line in told.stdout.splitlines()[3:6]] == [
        [str(index), name, "10"] for index, name in enumerate(("cat", "dog", "newt"))
    ]
    assert told.stdout.count("left out  cat/bad.png") == 1
    assert "left out" not in told.stderr
    sheet = Image.open(pets.parent / "sheet.png")
    assert sheet.height == 3 * (2 * (5 * 16 + 2) + 2)  # two lines for each class, every pixel five times as large
    again = nevoa("data", "prepare", "pets", "--size", "16", folder=pets.parent)
    assert "pets: 30 images" in again.stdout and "Cached in" in again.stdout


@pytest.mark.slow
def test_a_folder_that_is_called_like_a_data_set_is_pointed_at(pets: Path) -> None:
    pets.rename(pets.parent / "digits")
    told = nevoa("data", "show", "digits", folder=pets.parent)
    assert "digits: 1,497 images" in told.stdout
    assert "Using the data set digits; for the folder of that name, type digits/" in told.stderr
    told = nevoa("data", "show", "digits/", folder=pets.parent)
    assert "digits: 30 images" in told.stdout
    assert "Using the data set" not in told.stderr


def test_a_sheet_names_the_classes_that_are_there(pets: Path) -> None:
    """Also those with names that look like markup; a class whose files are all bad has no row."""
    (pets / "newt").rename(pets / "[b]old[")
    for path in (pets / "cat").iterdir():
        path.write_bytes(b"bad")
    told = nevoa("data", "show", "pets", "--size", "16", folder=pets.parent)
    assert "[b]old[" in told.stdout
    assert Image.open(pets.parent / "data.png").height == 2 * (2 * (5 * 16 + 2) + 2)


def test_the_cache_is_listed_and_emptied(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEVOA_CACHE", str(pets.parent / "cache"))
    nevoa("data", "prepare", "pets", "--size", "8", folder=pets.parent)
    nevoa("data", "prepare", "pets/dog", "--size", "8", folder=pets.parent)
    told = nevoa("data", "cache", folder=pets.parent).stdout
    rows = [line.split() for line in told.splitlines()[1:-1]]
    assert sorted(row[1] for row in rows) == ["10", "30"]
    assert told.endswith(f"MB in {pets.parent / 'cache'}\n")
    kept = nevoa("data", "cache", "--remove", rows[0][0], folder=pets.parent).stdout
    assert rows[0][0] in kept and rows[1][0] not in kept and "removed from" in kept
    told = nevoa("data", "cache", "--older-than", "1", folder=pets.parent).stdout
    assert rows[1][0] not in told  # used today
    told = nevoa("data", "cache", "--all", folder=pets.parent).stdout
    assert rows[1][0] in told
    told = nevoa("data", "cache", "--remove", "x", folder=pets.parent, code=2)
    assert "There is no cache entry 'x'" in told.stderr


def test_noise_takes_an_image_of_any_source(pets: Path) -> None:
    nevoa("noise", "pets:3", "--at", "0,500", "--size", "32x64", "--out", "n.png", folder=pets.parent)
    strip = Image.open(pets.parent / "n.png")
    assert strip.mode == "RGB"
    width, height = strip.size
    assert width > 2 * 2 * 64  # two tiles, twice as large
    assert height > 2 * 32  # below the tiles are the curves of the schedule


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "pets", "--strict"], "Cannot use 1 of the files of pets; the first is cat/bad.png"),
        (
            ["data", "show", "pets", "--size", "16", "--condition", "clas"],
            "There is no condition 'clas'. Did you mean 'class'?",
        ),
        (
            ["data", "show", "pets", "--size", "16", "--condition", "number:age"],
            "pets has no numbers: write them into a column of metadata.csv.",
        ),
        (
            ["train", "pets/dog", "--condition", "class", "--steps", "1"],
            "dog has no classes, and training.condition",
        ),
        (
            ["train", "pets/dog", "-o", "sampling.guidance=2", "--steps", "1"],
            "needs a condition",
        ),
        (["train", "pets", "--classes", "cat,cow"], "There is no class 'cow'"),
        (["train", "pets/cat", "--classes", "cat"], "no classes to choose from"),
        (["train", "pets", "--split", "test"], "put its images into a folder test"),
        (["train", "pets", "--size", "2"], "nevoa: --size: Input should be greater than or equal to 4 (given: 2)"),
        (["train", "pets", "--size", "9x0"], "nevoa: --size: Input should be greater than or equal to 4 (given: 0)"),
        (
            ["train", "pets", "--size", "3x"],
            "nevoa: --size: Input should be a side or HEIGHTxWIDTH, such as 64 or 30x50",
        ),
        (
            ["train", "pets", "--size", "9x9x9"],
            "nevoa: --size: Input should be a side or HEIGHTxWIDTH, such as 64 or 30x50",
        ),
        (["train", "pets", "--channels", "2"], "Choose from: 1, 3"),
        (["train", "pets", "--limit", "0"], "nevoa: --limit: Input should be greater"),
        (["train", "pets", "--background", "clear"], "'clear' is not a colour"),
        (["train", "pets/nothing"], "There is no file or folder pets/nothing"),
        (["train", ""], "The source is empty"),
        (["data", "show", " "], "The source is empty"),
        (
            ["data", "show", "pets", "--out", "pets/cat/data.png"],
            "pets/cat/data.png would become one more image of pets",
        ),
        (["train", os.fsdecode(b"caf\xe9"), "--steps", "1"], "is not UTF-8; rename it"),
        (["train", "shapes", "--classes", "9" * 5_000], "There is no class '999"),
        (["train", "pets", "--classes", "dog,newt", "--out", "pets/cat/run"], "would lie among the images in"),
        (["train", "petz"], "There is no file, folder or data set 'petz'"),
        (["train", "empty"], "There are no images in empty"),
        (["data", "prepare", "pets/cat/bad.png"], "is one picture: give a folder of pictures, such as pets/cat."),
        (["data", "show", "pets", "--out", "x.jpg"], "ends in .png"),
        (["data", "show", "pets", "--fit", "stretch"], 'Choose from: "crop", "pad"'),
        (["train", "zebra"], "There is no file, folder or data set 'zebra'. Known: "),
        (["train", "pets", "-o", "training.threads=5000"], "less than or equal to 1024 (given: 5000)"),
        (["train", "pets", "--limit", "1" + "0" * 20], "--limit: Input should be less than or equal to 1000000000"),
        (["train", "hf:nobody"], "hf:OWNER/NAME"),
        (["train", "run", "--steps", "1"], "run is a run, not images. To resume it"),
        (["noise", "shapes:0", "--out", "run/model/x.png"], "lies among the files of the run"),
        (["sample", "--out", "run/checkpoints/x"], "lies among the files of the run"),
        (["noise", "run:0"], "run is a run, not images"),
        (["data", "show", "run"], "run is a run, not images"),
        (["noise", "petz"], "SOURCE:INDEX, such as shapes:7"),
        (["noise", ""], "There is no picture ''. Give a file"),
        (["noise", "pets"], "pets holds many images: name one of them, such as pets:0, the first"),
        (["noise", "shapes"], "such as shapes:0"),
        (["noise", "pets:0", "--out", "pets/cat/x.png"], "would become one more image of pets"),
        (["noise", "x.svg"], "Cannot read x.svg as an image: nevoa does not open SVG: draw it as PNG"),
        (["noise", "pets:0", "--out", ""], "The name --out is empty"),
        (["noise", "pets:9", "--size", "2"], "nevoa: --size: Input should be greater"),
        (["noise", "pets:99"], "pets has no image 99: its images are 0 to 29"),
    ],
)
def test_wrong_input(arguments: list[str], message: str, pets: Path, refuses: Refuses) -> None:
    (pets.parent / "empty").mkdir()
    (pets.parent / "x.svg").touch()
    (pets.parent / "run" / "checkpoints").mkdir(parents=True)
    for name in ("config.toml", "plan.toml"):
        (pets.parent / "run" / name).touch()
    before = sorted(pets.parent.rglob("*"))
    refuses(arguments, message, pets.parent)
    assert sorted(pets.parent.rglob("*")) == before


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The command, typed in a folder, succeeds and prints this. In this process: a new one takes seconds to start."""

    def output(folder: Path, *arguments: str) -> str:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["nevoa", *arguments])
        main()
        return capsys.readouterr().out

    return output


def test_data_list_and_show_print_json(pets: Path, typed: Callable[..., str]) -> None:
    listed = {row["name"]: row for row in json.loads(typed(pets.parent, "data", "list", "--json"))}
    assert listed["shapes"]["size"] == [32, 32]
    assert (listed["mnist"]["images"], listed["mnist"]["channels"]) == ({"train": 60_000, "test": 10_000}, 1)
    assert listed["plants"]["images"] == {"train": None}
    shown = json.loads(typed(pets.parent, "data", "show", "pets", "--size", "16", "--out", "x.png", "--json"))
    assert (shown["images"], shown["size"], shown["channels"]) == (30, [16, 16], 3)
    assert shown["classes"] == {"cat": 10, "dog": 10, "newt": 10}
    assert [bad["file"] for bad in shown["left_out"]] == ["cat/bad.png"]
    assert (pets.parent / shown["picture"]).exists()
    before = sorted(pets.parent.iterdir())
    shown = json.loads(typed(pets.parent, "data", "show", "pets", "--size", "16", "--condition", "none", "--json"))
    assert (shown["classes"], "picture" in shown) == ({}, False)
    shown = json.loads(typed(pets.parent, "data", "show", "pets", "--size", "16", "--condition", "auto", "--json"))
    assert [*shown["classes"]] == ["cat", "dog", "newt"]
    assert sorted(pets.parent.iterdir()) == before


def test_files_are_left_out_by_reason(pets: Path, typed: Callable[..., str]) -> None:
    for number in range(5):
        (pets / f"newt/{number}.svg").touch()
    told = typed(pets.parent, "data", "show", "pets", "--size", "16", "--out", "x.png")
    assert [line for line in told.splitlines() if line.startswith("left out")] == [
        "left out  newt/0.svg, newt/1.svg, newt/2.svg and 2 more: nevoa does not open SVG: draw it as PNG, with "
        "rsvg-convert",
        "left out  cat/bad.png: it is not an image of a known format",
    ]


def test_images_at_different_depths_are_shown_without_classes(pets: Path, typed: Callable[..., str]) -> None:
    """With what to do about it; with --condition none there is nothing to do."""
    (pets / "cat/0.png").rename(pets / "0.png")
    command = "data", "show", "pets", "--size", "16"
    told = typed(pets.parent, *command)
    assert "no classes: 0.png and cat/12.png lie at different depths" in told
    assert "\n0.png,CLASS\ncat/12.png,CLASS\n" in told
    assert "classes" not in typed(pets.parent, *command, "--condition", "none")


def test_a_suffix_in_capitals_is_that_suffix(pets: Path, typed: Callable[..., str]) -> None:
    typed(pets.parent, "data", "show", "pets", "--size", "16", "--out", "a.PNG")
    assert Image.open(pets.parent / "a.PNG").format == "PNG"
    for name in ("b.PNG", "b.NPY", "b.Gif"):
        typed(pets.parent, "sample", "--count", "1", "--steps", "1", "--out", name)
    assert np.load(pets.parent / "b.NPY").shape == (1, 28, 28, 1)
    assert [Image.open(pets.parent / name).format for name in ("b.PNG", "b.Gif")] == ["PNG", "GIF"]


@pytest.mark.slow
def test_the_size_of_most_images_is_advised(tmp_path: Path, typed: Callable[..., str]) -> None:
    for number in range(4):
        Image.new("L", (16, 16) if number else (9, 30), number).save(tmp_path / f"{number}.png")
    shown = typed(tmp_path.parent, "data", "show", str(tmp_path), "--out", "x.png")
    assert "4 images, 64x64" in shown
    assert "\nMost images are 16x16. To keep that size, add --size 16.\n" in shown
    again = typed(tmp_path.parent, "data", "show", str(tmp_path), "--size", "64", "--fit", "pad", "--out", "y.png")
    assert "Most images" not in again
    tiny = [part for option in TINY for part in ("-o", option)]
    plan = typed(tmp_path, "train", str(tmp_path), "--steps", "1", "--dry-run", *tiny)
    assert "advice   Most images are 16x16. To keep that size, add --size 16." in plan


@pytest.mark.parametrize("command", ["data show shapes --out z.png", "data prepare shapes", "train shapes --dry-run"])
@pytest.mark.parametrize("place", ["a_file", "/proc/nevoa"])
def test_a_cache_that_cannot_be_written_is_named(
    command: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_file").touch()
    monkeypatch.setenv("NEVOA_CACHE", place)
    told = nevoa(*command.split(), folder=tmp_path, code=2).stderr
    assert told.startswith(f"nevoa: Cannot write to the cache {place}: ")
    assert "NEVOA_CACHE" in told and "z.png" not in told and len(told.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a_file"]
