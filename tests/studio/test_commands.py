"""The page runs commands, and says what they say."""

from pathlib import Path
from typing import Any

import pytest

from nevoa.cli.main import app
from nevoa.errors import NevoaError
from nevoa.studio import commands
from nevoa.studio.commands import AT_RANDOM, Images, Training, answer

IMAGES = Images("shapes", "circle,-x", "32", "1")


def parsed(arguments: list[str]) -> dict[str, Any]:
    """What the command line understands: the values of each group of options, in one table."""
    _, bound, _ = app.parse_args(arguments, exit_on_error=False, print_error=False)
    groups = [value for value in bound.arguments.values() if hasattr(value, "__dict__") and not isinstance(value, Path)]
    plain = {name: value for name, value in bound.arguments.items() if value not in groups}
    return plain | {name: value for group in groups for name, value in vars(group).items()}


def test_the_command_line_understands_what_the_page_asks() -> None:
    training = Training(IMAGES, "-a b", "photos", 2.5, seed=3, options="training.batch_size=16\n\n -o=x \ndata.limit=9")
    found = parsed(training.arguments)
    assert found["source"] == "shapes"
    assert (found["only"], found["size"], found["channels"]) == (("circle,-x",), "32", 1)
    assert (found["preset"], found["minutes"], found["seed"], found["place"]) == ("photos", 2.5, 3, None)
    assert found["out"] == Path("runs/-a b")
    assert found["options"] == ("training.batch_size=16", "-o=x", "data.limit=9")


def test_a_source_that_begins_with_a_dash_is_no_option() -> None:
    assert parsed(Training(Images("--plugin=evil.py"), "a").arguments)["source"] == "./--plugin=evil.py"


def test_a_model_to_start_from_leaves_out_the_preset() -> None:
    found = parsed(Training(IMAGES, "a", "quick", 1.0, start="runs/-b").arguments)
    assert (found["place"], found["preset"]) == ("runs/-b", None)


def test_random_weights_keep_the_preset() -> None:
    found = parsed(Training(IMAGES, "a", "photos", 1.0, start=AT_RANDOM).arguments)
    assert (found["place"], found["preset"]) == ("none", "photos")


def test_what_is_not_chosen_is_no_option() -> None:
    training = Training(Images("shapes"), "a", minutes=None, seed=None)
    assert training.arguments == ["train", "shapes", "--preset=quick", "--out=runs/a"]
    with pytest.raises(NevoaError, match="No images are chosen"):
        Images("").arguments  # noqa: B018


@pytest.mark.slow
def test_json_is_the_answer(tmp_path: Path) -> None:
    names = [one["name"] for one in answer(tmp_path, ["data", "list", "--json"])]
    assert "shapes" in names


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["", "20"])
def test_a_refusal_is_its_whole_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    """Also where the shell that started the studio exports the width of its terminal."""
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(NevoaError, match=r"^There is no .*nowhere.*\.$"):
        answer(tmp_path, ["data", "show", "nowhere/", "--json"])


def test_no_answer_in_time_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "SECONDS", 0.01)
    with pytest.raises(NevoaError, match="try again when no training runs"):
        answer(tmp_path, ["data", "list", "--json"])
