"""Controls that choose the images to train on and show them."""

import json
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import shorten
from typing import Any

import gradio as gr
from PIL import Image

from nevoa.data import CATALOG
from nevoa.errors import NevoaError
from nevoa.studio.commands import Images, answer
from nevoa.studio.controls import Page
from nevoa.studio.files import changed
from nevoa.studio.texts import Texts, check
from nevoa.studio.workspace import Workspace

MOST_REASONS, NAMED, MOST_NAMED = 10, 3, 12
LONGEST_EXAMPLE = 100


class Choice:
    """The controls that choose images, and what shows them."""

    def __init__(self, page: Page) -> None:
        say = page.say
        with gr.Row():
            with gr.Column(min_width=280):
                self.files = gr.File(file_count="multiple", label=say.label("files"), height=150)
                self.source = gr.Dropdown([], value=None, allow_custom_value=True, **say("source"))
            with gr.Column(min_width=280):
                self.sheet = page.picture("sheet", visible=False, elem_classes="thumbnails")
                self.summary = gr.Markdown()

    def add_details(self, page: Page) -> None:
        """Build the controls that most people need not see, where this is called."""
        self.classes, self.size = page.text("classes"), page.text("size")
        self.channels = gr.Radio([("=", ""), ("1", "1"), ("3", "3")], value="", **page.say("channels"))

    @property
    def controls(self) -> list[Any]:
        """The controls, in the order of the fields of `Images`."""
        return [self.source, self.classes, self.size, self.channels]

    def connect(self, page: Page, loaded: Any, received: Any) -> None:
        """Show the images whenever others are chosen.

        Args:
            loaded, received: the events that fill in the controls of a new page, and choose dropped files.
        """
        looks, newest = Looks(page.workspace, page.say), gr.State({})
        shown, private = [self.summary, self.sheet], {"api_visibility": "private", "queue": False}
        controls = [newest, *self.controls]
        chosen = [self.source.input, self.channels.input]
        chosen += [event for field in (self.classes, self.size) for event in (field.submit, field.blur)]
        # Gradio's "always_last" forgets the last if the one before it fails.
        for events, look in ((loaded.success, looks.first), (chosen, looks.chosen)):
            page.on(events, look, controls, shown, trigger_mode="multiple", queue=False)
        looked = page.on(received.success, looks.dropped, controls, shown, api_name="images")
        looked.success(lambda: gr.update(visible=True), None, self.sheet, **private)
        looked.failure(lambda: ("", gr.update(visible=False)), None, shown, **private)


class Looks:
    """Looks at images. A page shows the one that began last, `newest`; one that began before and ends later is lost."""

    def __init__(self, workspace: Workspace, say: Texts) -> None:
        self.workspace, self.say = workspace, say

    def first(self, newest: dict[str, object], *chosen: str) -> tuple[Any, Any]:
        """Show the images with which a page begins."""
        # Requests overtake each other: on a busy machine 1 page in 40 looked at what was chosen on it first.
        return _nothing() if newest else self.chosen(newest, *chosen)

    def chosen(self, newest: dict[str, object], *chosen: str) -> tuple[Any, Any]:
        """Show chosen images. Outside of the queue an error shows no message, so the summary says it."""
        newest["look"] = mine = object()
        try:
            check(chosen)
            summary, sheet = self._seen(Images(*chosen))
            found = summary, gr.update(value=sheet, visible=True)
        except (NevoaError, OSError) as error:
            found = self.say.sentence(error), gr.update(visible=False)
        return found if newest["look"] is mine else _nothing()

    def dropped(self, newest: dict[str, object], *chosen: str) -> tuple[Any, Any]:
        """Show images that were dropped."""
        newest["look"] = mine = object()
        try:
            found = self._seen(Images(*chosen))
        except (NevoaError, OSError):
            if newest["look"] is not mine:
                return _nothing()
            raise
        return found if newest["look"] is mine else _nothing()

    def _seen(self, images: Images) -> tuple[str, Image.Image]:
        path = self.workspace.folder / images.source
        mark = time.time() if path.is_dir() else changed(path)  # a folder may have changed deep inside
        facts, sheet = _shown(self.workspace, images, mark)
        return "\n\n".join(_described(facts, self.say)), sheet


