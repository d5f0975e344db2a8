"""Tab "Images": choose images to train on, and look at them."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr
from PIL import Image

from nevoa.data import CATALOG
from nevoa.studio.commands import Images, answer
from nevoa.studio.controls import Page
from nevoa.studio.texts import Texts

MOST_REASONS, NAMED = 10, 3


class Choice:
    """The controls that choose images; the tab "Train" reads them too."""

    def __init__(self, page: Page) -> None:
        say = page.say
        self.source = gr.Dropdown(list(CATALOG), value="fashion_mnist_10k", allow_custom_value=True, **say("source"))
        with gr.Row():
            self.classes = gr.Textbox(**say("classes"))
            self.size = gr.Textbox(**say("size"))
            self.channels = gr.Radio([("=", ""), ("1", "1"), ("3", "3")], value="", **say("channels"))

    @property
    def controls(self) -> list[Any]:
        """The controls, in the order of the fields of `Images`."""
        return [self.source, self.classes, self.size, self.channels]


def images_tab(page: Page) -> Choice:
    """Build the tab."""
    workspace, say = page.workspace, page.say
    files = gr.File(file_count="multiple", label=say.label("files"), height=140)
    gr.Markdown(say.help("files"))
    choice = Choice(page)
    [show] = page.buttons("show", primary="show")
    summary, sheet = gr.Markdown(), page.picture("sheet")

    def known(**value: Any) -> Any:
        return gr.update(choices=[*workspace.sources(), *CATALOG], **value)

    @say.told
    def receive(dropped: list[str] | None) -> Any:
        return known(value=workspace.receive([Path(name) for name in dropped])) if dropped else gr.skip()

    @say.told
    def look(*chosen: str) -> tuple[str, Image.Image]:
        with TemporaryDirectory(dir=workspace.served) as folder:
            path = Path(folder, "sheet.png")
            facts = answer(workspace.folder, ["data", "show", *Images(*chosen).arguments, "--json", f"--out={path}"])
            return "\n\n".join(_described(facts, say)), Image.open(path).copy()

    page.blocks.load(known, None, choice.source, api_visibility="private")
    files.upload(receive, files, choice.source, api_visibility="private")
    show.click(look, choice.controls, [summary, sheet], api_name="images")
    return choice


def _described(facts: dict[str, Any], say: Texts) -> Iterator[str]:
    """The facts of `nevoa data show` in Markdown: numbers, classes, and the files left out, with reasons."""
    height, width = facts["size"]
    yield say.text("images", name=facts["name"], count=say.number(facts["images"]), size=f"{height}x{width}")
    if facts["classes"]:
        yield ", ".join(say.text("class", name=name, count=say.number(n)) for name, n in facts["classes"].items())
    if facts["unsettled_classes"]:
        yield say.text("unsettled", reason=facts["unsettled_classes"])
    if facts["set_aside"]:
        yield say.text("set_aside", count=say.number(facts["set_aside"]))
    if facts["duplicates"]:
        yield say.text("duplicates", count=say.number(facts["duplicates"]))
    by_reason: dict[str, list[str]] = {}
    for bad in facts["left_out"]:
        by_reason.setdefault(bad["reason"], []).append(bad["file"])
    for reason, names in list(by_reason.items())[:MOST_REASONS]:
        more = " …" if len(names) > NAMED else ""
        yield say.text("left_out", count=len(names), names=", ".join(names[:NAMED]) + more, reason=reason)
