"""Tab "Runs": all runs; compare and measure them, and what one does rarely: check, export, remove."""

from typing import Any

import gradio as gr

from nevoa.config import EXPORTS
from nevoa.studio.controls import Page
from nevoa.studio.run_actions import RunActions

ACTIONS = "compare", "samples", "evaluate", "report"
POLL_SECONDS = 10.0


class Tab:
    """The controls of the tab; all but the table are hidden while there is no run."""

    def __init__(self, page: Page) -> None:
        say = page.say
        self.table = gr.Markdown()
        with gr.Column(visible=False) as self.column:
            self.chosen = gr.Dropdown([], multiselect=True, allow_custom_value=True, **say("chosen"))
            with gr.Row():
                self.buttons = {name: page.button(name, min_width=140) for name in ACTIONS}
            self.said = gr.Markdown()
            buttons: Any = ["download", "fullscreen"]
            shown: dict[str, Any] = {
                "format": "png",
                "columns": 2,
                "object_fit": "contain",
                "buttons": buttons,
                "visible": False,
            }
            self.pictures = gr.Gallery(label=say.label("result"), interactive=False, **shown)
            with gr.Accordion(say.label("rare"), open=False):
                self.buttons["check"] = page.button("check")
                self.kind = gr.Radio(list(EXPORTS), value="onnx", **say("export_to"))
                self.export = page.button("export")
                self.file = gr.File(label=say.label("exported"), interactive=False, visible=False)
                self.typed = page.text("sure")
                self.remove = page.button("remove", "stop")


def runs_tab(page: Page) -> None:
    tab, say = Tab(page), page.say
    actions = RunActions(page.workspace, say)

    def refresh() -> tuple[str, Any, Any]:
        names = page.workspace.run_names()
        return (
            actions.table() if names else say.text("no_runs"),
            gr.update(choices=names),
            gr.update(visible=any(names)),
        )

    def reveal() -> Any:
        return gr.update(visible=True)

    shown = [tab.table, tab.chosen, tab.column]
    again: Any = [page.blocks.load, gr.Timer(POLL_SECONDS).tick]
    gr.on(again, refresh, None, shown, api_name="runs", show_progress="hidden", queue=False)
    outputs = {"report": [tab.said, tab.pictures], "evaluate": tab.said, "check": tab.said}
    for name, button in tab.buttons.items():
        result = outputs.get(name, tab.pictures)
        done = page.on(button.click, getattr(actions, name), tab.chosen, result, show_progress_on=tab.chosen)
        if result != tab.said:
            done.success(reveal, None, tab.pictures, api_visibility="private")
    exported = page.on(tab.export.click, actions.export, [tab.chosen, tab.kind], tab.file, show_progress_on=tab.kind)
    exported.success(reveal, None, tab.file, api_visibility="private")
    removed = page.on(tab.remove.click, actions.remove, [tab.chosen, tab.typed], tab.said)
    removed.success(lambda: gr.update(value=[]), None, tab.chosen, api_visibility="private")
    removed.success(refresh, None, shown, api_visibility="private")