def _nothing() -> tuple[Any, Any]:
    """What leaves summary and sheet as they are."""
    return gr.skip(), gr.skip()


def known(workspace: Workspace) -> list[str]:
    """Return the sources to choose from: uploads, newest first, then the named data sets."""
    return [*workspace.sources(), *CATALOG]


@lru_cache(maxsize=8)
def _shown(workspace: Workspace, images: Images, _mark: float) -> tuple[dict[str, Any], Image.Image]:
    """Return the facts and the picture of `nevoa data show`, cached: it takes seconds, and each new page asks."""
    with TemporaryDirectory(dir=workspace.served) as folder:
        path = Path(folder, "sheet.png")
        facts = answer(workspace.folder, ["data", "show", *images.arguments, "--json", f"--out={path}"])
        return facts, Image.open(path).copy()


def _described(facts: dict[str, Any], say: Texts) -> Iterator[str]:
    """The facts of `nevoa data show` in Markdown: what there is, and the files left out, with reasons."""
    height, width = facts["size"]
    yield say.text("images", name=facts["name"], count=say.number(facts["images"]), size=f"{height}x{width}")
    if facts["classes"]:
        yield ", ".join(_counted(name, count, say) for name, count in facts["classes"].items())
    if facts["unsettled_classes"]:
        yield say.text("unsettled", reason=facts["unsettled_classes"])
    yield from _said(facts, say)
    if facts["set_aside"]:
        yield say.text("set_aside", count=say.number(facts["set_aside"]))
    if facts["duplicates"]:
        yield say.text("duplicates", count=say.number(facts["duplicates"]))
    if copies := facts["near_copies"]:
        yield say.text("near_copies", count=len(copies), names=_first([" = ".join(pair) for pair in copies]))
    by_reason: dict[str, list[str]] = {}
    for bad in facts["left_out"]:
        by_reason.setdefault(bad["reason"], []).append(bad["file"])
    for reason, names in list(by_reason.items())[:MOST_REASONS]:
        yield say.text("left_out", count=len(names), names=_first(names), reason=reason)


def _first(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + " …" * (len(names) > NAMED)


def _said(facts: dict[str, Any], say: Texts) -> Iterator[str]:
    """Describe the captions, tags, numbers and pictures of images in Markdown."""
    if facts["captions"]:
        what = "tags" if facts["tags"] else "words"
        captions, count = (say.number(number) for number in (facts["captions"], len(facts[what])))
        common = ", ".join(_counted(name, count, say) for name, count in [*facts[what].items()][:MOST_NAMED])
        yield say.text(what, captions=captions, count=count) + common
        examples = (shorten(text, LONGEST_EXAMPLE, placeholder=" …") for text in facts["examples"])
        yield say.text("examples", captions=" · ".join(examples))
    if facts["pictures"]:
        yield say.text("pictures")
    if facts["numbers"]:
        numbers = dict([*facts["numbers"].items()][:MOST_NAMED])
        more = " …" if len(facts["numbers"]) > MOST_NAMED else ""
        yield say.text("numbers") + ", ".join(_range(name, one, say) for name, one in numbers.items()) + more
        there = {"class": facts["classes"], "tags": facts["tags"], "text": facts["words"] and not facts["tags"]}
        there |= {"picture": facts["pictures"]}
        kinds = [kind for kind, found in there.items() if found] + [f"number:{name}" for name in numbers]
        yield say.text("learned", option=f"training.condition={json.dumps(kinds, ensure_ascii=False)}")


def _counted(name: str, count: int, say: Texts) -> str:
    return say.text("class", name=name, count=say.number(count))


def _range(name: str, found: dict[str, float], say: Texts) -> str:
    low, high = (say.number(found[end], "g") for end in ("low", "high"))
    return say.text("number", name=name, low=low, high=high, count=say.number(found["images"]))
