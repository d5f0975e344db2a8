"""Tab "Train": choose images, say how long, start, and watch."""

import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import gradio as gr

from nevoa.config import PRESETS
from nevoa.errors import NevoaError
from nevoa.studio.choices import choices, keep
from nevoa.studio.commands import AT_RANDOM, Images, Training, answer
from nevoa.studio.controls import Page, check_minutes, table
from nevoa.studio.images import Choice, known
from nevoa.studio.texts import Texts, check
from nevoa.studio.watch import Watch, watch
from nevoa.studio.workspace import Workspace, plain_name


def train_tab(page: Page) -> Watch:
    """Build the tab, and return its part that watches a run."""
    with gr.Row():
        with gr.Column(scale=2, min_width=320, visible=False) as column:
            form = Form(page, column)
        watched = watch(page, form.command)
    form.connect(page, watched)
    return watched


class Form:
    """The controls that describe a training, in a column that is hidden until they have the values of `choices`."""

    def __init__(self, page: Page, column: gr.Column) -> None:
        self.workspace, self.column, say = page.workspace, column, page.say
        self.say, self.images = say, Choice(page)
        self.minutes = gr.Number(**say("minutes"))
        self.go = page.button("start", "primary")
        with gr.Accordion(say.label("more"), open=False):
            self.preset = gr.Radio(list(PRESETS), **say("preset"))
            self.run = page.text("run")
            self.images.add_details(page)
            self.model = gr.Dropdown([""], allow_custom_value=True, **say("start_from"))
            self.seed = gr.Number(**say("seed"))
            self.options = page.text("options", lines=3)
            self.plan = page.button("plan")
            self.planned = gr.Markdown()
            self.command = gr.Textbox(label=say.label("command"), interactive=False, buttons=["copy"])

    @property
    def controls(self) -> list[Any]:
        """The controls, in the order of the fields of `Training`."""
        return [*self.images.controls, self.run, self.preset, self.minutes, self.model, self.seed, self.options]

    def begin(self) -> dict[Any, Any]:
        images, *rest = astuple(choices(self.workspace))
        values = dict(zip(self.controls, [*images, *rest], strict=True))
        lists = {self.images.source: known(self.workspace), self.model: ["", AT_RANDOM, *self.workspace.run_names()]}
        return {
            self.column: gr.update(visible=True),
            **{control: gr.update(value=value) for control, value in values.items()},
            **{control: gr.update(value=values[control], choices=names) for control, names in lists.items()},
        }

    def receive(self, dropped: list[str]) -> tuple[Any, None, str]:
        """Keep dropped files, and choose them."""
        brought = self.workspace.receive([Path(name) for name in dropped])
        source = gr.update(value=brought, choices=known(self.workspace))
        return source, None, self.workspace.free_name(Path(brought).stem)

    def remember(self, *chosen: Any) -> None:
        """Keep the choices for the next visit, but those that the buttons will refuse."""
        with suppress(NevoaError, OSError):
            check(chosen)
            keep(self.workspace, training_of(*chosen))

    def show_plan(self, *chosen: Any) -> tuple[str, str]:
        """The plan, and the command that would carry it out."""
        arguments = wanted(self.workspace, *chosen).arguments
        found = answer(self.workspace.folder, [*arguments, "--dry-run", "--json"])
        return planned(found, self.say), shlex.join(["nevoa", *arguments])

    def start(self, *chosen: Any) -> tuple[str, str, str]:
        """Add the job; the command that it runs, and the name of the run for both fields that have it."""
        workspace, training = self.workspace, wanted(self.workspace, *chosen)
        name = workspace.free_name(training.run, lambda name: replace(training, run=name).arguments)
        training = replace(training, run=name)
        job = workspace.jobs.add(training.arguments, training.run)
        return job.command, training.run, training.run

    def connect(self, page: Page, watched: Watch) -> None:
        files, controls = self.images.files, self.controls
        hidden: dict[str, Any] = {"show_progress": "hidden"}
        loaded = page.on(page.blocks.load, self.begin, None, [self.column, *controls], queue=False)
        received = page.on(files.upload, self.receive, files, [self.images.source, files, self.run])
        self.images.connect(page, loaded, received)
        always: dict[str, Any] = {"trigger_mode": "always_last", "queue": False, "api_visibility": "private"}
        gr.on([control.change for control in controls], self.remember, controls, None, **always, **hidden)
        page.on(self.plan.click, self.show_plan, controls, [self.planned, self.command], api_name="plan")
        shown = [self.command, watched.run, self.run]
        watched.look_after(page.on(self.go.click, self.start, controls, shown, api_name="train", **hidden))


def training_of(*chosen: Any) -> Training:
    """Return the training that the controls describe: first those of the images, then those of the training."""
    return Training(Images(*chosen[:4]), *chosen[4:])


def wanted(workspace: Workspace, *chosen: Any) -> Training:
    """Return it with the names that a command in the workspace needs. A StudioError if the minutes are out of range."""
    training = training_of(*chosen)
    check_minutes(training.minutes)
    place = f"runs/{training.start}" if training.start in workspace.run_names() else training.start
    return replace(training, run=plain_name(training.run), start=place)


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
    if kinds := [*(["class"] if decided["classes"] else []), *decided["conditions"]]:
        rows["learns"] = ", ".join(kinds)
    if start := decided["training"]["start"]:
        rows["start"] = Path(start).name
    if plan["expected"]:
        rows["quality"] = f"fd_fashion {say.number(plan['expected']['distance'], '.2g')}"
    first, *rest = [(say.text(f"plan_{name}"), value) for name, value in rows.items()]
    return table(first, rest)
