"""Tab "Train": choose images, say how long, start, and watch."""

import shlex
from collections.abc import Mapping
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import gradio as gr

from nevoa.config import PRESETS
from nevoa.studio.choices import choices, keep
from nevoa.studio.commands import Images, Training, answer
from nevoa.studio.controls import Page, check_minutes, table
from nevoa.studio.images import Choice, known
from nevoa.studio.texts import Texts
from nevoa.studio.watch import Watch, watch
from nevoa.studio.workspace import Workspace, plain_name


def train_tab(page: Page) -> Watch:
    """Build the tab, and return its part that watches a run."""
    with gr.Row():
        with gr.Column(scale=2, min_width=320, visible=False) as column:
            form = Form(page, column)
        watched = watch(page, form.command)
    _connect(page, form, watched)
    return watched


class Form:
    """The controls that describe a training, in a column that is hidden until they have the values of `choices`."""

    def __init__(self, page: Page, column: gr.Column) -> None:
        self.column, say = column, page.say
        self.images = Choice(page)
        self.minutes = gr.Number(**say("minutes"))
        self.go = page.button("start", "primary")
        with gr.Accordion(say.label("more"), open=False):
            self.preset = gr.Radio(list(PRESETS), **say("preset"))
            self.run = page.text("run")
            self.images.add_details(page)
            self.start = gr.Dropdown([""], allow_custom_value=True, **say("start_from"))
            self.seed = gr.Number(**say("seed"))
            self.options = page.text("options", lines=3)
            self.plan = page.button("plan")
            self.planned = gr.Markdown()
            self.command = gr.Textbox(label=say.label("command"), interactive=False, buttons=["copy"])

    @property
    def controls(self) -> list[Any]:
        """The controls, in the order of the fields of `Training`."""
        return [*self.images.controls, self.run, self.preset, self.minutes, self.start, self.seed, self.options]


def training_of(*chosen: Any) -> Training:
    """Return the training that the controls describe: first those of the images, then those of the training."""
    return Training(Images(*chosen[:4]), *chosen[4:])


def wanted(workspace: Workspace, *chosen: Any) -> Training:
    """Return it with the names that a command in the workspace needs. A StudioError if the minutes are out of range."""
    training = training_of(*chosen)
    check_minutes(training.minutes)
    place = f"runs/{training.start}" if training.start in workspace.run_names() else training.start
    return replace(training, run=plain_name(training.run), start=place)


def _connect(page: Page, form: Form, watched: Watch) -> None:
    """Connect the controls."""
    workspace, source = page.workspace, form.images.source

    def begin() -> dict[Any, Any]:
        images, *rest = astuple(choices(workspace))
        lists = {source: known(workspace), form.start: ["", *workspace.run_names()]}
        values = {
            control: gr.update(value=value, choices=lists[control]) if control in lists else gr.update(value=value)
            for control, value in zip(form.controls, [*images, *rest], strict=True)
        }
        return {form.column: gr.update(visible=True), **values}

    def receive(dropped: list[str]) -> tuple[Any, None, str]:
        brought = workspace.receive([Path(name) for name in dropped])
        return gr.update(value=brought, choices=known(workspace)), None, workspace.free_name(Path(brought).stem)

    def plan(*chosen: Any) -> tuple[str, str]:
        arguments = wanted(workspace, *chosen).arguments
        found = answer(workspace.folder, [*arguments, "--dry-run", "--json"])
        return planned(found, page.say), shlex.join(["nevoa", *arguments])

    def start(*chosen: Any) -> tuple[str, str, str]:
        training = wanted(workspace, *chosen)
        if not any(job.record.run == training.run for job in workspace.jobs.active()):
            training = replace(training, run=workspace.free_name(training.run))
        job = workspace.jobs.add(training.arguments, training.run)
        return job.command, training.run, training.run

    form.images.connect(page)
    page.on(page.blocks.load, begin, None, [form.column, *form.controls])
    page.on(form.images.files.upload, receive, form.images.files, [source, form.images.files, form.run])
    page.on(
        [control.change for control in form.controls],
        lambda *chosen: keep(workspace, training_of(*chosen)),
        form.controls,
        None,
        show_progress="hidden",
        trigger_mode="always_last",
    )
    page.on(form.plan.click, plan, form.controls, [form.planned, form.command], api_name="plan")
    outputs = [form.command, watched.run, form.run]
    started = page.on(form.go.click, start, form.controls, outputs, api_name="train", show_progress="hidden")
    watched.look_after(started)


def planned(plan: Mapping[str, Any], say: Texts) -> str:
    """A plan as a table in Markdown."""
    decided, (channels, height, width) = plan["plan"], plan["data"]["shape"]
    rows = {
        "images": f"{say.number(plan['data']['images'])}, {height}x{width}x{channels}",
        "network": f"{decided['network']['kind']}, {say.number(plan['parameters'])}",
        "seen": say.number(decided["training"]["images"]),
        "time": f"{say.number(plan['seconds'] / 60, '.1f')} min",
        "memory": f"{say.number(plan['memory_bytes'] / 1e9, '.1f')} GB",
        "disk": f"{say.number(plan['disk_bytes'] / 1e6, ',.0f')} MB",
    }
    if plan["expected"]:
        rows["quality"] = f"fd_fashion {say.number(plan['expected']['distance'], '.2g')}"
    first, *rest = [(say.text(f"plan_{name}"), value) for name, value in rows.items()]
    return table(first, rest)
