"""Tab "Runs": all runs; compare, measure, export, check and remove them."""

from typing import Any, get_args

import gradio as gr

from nevoa.studio.controls import Page
from nevoa.studio.run_actions import RunActions
from nevoa.vocabulary import ExportName

ACTIONS = "compare", "samples", "evaluate", "report", "check"
POLL_SECONDS = 10.0


class Tab:
    """The controls of the tab."""

    def __init__(self, page: Page) -> None:
        say = page.say
        self.table = gr.Markdown()
        self.chosen = gr.Dropdown([], multiselect=True, allow_custom_value=True, **say("chosen"))
        self.buttons = dict(zip(ACTIONS, page.buttons(*ACTIONS), strict=True))
        self.said = gr.Markdown()
        buttons: Any = ["download", "fullscreen"]
        self.pictures = gr.Gallery(
            label=say.label("result"), interactive=False, format="png", columns=2, buttons=buttons
        )
        with gr.Row():
            with gr.Column():
                self.kind = gr.Radio(list(get_args(ExportName)), value="onnx", **say("export_to"))
                [self.export] = page.buttons("export")
                self.file = gr.File(label=say.label("exported"), interactive=False)
            with gr.Column():
                self.typed = gr.Textbox(**say("sure"))
                [self.remove] = page.buttons("remove", stop="remove")


def runs_tab(page: Page) -> None:
    """Build the tab."""
    tab, say = Tab(page), page.say
    actions = RunActions(page.workspace, say)

    def refresh() -> tuple[str, Any]:
        return actions.table(), gr.update(choices=page.workspace.run_names())

    shown = [tab.table, tab.chosen]
    again: Any = [page.blocks.load, gr.Timer(POLL_SECONDS).tick]
    gr.on(again, refresh, None, shown, api_name="runs", show_progress="hidden")
    outputs = {"report": [tab.said, tab.pictures], "evaluate": tab.said, "check": tab.said}
    for name, button in tab.buttons.items():
        button.click(
            say.told(getattr(actions, name)), tab.chosen, outputs.get(name, tab.pictures), api_visibility="private"
        )
    tab.export.click(say.told(actions.export), [tab.chosen, tab.kind], tab.file, api_visibility="private")
    removed = tab.remove.click(say.told(actions.remove), [tab.chosen, tab.typed], tab.said, api_visibility="private")
    removed.success(lambda: (actions.table(), gr.update(value=[])), None, shown, api_visibility="private")
