"""Tab "Train": describe a training, see its plan, and start it."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import gradio as gr

from nevoa.studio.commands import Images, Training, answer
from nevoa.studio.controls import MOST_MINUTES, Page, table
from nevoa.studio.images_tab import Choice
from nevoa.studio.texts import StudioError, Texts
from nevoa.studio.watch import watch
from nevoa.studio.workspace import Workspace, plain_name
from nevoa.training.width import expected_distance
from nevoa.vocabulary import DEFAULT_PRESET, PresetName

NAME = "training"
# The data set for which the law of widths was measured, and so the distance is known in advance.
MEASURED = "fashion_mnist"


def train_tab(page: Page, choice: Choice, tab: gr.Tab) -> None:
    """Build the tab."""
    with gr.Row():
        with gr.Column(scale=1):
            form = Form(page)
        with gr.Column(scale=2):
            watched = watch(page, form.command)
    _connect(page, choice, form, watched)
    runs = page.workspace.run_names
    tab.select(lambda: gr.update(choices=["", *runs()]), None, form.start, api_visibility="private")


class Form:
    """The controls that describe a training."""

    def __init__(self, page: Page) -> None:
        say = page.say
        self.preset = gr.Radio(list(get_args(PresetName)), value=DEFAULT_PRESET, **say("preset"))
        self.minutes = gr.Number(5, minimum=0, maximum=MOST_MINUTES, **say("minutes"))
        self.run = gr.Textbox(NAME, **say("run"))
        with gr.Accordion(say.label("more"), open=False):
            self.start = gr.Dropdown([""], value="", allow_custom_value=True, **say("start_from"))
            self.seed = gr.Number(0, precision=0, minimum=0, **say("seed"))
            self.options = gr.Textbox(lines=3, **say("options"))
        self.plan, self.go = page.buttons("plan", "start", primary="start")
        self.planned = gr.Markdown()
        self.command = gr.Code(language="shell", label=say.label("command"), interactive=False, wrap_lines=True)

    @property
    def controls(self) -> list[Any]:
        """The controls, in the order of the fields of `Training`."""
        return [self.run, self.preset, self.minutes, self.start, self.seed, self.options]


def training_of(workspace: Workspace, chosen: Sequence[Any]) -> Training:
    """What the controls describe: those of the images, then those of the training."""
    images, (run, preset, minutes, start, seed, options) = chosen[:4], chosen[4:]
    place = f"runs/{start}" if start in workspace.run_names() else start
    return Training(Images(*images), plain_name(run), preset, minutes, place, seed, options)


def _connect(page: Page, choice: Choice, form: Form, watched: gr.Dropdown) -> None:
    """Connect the buttons."""
    workspace, say, chosen = page.workspace, page.say, [*choice.controls, *form.controls]

    def known() -> tuple[Any, Any]:
        free = workspace.free_name(NAME)
        return gr.update(choices=["", *workspace.run_names()]), gr.skip() if free == NAME else free

    @say.told
    def plan(*chosen: Any) -> tuple[str, str]:
        arguments = training_of(workspace, chosen).arguments
        found = answer(workspace.folder, [*arguments, "--dry-run", "--json"])
        return planned(found, say), shlex.join(["nevoa", *arguments])

    @say.told
    def start(*chosen: Any) -> tuple[str, str]:
        training = training_of(workspace, chosen)
        active = any(job.record.run == training.run for job in workspace.jobs.active())
        if not active and (workspace.runs / training.run).exists():
            raise StudioError("known_run", run=training.run)
        job = workspace.jobs.add(training.arguments, training.run)
        return job.command, training.run

    page.blocks.load(known, None, [form.start, form.run], api_visibility="private")
    form.plan.click(plan, chosen, [form.planned, form.command], api_name="plan")
    form.go.click(start, chosen, [form.command, watched], api_name="train")


def planned(plan: Mapping[str, Any], say: Texts) -> str:
    """A plan as a table in Markdown."""
    channels, height, width = plan["shape"]
    rows = {
        "images": f"{say.number(plan['images'])}, {height}x{width}x{channels}",
        "network": f"{plan['network']}, {say.number(plan['parameters'])}",
        "steps": f"{say.number(plan['steps'])} x {plan['config']['training']['batch_size']}",
        "time": f"{say.number(plan['seconds'] / 60, '.1f')} min",
        "memory": f"{say.number(plan['memory_bytes'] / 1e9, '.1f')} GB",
        "disk": f"{say.number(plan['disk_bytes'] / 1e6, ',.0f')} MB",
    }
    if plan["width"] and plan["source"].startswith(MEASURED):
        distance = expected_distance(plan["width"]["flop"], plan["width"]["dim"])
        rows["quality"] = f"fd_fashion {say.number(distance, '.2g')}"
    first, *rest = [(say.text(f"plan_{name}"), value) for name, value in rows.items()]
    return table(first, rest)
