"""Prompts, tags and numbers as they are typed, and what is wrong with them in a sentence."""

from pathlib import Path

import numpy as np
import pytest

from nevoa.cli.main import app
from nevoa.conditions.text import Text
from nevoa.config.condition import NumberPlan, TagsPlan, TextPlan
from nevoa.data import as_image_set
from nevoa.errors import NevoaError
from nevoa.runs import Run
from tests.formats.small_run import run_of

SEEN = as_image_set(np.zeros((1, 8, 8, 1), np.uint8), captions=["a red cat, um gato azul"])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of a small model that knows a text, tags and a number, besides classes."""
    text = Text.found(SEEN, "")
    assert isinstance(text, TextPlan)
    kinds = text, TagsPlan(tags=("hat", "smile")), NumberPlan(name="age", low=0, high=90)
    names = "text", "tags", "number:age"
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
    model, prompts = run.model("cpu"), ["a red cat", "um gato azul"]
    wanted = model.sample(4, prompt=prompts, guidance=2.0)
    for words in (("--prompt", prompts[0], "--prompt", prompts[1]), ("--prompt", "@prompts.txt")):
        np.testing.assert_array_equal(typed(run, *words, "--guidance", "2", "--count", "4"), wanted)
        assert capsys.readouterr().out.startswith("4 images of a red cat, um gato azul in turn, ")
    assert len(typed(run, "--prompt", "a red cat", "--prompt", "um gato azul")) == 16
    wanted = model.sample(2, tags="hat, smile", numbers={"age": [30, 60]}, labels="dog", prompt="a cat")
    words = "--tags", "hat,smile", "--number", "age=30", "--number", "age=60", "--class", "dog", "--prompt", "a cat"
    np.testing.assert_array_equal(typed(run, *words, "--count", "2"), wanted)
    words = "--condition", "tags=hat,smile", "--condition", "number:age=30", "--condition", "text=a cat"
    wanted = model.sample(2, tags="hat, smile", numbers={"age": 30}, labels="dog", prompt="a cat")
    np.testing.assert_array_equal(typed(run, *words, "--class", "dog", "--count", "2"), wanted)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--prompt", ""), "The prompt is empty"),
        (("--prompt", "@nowhere.txt"), "Cannot read the prompts in nowhere.txt"),
        (("--prompt", "@empty.txt"), "There are no prompts in empty.txt: write one into each line"),
        (("--tags", "hut"), "There is no tag 'hut'. Did you mean 'hat'"),
        (("--number", "age=91"), "age must be a number from 0 to 90"),
        (("--number", "age=old"), "age must be a number from 0 to 90"),
        (("--number", "age"), "--number needs NAME=VALUE, as in --number age=30, not 'age'"),
        (("--number", "height=3"), "it cannot be asked for number:height"),
        (("--condition", "mood=3"), "it cannot be asked for mood"),
    ],
)
def test_what_the_model_cannot_be_asked_is_a_sentence_and_writes_nothing(
    run: Run, words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").write_text(" \n")
    with pytest.raises(NevoaError) as error:
        typed(run, *words)
    assert said in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["empty.txt"]
