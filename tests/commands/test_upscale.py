"""`nevoa upscale` and `nevoa sample --upscale`: the files that they write, and their messages."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa.cli.main import app
from nevoa.commands.enlarging import cascade, upscaling
from nevoa.config.condition import PicturePlan
from nevoa.errors import NevoaError
from nevoa.runs import Run
from tests.formats.small_run import run_of


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """A run of 16x16, and one that enlarges its images."""
    place = tmp_path_factory.mktemp("runs")
    picture = PicturePlan(kind="downscaled", channels=3, height=32, width=32, factor=2)
    return run_of(place / "small"), run_of(
        place / "big", shape=(3, 32, 32), conditions={"downscaled": picture.model_dump()}
    )


@pytest.fixture(autouse=True)
def _in_a_folder_with_a_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 31, 3), dtype=np.uint8)).save("photo.png")


def typed(*words: str | Path) -> None:
    app([str(word) for word in words], exit_on_error=False, result_action="return_value")


def test_a_picture_is_enlarged_as_by_the_model(runs: tuple[Run, Run], capsys: pytest.CaptureFixture[str]) -> None:
    _, big = runs
    for name in "upscaled.png", "upscaled-2.png":
        typed("upscale", big.folder, "photo.png", "--seed", "4", "--class", "dog", "--guidance", "2", "--steps", "2")
        assert capsys.readouterr().out == f"62x40 pixels, ddpm, 2 steps: {name}\n"
    made = upscaling(big.model("cpu"), "photo.png").sample(1, seed=4, labels="dog", guidance=2, steps=2)
    for name in "upscaled.png", "upscaled-2.png":
        np.testing.assert_array_equal(np.asarray(Image.open(name)), made[0])


@pytest.mark.slow
def test_images_of_a_small_model_are_enlarged(runs: tuple[Run, Run], capsys: pytest.CaptureFixture[str]) -> None:
    small, big = runs
    words = "--class", "dog,cat", "--count", "3", "--seed", "4", "--steps", "2", "--guidance", "2"
    typed("sample", small.folder, "--upscale", big.folder, *words, "--out", "x.npy")
    said = capsys.readouterr().out
    assert said == f"3 images of dog, cat in turn, ddpm, 2 steps, enlarged by {big.folder}, ddpm, 3 steps: x.npy\n"
    both = cascade(small.model("cpu"), big.model("cpu"), labels=["dog", "cat"], guidance=2, steps=2)
    np.testing.assert_array_equal(np.load("x.npy"), both.sample(3, seed=4))
    typed("sample", small.folder, "--upscale", big.folder, "--class", "dog", "--out", "x.gif")
    assert Image.open("x.gif").n_frames > 1  # pyright: ignore[reportAttributeAccessIssue]
    typed("sample", small.folder, "--upscale", big.folder, "--class", "dog", "--trajectory", "4", "--out", "x.png")


@pytest.mark.slow
def test_images_that_start_from_others_are_enlarged_too(runs: tuple[Run, Run]) -> None:
    small, big = runs
    typed("sample", small.folder, "--upscale", big.folder, "--from", "photo.png", "--count", "2", "--out", "x.npy")
    typed("sample", small.folder, "--upscale", big.folder, "--blend", "dog", "cat", "--frames", "3", "--out", "y.npy")
    assert [np.load(name).shape for name in ("x.npy", "y.npy")] == [(2, 32, 32, 3), (3, 32, 32, 3)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("upscale", "small", "photo.png"), "cannot enlarge pictures: use one that was trained with --condition"),
        (("upscale", "nothing", "photo.png"), "nothing is not a run with a model"),
        (("upscale", "big", "nothing.png"), "There is no file nothing.png"),
        (("upscale", "big", "words.txt"), "Cannot read words.txt as an image"),
        (("upscale", "big", "photo.png", "--out", "photo.png"), "photo.png exists: choose another --out"),
        (("upscale", "big", "photo.png", "--out", "x.jpg"), "choose a name that ends in .png, not x.jpg"),
        (("upscale", "big", "photo.png", "--prompt", "a cat"), "it cannot be asked for prompts"),
        (("upscale", "big", "photo.png", "--class", "cow"), "There is no class 'cow'"),
        (("upscale", "big", "photo.png", "--steps", "99"), "--steps must be between 1 and 50"),
        (("upscale", "big", "photo.png", "--guidance", "text=3"), "this model knows class and downscaled"),
        (("sample", "small", "--upscale", "nothing"), "nothing is not a run with a model"),
        (("sample", "small", "--upscale", "small"), "small cannot enlarge pictures"),
        (("sample", "big", "--upscale", "big"), "enlarges images of 16x16 with 3 channels, and "),
        (("sample", "small", "--upscale", "big", "--class", "cow"), "There is no class 'cow'"),
        (("sample", "small", "--upscale", "big", "--trajectory", "9"), "--trajectory must be between 2 and 4"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_writes_nothing(
    runs: tuple[Run, Run], words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    Path("words.txt").write_text("a cat")
    folders = {run.folder.name: run.folder for run in runs}
    with pytest.raises(NevoaError) as error:
        typed(*(folders.get(word, word) for word in words))
    assert said in str(error.value)
    assert {path.name for path in tmp_path.iterdir()} == {"photo.png", "words.txt"}
