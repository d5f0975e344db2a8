"""A function and the command of its name do the same: the same files, the same words, the same errors."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import nevoa
from nevoa.cli.sample import StartFlags
from nevoa.commands.sample import SampleOptions
from nevoa.config.condition import PicturePlan
from nevoa.config.options import SamplerOptions
from nevoa.errors import NevoaError
from tests.cli.conftest import nevoa as typed
from tests.formats.small_run import run_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, one that enlarges its images, a picture, and a mask of it."""
    place = tmp_path_factory.mktemp("same")
    run_of(place / "run")
    picture = PicturePlan(kind="downscaled", channels=3, height=32, width=32, factor=2)
    run_of(place / "big", shape=(3, 32, 32), conditions={"downscaled": picture.model_dump()})
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(place / "photo.png")
    Image.fromarray(np.full((32, 32), 255, np.uint8) * (np.arange(32) > 15)).save(place / "mask.png")
    return place


def contents(path: Path) -> dict[str, bytes]:
    """The bytes of a file, or of the files of a folder."""
    files = [path] if path.is_file() else sorted(path.rglob("*.*"))
    return {str(file.relative_to(path)): file.read_bytes() for file in files if file.is_file()}


# By the name of the result: what is typed, and the same keywords.
WRITTEN: dict[str, tuple[str, dict[str, Any]]] = {
    "grid.png": ("sample run --count 3 --seed 5", {"count": 3, "seed": 5}),
    "array.npy": ("sample run --count 2 --sampler ddim --eta 0.5", {"count": 2, "sampler": "ddim", "eta": 0.5}),
    "folder": ("sample run --count 2 --no-clip", {"count": 2, "clip": False}),
    "rows.png": ("sample run --trajectory 3 --class dog,cat", {"trajectory": 3, "label": ["dog", "cat"]}),
    "vary.png": ("sample run --count 1 --from photo.png", {"count": 1, "from_": "photo.png"}),
    "paint.png": (
        "sample run --count 1 --inpaint photo.png --mask mask.png",
        {"count": 1, "inpaint": "photo.png", "mask": Path("mask.png")},
    ),
    "not.png": (
        "sample run --count 2 --class dog --not cat --guidance class=3",
        {"count": 2, "label": "dog", "not_": "cat", "guidance": {"class": 3}},
    ),
    "blend.png": ("sample run --blend dog cat --frames 3", {"blend": ("dog", "cat"), "frames": 3}),
    "between.png": (
        "sample run --interpolate photo.png mask.png --frames 2",
        {"interpolate": ("photo.png", "mask.png"), "frames": 2},
    ),
    "large.png": ("sample run --upscale big --class cat --seed 2", {"upscale": Path("big"), "label": "cat", "seed": 2}),
    "photo.png": (
        "upscale big photo.png --class cat --steps 2 --seed 3",
        {"image": "photo.png", "label": "cat", "steps": 2, "seed": 3},
    ),
    "noise.png": (
        "noise photo.png --schedule linear,cosine --at 0,9",
        {"schedule": ["linear", "cosine"], "at": [0, 9]},
    ),
    "page.html": ("export run --to web --steps 2", {"to": "web", "steps": 2}),
    "canvas.html": ("export big --to web --picture photo.png", {"to": "web", "picture": "photo.png"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITTEN)
def test_they_write_the_same_bytes_and_say_the_same(
    name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, keywords = WRITTEN[name]
    command, place, *_ = words = text.split()
    monkeypatch.chdir(folder)
    said = typed(*words, "--out", str(tmp_path / "typed" / name), folder=folder).stdout
    made = getattr(nevoa, command)(place, out=str(tmp_path / "called" / name), **keywords)
    assert contents(tmp_path / "typed" / name) == contents(made.path) != {}
    assert said == f"{made}\n".replace("/called/", "/typed/")
    assert (made._repr_png_() or b"").startswith(b"\x89PNG") == (made.path.suffix == ".png")


REFUSED: list[tuple[list[str], Callable[[], Any]]] = [
    (["sample", "nothing"], lambda: nevoa.sample("nothing")),
    (["sample", "run", "--steps", "10000"], lambda: nevoa.sample("run", steps=10000)),
    (["sample", "run", "--sampler", "heun", "--eta", "1"], lambda: nevoa.sample("run", sampler="heun", eta=1)),
    (["sample", "run", "--trajectory", "1"], lambda: nevoa.sample("run", trajectory=1)),
    (["sample", "run", "--trajectory", "2", "--out", "x.npy"], lambda: nevoa.sample("run", trajectory=2, out="x.npy")),
    (["sample", "run", "--out", "photo.png"], lambda: nevoa.sample("run", out="photo.png")),
    (["sample", "run", "--out", "x.jpg"], lambda: nevoa.sample("run", out="x.jpg")),
    (["sample", "run", "--out", "run/samples/x.png"], lambda: nevoa.sample("run", out="run/samples/x.png")),
    (["sample", "run", "--out", " "], lambda: nevoa.sample("run", out=" ")),
    (["sample", "run", "--strength", "1"], lambda: nevoa.sample("run", strength=1.0)),
    (["sample", "run", "--size", "64"], lambda: nevoa.sample("run", size="64")),
    (["sample", "--prompt", "a cat"], lambda: nevoa.sample(prompt="a cat")),
    (["sample", "run", "--class", "cow"], lambda: nevoa.sample("run", label="cow")),
    (["sample", "run", "--upscale", "run"], lambda: nevoa.sample("run", upscale="run")),
    (["sample", "run", "--upscale", "nothing"], lambda: nevoa.sample("run", upscale="nothing")),
    (["sample", "big", "--upscale", "big"], lambda: nevoa.sample("big", upscale="big")),
    (["upscale", "nothing", "photo.png"], lambda: nevoa.upscale("nothing", "photo.png")),
    (["upscale", "run", "photo.png"], lambda: nevoa.upscale("run", "photo.png")),
    (["upscale", "big", "nothing.png"], lambda: nevoa.upscale("big", "nothing.png")),
    (["upscale", "big", "photo.png", "--out", "x.gif"], lambda: nevoa.upscale("big", "photo.png", out="x.gif")),
    (["upscale", "big", "photo.png", "--out", "mask.png"], lambda: nevoa.upscale("big", "photo.png", out="mask.png")),
    (["upscale", "big", "photo.png", "--steps", "99"], lambda: nevoa.upscale("big", "photo.png", steps=99)),
    (["noise", "nothing"], lambda: nevoa.noise("nothing")),
    (["noise", "photo.png", "--schedule", "cosin"], lambda: nevoa.noise("photo.png", schedule="cosin")),
    (["noise", "photo.png", "--at", "1001"], lambda: nevoa.noise("photo.png", at=1001)),
    (["noise", "photo.png", "--size", "3"], lambda: nevoa.noise("photo.png", size="3")),
    (["export", "run", "--to", "web", "--half"], lambda: nevoa.export("run", to="web", half=True)),
    (["export", "big", "--to", "onnx", "--picture", "x"], lambda: nevoa.export("big", to="onnx", picture="x")),
    (["export", "big", "--to", "web", "--picture", "x"], lambda: nevoa.export("big", to="web", picture="x")),
    (["export", "run", "--to", "web", "--picture", "x"], lambda: nevoa.export("run", to="web", picture="x")),
    (["export", "run", "--to", "onnx", "--out", "x.html"], lambda: nevoa.export("run", to="onnx", out="x.html")),
    (["evaluate", "nothing"], lambda: nevoa.evaluate("nothing")),
    (["evaluate", "photo.png", "--steps", "3"], lambda: nevoa.evaluate("photo.png", steps=3)),
    (["evaluate", "run", "--metrics", "kernl"], lambda: nevoa.evaluate("run", metrics=["kernl"])),
    (["evaluate", "--compare", "run"], lambda: nevoa.compare("run")),
    (["evaluate", "--compare", "run", "photo.png"], lambda: nevoa.compare("run", "photo.png")),
    (["evaluate", "photo.png", "--sweep"], lambda: next(nevoa.sweep("photo.png"))),
    (["verify", "nothing.json"], lambda: nevoa.verify("nothing.json")),
    (["push", "run", "hf:me/mist", "--license", "MY OWN"], lambda: nevoa.push("run", "hf:me/mist", license="MY OWN")),
    (["push", "nothing", "hf:me/mist", "--dry-run"], lambda: nevoa.push("nothing", "hf:me/mist", dry_run=True)),
]


@pytest.mark.parametrize(("words", "call"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_they_refuse_with_the_same_sentence(
    words: list[str], call: Callable[[], Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function names its argument, as in `steps is ...`, where the command names the option typed."""
    monkeypatch.chdir(folder)
    told = typed(*words, folder=folder, code=2).stderr
    with pytest.raises(NevoaError) as error:
        call()
    bare = str(error.value).removeprefix("data.")
    assert told in (f"nevoa: {bare}\n", f"nevoa: --{bare}\n")


def test_a_measurement_has_the_same_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for number in range(12):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(tmp_path / f"photos/{number}.png")
    np.save("samples.npy", rng.integers(0, 256, (8, 16, 16, 3), dtype=np.uint8))
    said = typed("evaluate", "samples.npy", "--against", "photos", "--json", folder=tmp_path)
    printed = json.loads(said.stdout)
    with pytest.warns(UserWarning, match="not measured: frechet") as warned:
        report = nevoa.evaluate("samples.npy", against="photos")
    values = json.loads(json.dumps(nevoa.evaluation.as_dict(report)))
    assert values | {"made_at": ""} == printed | {"made_at": ""}
    assert said.stderr == "".join(f"nevoa: warning: {one.message}\n" for one in warned)
    assert report.file is None  # these images belong to no run


def test_an_unknown_keyword_is_named_with_the_nearest_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    calls: dict[str, Callable[[], Any]] = {
        "label": lambda: nevoa.sample("run", lable="cat"),  # pyright: ignore[reportCallIssue]
        "frames": lambda: nevoa.sample("run", frame=2),  # pyright: ignore[reportCallIssue]
        "spacing": lambda: nevoa.evaluate("run", spacng="karras"),  # pyright: ignore[reportCallIssue]
        "sampler": lambda: nevoa.export("run", to="web", smpler="ddim"),  # pyright: ignore[reportCallIssue]
        "minutes": lambda: nevoa.continue_("run", minuts=1),  # pyright: ignore[reportCallIssue]
        "network": lambda: nevoa.load("run", netwrk=None),  # pyright: ignore[reportCallIssue]
    }
    for name, call in calls.items():
        with pytest.raises(NevoaError, match=f"Did you mean '{name}'"):
            call()


def test_only_a_budget_can_be_given_to_a_run_that_goes_on() -> None:
    """Anything else would leave it without one."""
    with pytest.raises(NevoaError, match="There is no keyword 'patience'"):
        nevoa.continue_("run", patience=3)  # pyright: ignore[reportCallIssue]


def test_the_options_of_sample_are_its_keywords() -> None:
    others = SampleOptions.__annotations__.keys() - SamplerOptions.__annotations__.keys()
    assert StartFlags.__dataclass_fields__.keys() == others
