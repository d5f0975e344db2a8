"""Which events of the page are in Gradio's queue."""

from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

import nevoa.studio.images as images_module
from nevoa.errors import NevoaError
from nevoa.studio.choices import choices
from nevoa.studio.page import page
from nevoa.studio.workspace import Workspace


def test_nothing_that_happens_without_a_click_is_in_the_queue(tmp_path: Path) -> None:
    """A click at the moment at which such an event ends would get no answer."""
    events = page(Workspace(tmp_path / "workspace"), "en").get_config_file().get("dependencies", [])
    by_hand_or_after = {"click", "upload", "success", "failure"}
    first = {event["id"] for event in events if not by_hand_or_after >= {on for _, on in event["targets"]}}
    then = {event["id"] for event in events if event["trigger_after"] in first}
    queued = {event["api_name"]: event["queue"] for event in events if event["id"] in first | then}
    names = ["look", "watch", "begin", "first", "chosen", "models", "follow_model", "scrub", "earlier"]
    names += ["example", "runs", "remember", "show", "show_way"]
    assert queued.keys() >= set(names)
    assert not any(queued.values())


def test_choices_that_the_buttons_refuse_are_not_remembered(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    [remember] = [event for event in page(workspace, "en").fns.values() if event.api_name == "remember"]
    values = ["shapes", "", "", "", "mine", "quick", 5, "", 0, ""]
    assert remember.fn
    remember.fn(*values)
    remember.fn("x" * 100_000, *values[1:])
    remember.fn("a\0b", *values[1:])
    assert choices(workspace).images.source == "shapes"


def looks(folder: Path) -> tuple[Any, Any, Any]:
    """The functions of a page that show images: those dropped, those chosen, and those with which it begins."""
    workspace = Workspace(folder)
    workspace.served.mkdir(parents=True)
    found = {event.api_name: event.fn for event in page(workspace, "en").fns.values()}
    return found["images"], found["chosen"], found["first"]


def shown(name: str, words: list[str]) -> dict[str, Any]:
    """Return an answer of `nevoa data show`, and write the picture that its words ask for."""
    Image.new("L", (8, 8)).save(words[-1].removeprefix("--out="))
    empty = "classes", "unsettled_classes", "set_aside", "duplicates", "near_copies", "left_out"
    empty += "captions", "numbers", "pictures"
    return {"name": name, "images": 3, "size": (8, 8), **dict.fromkeys(empty, ())}


@pytest.mark.parametrize("interrupted", [True, False])
def test_a_look_that_ends_after_a_newer_one_began_shows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    """As if a picture were dropped while a page that was just opened still looks at the images of before."""
    (look, show_images, _), newest = looks(tmp_path / "workspace"), dict[str, object]()

    def answer(_: Path, words: list[str]) -> dict[str, Any]:
        if interrupted and "old" in words:
            summary, _ = look(newest, "new", "", "", "")
            assert "**new**: 3 images" in summary
        return shown("old" if "old" in words else "new", words)

    monkeypatch.setattr(images_module, "answer", answer)
    summary, _ = show_images(newest, "old", "", "", "")
    assert ("**old**: 3 images" in str(summary)) != interrupted


@pytest.mark.parametrize("fails", [True, False])
def test_a_look_at_dropped_files_that_ends_late_shows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """As if other images were chosen meanwhile: their summary stays, and no message is about the files of before."""
    (look, show_images, _), newest = looks(tmp_path / "workspace"), dict[str, object]()

    def answer(_: Path, words: list[str]) -> dict[str, Any]:
        if "old" in words:
            summary, _ = show_images(newest, "new", "", "", "")
            assert "**new**: 3 images" in summary
        if fails and "new" not in words:
            raise NevoaError("There are no images.")
        return shown("old" if "old" in words else "new", words)

    monkeypatch.setattr(images_module, "answer", answer)
    assert look(newest, "old", "", "", "") == (gr.skip(), gr.skip())
    if fails:
        with pytest.raises(gr.Error, match="There are no images"):
            look(newest, "last", "", "", "")


@pytest.mark.parametrize("overtaken", [True, False])
def test_the_look_of_a_page_that_was_just_opened_gives_way_to_what_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overtaken: bool
) -> None:
    """Also if the server begins it last: the page asked for it first."""
    (_, show_images, show_first), newest = looks(tmp_path / "workspace"), dict[str, object]()
    monkeypatch.setattr(images_module, "answer", lambda _, words: shown("new" if "new" in words else "old", words))
    if overtaken:
        summary, _ = show_images(newest, "new", "", "", "")
        assert "**new**: 3 images" in summary
    summary, picture = show_first(newest, "old", "", "", "")
    assert (summary, picture) == (gr.skip(), gr.skip()) if overtaken else "**old**: 3 images" in summary


def test_a_seed_that_is_none_is_a_sentence_beside_the_noise(tmp_path: Path) -> None:
    found = page(Workspace(tmp_path), "en").fns.values()
    show: Any = next(event.fn for event in found if event.name == "show" and "noise" in str(event.fn))
    picture, said = show(None, 10, -1)
    assert picture == gr.skip()
    assert "seed must be a whole number from 0" in said
