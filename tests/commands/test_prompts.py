"""Prompts, tags and numbers as they are typed, and what is wrong with them in a sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import nevoa
from nevoa.cli.main import app
from nevoa.commands.blending import blending
from nevoa.commands.from_images import inpainting, variations
from nevoa.conditions.text import Text
from nevoa.config.condition import NumberPlan, PicturePlan, TagsPlan, TextPlan
from nevoa.data import as_image_set
from nevoa.errors import NevoaError
from nevoa.runs import Run
from tests.formats.small_run import run_of

SEEN = as_image_set(np.zeros((1, 8, 8, 1), np.uint8), captions=["a red cat, um gato azul"])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of a small model that knows a text, tags, a number and a picture, besides classes."""
    text = Text.found(SEEN, "")
    assert isinstance(text, TextPlan)
    number, gray = NumberPlan(name="age", low=0, high=90), PicturePlan(kind="gray", channels=3, height=16, width=16)
    kinds = text, TagsPlan(tags=("hat", "smile")), number, gray
    names = "text", "tags", "number:age", "gray"
    conditions = {name: kind.model_dump() for name, kind in zip(names, kinds, strict=True)}
    return run_of(tmp_path_factory.mktemp("runs") / "asked", conditions=conditions)


def typed(run: Run, *words: str) -> np.ndarray:
    out = Path("x.npy")
    out.unlink(missing_ok=True)
    app(["sample", str(run.folder), "--out", str(out), *words], exit_on_error=False, result_action="return_value")
    return np.load(out)


