"""What all tabs share: the page that they are part of, its pictures and tables."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from nevoa.studio.texts import Texts
from nevoa.studio.workspace import Workspace

MOST_MINUTES = 100_000


@dataclass(frozen=True)
class Page:
    """A page while it is built."""

    blocks: gr.Blocks
    workspace: Workspace
    say: Texts

    def picture(self, label: str, **options: Any) -> gr.Image:
        """A picture that the page shows."""
        buttons: Any = ["fullscreen", "download"]  # not the one that shares it on a site of others
        return gr.Image(label=self.say.label(label), interactive=False, format="png", buttons=buttons, **options)

    def upload(self, label: str, **options: Any) -> gr.Image:
        """A place to drop a picture."""
        # Without a mode, so that transparency and 16 bits stay.
        fixed: dict[str, Any] = {"type": "pil", "image_mode": None, "sources": ["upload"], "buttons": []}
        return gr.Image(label=self.say.label(label), **fixed, **options)

    def buttons(self, *names: str, primary: str = "", stop: str = "") -> list[gr.Button]:
        """Buttons side by side, with their help below."""
        kinds: dict[str, Any] = {primary: "primary", stop: "stop"}
        with gr.Row():
            found = [gr.Button(self.say.label(name), variant=kinds.get(name, "secondary")) for name in names]
        gr.Markdown(self.say.help(*names))
        return found


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(map(_cell, row)) + " |" for row in (heads, *rows)]
    return "\n".join([lines[0], "| --- " * len(heads) + "|", *lines[1:]])


def _cell(text: str) -> str:
    """A text in a table of Markdown."""
    return html.escape(text).replace("|", "&#124;")
