"""The page, and the fields, pictures, buttons, events and tables that its tabs use."""

import html
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from nevoa.studio.texts import StudioError, Texts
from nevoa.studio.workspace import Workspace

MOST_MINUTES = 100_000


@dataclass(frozen=True)
class Page:
    """A page while it is built."""

    blocks: gr.Blocks
    workspace: Workspace
    say: Texts

    def text(self, name: str, **options: Any) -> gr.Textbox:
        """A field for a text. It begins empty: until its accordion or tab is opened, Gradio's own is None."""
        return gr.Textbox("", **self.say(name), **options)

    def picture(self, label: str, **options: Any) -> gr.Image:
        """A picture that the page shows."""
        buttons: Any = ["fullscreen", "download"]  # not the one that shares it on a site of others
        name = self.say.label(label)
        return gr.Image(label=name, alt_text=name, interactive=False, format="png", buttons=buttons, **options)

    def upload(self, label: str, **options: Any) -> gr.Image:
        """A place to drop a picture."""
        # Without a mode, so that transparency and 16 bits stay.
        fixed: dict[str, Any] = {"type": "pil", "image_mode": None, "sources": ["upload"], "buttons": []}
        return gr.Image(label=self.say.label(label), **fixed, **options)

    def button(self, name: str, variant: Any = "secondary", **options: Any) -> gr.Button:
        return gr.Button(self.say.label(name), variant=variant, **options)

    def on(self, events: Any, function: Callable[..., Any], inputs: Any, outputs: Any, **options: Any) -> Any:
        """Call a function at one or more events. Errors stay on the page; programs may call what has an `api_name`.

        Give `queue=False` to what happens without a click, as when the Tab key leaves one of Gradio's lists: when the
        last event of the queue ends, Gradio's page closes its connection, and a click at this moment gets no answer.
        By the keyboard 3 of 6 clicks got none (Gradio 6.31).
        """
        listen = events if callable(events) else partial(gr.on, events)
        visibility = "public" if "api_name" in options else "private"
        return listen(self.say.with_errors_shown(function), inputs, outputs, api_visibility=visibility, **options)


def check_minutes(minutes: float | None) -> None:
    """Raise a StudioError if the minutes are out of range; Gradio's own sentence is in English and goes."""
    if not 0 <= (minutes or 0) <= MOST_MINUTES:
        raise StudioError("minutes", most=MOST_MINUTES)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(map(_cell, row)) + " |" for row in (heads, *rows)]
    return "\n".join([lines[0], "| --- " * len(heads) + "|", *lines[1:]])


def _cell(text: str) -> str:
    """A text in a table of Markdown."""
    return html.escape(text).replace("|", "&#124;")