def test_what_is_typed_is_what_the_model_is_asked(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("prompts.txt").write_text("\ufeffa red cat\n\num gato azul\n", encoding="utf-8")
    Path("utf16.txt").write_text("a red cat\num gato azul\n", encoding="utf-16")
    model, prompts = run.model("cpu"), ["a red cat", "um gato azul"]
    wanted = model.sample(4, prompt=prompts, guidance=2.0)
    files = [("--prompt", f"@{name}") for name in ("prompts.txt", "utf16.txt")]
    for words in (("--prompt", prompts[0], "--prompt", prompts[1]), *files):
        np.testing.assert_array_equal(typed(run, *words, "--guidance", "2", "--count", "4"), wanted)
        assert capsys.readouterr().out.startswith("4 images of a red cat, um gato azul in turn, ")
    assert len(typed(run, "--prompt", "a red cat", "--prompt", "um gato azul")) == 16
    wanted = model.sample(2, tags="hat, smile", numbers={"age": [30, 60]}, labels="dog", prompt="a cat")
    words = "--tags", "hat,smile", "--number", "age=30", "--number", "age=60", "--class", "dog", "--prompt", "a cat"
    np.testing.assert_array_equal(typed(run, *words, "--count", "2"), wanted)
    wanted = model.sample(2, tags=[["hat", "smile"], "hat"])
    written = nevoa.sample(run, tags=[["hat", "smile"], "hat"], count=2, out="each.npy")
    assert str(written).startswith("2 images of hat, smile, hat in turn")
    np.testing.assert_array_equal(np.load("each.npy"), wanted)
    assert "age=30.5" in str(nevoa.sample(run.folder, numbers={"age": 30.5}, count=1, out="half.png"))
    assert str(nevoa.sample(run, tags="hat", numbers={"age": None}, count=1, out="tags.npy")).startswith(
        "1 image of hat"
    )
    np.testing.assert_array_equal(np.load("tags.npy"), model.sample(1, tags="hat"))
    words = "--number", "age=30", "--number", "age=60", "--count", "2"
    np.testing.assert_array_equal(typed(run, *words), model.sample(2, numbers={"age": [30, 60]}))
    assert capsys.readouterr().out.splitlines()[-1].startswith("2 images of age=30, age=60 in turn, ")
    words = "--condition", "tags=hat,smile", "--condition", "number:age=30", "--condition", "text=a cat"
    wanted = model.sample(2, tags="hat, smile", numbers={"age": 30}, labels="dog", prompt="a cat")
    np.testing.assert_array_equal(typed(run, *words, "--class", "dog", "--count", "2"), wanted)


def test_a_picture_is_a_file_an_array_or_several_in_turn(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    photos = np.random.default_rng(0).integers(0, 255, (2, 16, 16, 3), np.uint8)
    for name, photo in zip(("one.png", "two.png"), photos, strict=True):
        Image.fromarray(photo).save(name)
    model = run.model("cpu")
    wanted = model.sample(4, picture=photos, guidance={"gray": 2})
    words = "--picture", "one.png", "--picture", "two.png", "--guidance", "gray=2", "--count", "4"
    np.testing.assert_array_equal(typed(run, *words), wanted)
    assert capsys.readouterr().out.startswith("4 images of one.png, two.png in turn, ")
    some = nevoa.sample(run.folder, picture=["one.png", photos[1]], count=2, out="some.png")
    assert str(some).startswith("2 images, ")  # an array has no name
    np.testing.assert_array_equal(wanted[::2], model.sample(4, picture="one.png", guidance={"gray": 2})[::2])
    np.testing.assert_array_equal(
        typed(run, "--condition", "gray=two.png", "--count", "1"), model.sample(1, picture=photos[1])
    )
    assert (model.sample(1, picture=photos[0]) != model.sample(1, picture=photos[1])).any()
    assert (model.sample(1, picture=photos[0]) != model.sample(1, prompt="a cat")).any()


def test_how_it_is_asked_is_typed_as_it_is_called(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = run.model("cpu")

    def asked(**how: Any) -> np.ndarray:
        return model.sample(2, prompt="a red cat", labels="dog", **how)

    words = "--prompt", "a red cat", "--class", "dog", "--count", "2"
    apart = asked(guidance={"text": 3, "class": 1.5}, not_="gato azul")
    together = asked(guidance=3, not_="gato azul")
    weights = "--guidance", "class=1.5", "--guidance", "text=3"
    np.testing.assert_array_equal(typed(run, *words, *weights, "--not", "gato azul"), apart)
    np.testing.assert_array_equal(typed(run, *words, "--guidance", "3", "--not", "gato azul"), together)
    weights = [word for kind in model.plan.kinds for word in ("--guidance", f"{kind}=3")]
    np.testing.assert_array_equal(typed(run, *words, *weights, "--not", "gato azul"), together)
    for other in (apart, asked(guidance=3), asked()):
        assert (other != together).any()


def test_a_photograph_is_changed_as_a_prompt_says(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    photo, mask = np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8), np.eye(16) > 0
    Image.fromarray(photo).save("photo.png")
    Image.fromarray(mask).save("mask.png")
    model, how = run.model("cpu"), dict[str, Any](guidance=3.0, steps=2)
    words = "--prompt", "a red cat", "--guidance", "3", "--steps", "2", "--count", "2"
    for start, edited in (
        (("--from", "photo.png", "--strength", "0.8"), variations(model, photo, 0.8)),
        (("--inpaint", "photo.png", "--mask", "mask.png"), inpainting(model, photo, mask)),
    ):
        made = typed(run, *start, *words)
        np.testing.assert_array_equal(made, edited.sample(2, prompt="a red cat", **how))
        for other in (edited.sample(2, steps=2), edited.sample(2, prompt="gato azul", **how)):
            assert (made != other).any()
        if "--mask" in start:
            assert (made[:, ~mask] == photo[~mask]).all()


def test_a_blend_is_typed_as_it_is_called(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wanted = blending(run.model("cpu"), "a red cat", "gato azul", 4).sample(4, seed=2, labels="dog", guidance=2)
    words = "--blend", "a red cat", "gato azul", "--frames", "4", "--seed", "2", "--class", "dog", "--guidance", "2"
    np.testing.assert_array_equal(typed(run, *words), wanted)
    assert capsys.readouterr().out.startswith("4 images of dog, ")
    assert len(typed(run, "--blend", "a red cat", "gato azul")) == 9
    app(["sample", str(run.folder), "--out", "x.gif", *words], exit_on_error=False, result_action="return_value")
    assert Image.open("x.gif").n_frames > 1  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--not", "", "--guidance", "3"), "The prompt is empty"),
        (("--not", "a red cat"), "needs a guidance above 1, and that of text is 1: add --guidance 3"),
        (("--not", "a red cat", "--guidance", "class=3"), "needs a guidance above 1, and that of text is 1"),
        (("--guidance", "hat=3"), "guidance has a weight for hat, and this model knows class and text and"),
        (("--guidance", "text=3", "--guidance", "2"), "--guidance needs KIND=W, as in --guidance text=3, not '2'"),
        (("--guidance", "text=3", "--guidance", "text=2"), "--guidance has several weights for text: give one"),
        (("--guidance", "much"), "--guidance: Input should be a valid number (given: 'much')"),
        (("--guidance", "text=much"), "--guidance text: Input should be a valid number (given: 'much')"),
        (("--blend", "a red cat", ""), "The prompt is empty"),
        (("--blend", "a red cat", "gato", "--prompt", "a cat"), "A blend has a text at each end: leave out the third"),
        (
            ("--blend", "a red cat", "gato", "--count", "3"),
            "--blend makes as many images as it has frames: give --frames",
        ),
        (("--blend", "a red cat", "gato", "--from", "x.png"), "Give one of --from and --blend"),
        (("--frames", "3"), "--frames needs --interpolate or --blend: add it, or leave out --frames"),
        (("--prompt", ""), "The prompt is empty"),
        (("--prompt", "@nowhere.txt"), "Cannot read the prompts in nowhere.txt"),
        (("--prompt", "@"), "Write the name of a file after @"),
        (("--prompt", "@empty.txt"), "There are no prompts in empty.txt: write one into each line"),
        (("--tags", "hut"), "There is no tag 'hut'. Did you mean 'hat'"),
        (("--number", "age=91"), "age must be a number from 0 to 90"),
        (("--number", "age=old"), "age must be a number from 0 to 90"),
        (("--number", "age"), "--number needs NAME=VALUE, as in --number age=30, not 'age'"),
        (("--number", "height=3"), "it cannot be asked for number:height"),
        (("--picture", "nowhere.png"), "There is no file nowhere.png"),
        (("--picture", "empty.txt"), "Cannot read empty.txt as an image: it is not an image of a known format"),
        (("--picture", "x.png", "--condition", "gray=x.png"), "The condition gray is asked for twice"),
        (("--condition", "mood=3"), "it cannot be asked for mood"),
        (("--condition", "text=a cat", "--prompt", "a red cat"), "The condition text is asked for twice"),
        (("--condition", "number:age=3", "--number", "age=4"), "The condition number:age is asked for twice"),
        (("--prompt", "@latin.txt"), "Cannot read the prompts in latin.txt: it is not UTF-8; save it in this encoding"),
    ],
)
def test_what_the_model_cannot_be_asked_is_a_sentence_and_writes_nothing(
    run: Run, words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").write_text(" \n")
    Path("latin.txt").write_bytes("cão".encode("latin-1"))
    with pytest.raises(NevoaError) as error:
        typed(run, *words)
    assert said in str(error.value)
    assert {path.name for path in tmp_path.iterdir()} == {"empty.txt", "latin.txt"}
