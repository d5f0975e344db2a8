"""The live part of the tab "Train": a run, its progress, curves and previews, and what can be done with it."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from nevoa.errors import NevoaError
from nevoa.runs import Run
from nevoa.studio.commands import flags
from nevoa.studio.controls import MOST_MINUTES, Page
from nevoa.studio.live import Progress, curves, mark
from nevoa.studio.texts import told

POLL_SECONDS = 2.0
# Jobs whose runs can be watched although they may have refused to begin.
RECENT = 5


class Screen:
    """The controls."""

    def __init__(self, page: Page) -> None:
        say = page.say
        self.run = gr.Dropdown([], allow_custom_value=True, **say("watched"))
        self.bar, self.queue = gr.HTML(), gr.Markdown()
        self.stop, self.resume = page.buttons("stop", "resume")
        with gr.Row():
            self.minutes = gr.Number(10, minimum=0.1, maximum=MOST_MINUTES, **say("longer_minutes"))
            with gr.Column():
                [self.longer] = page.buttons("longer")
        self.preview = page.picture("preview")
        self.moment = gr.Slider(1, 2, 1, step=1, visible=False, **say("moment"))
        self.loss = page.picture("curves")
        self.messages = gr.Textbox(label=say.label("messages"), lines=6, interactive=False, autoscroll=True)
        # What has been drawn: name of the run, number of previews, mark of the metrics.
        self.drawn = gr.State(())

    @property
    def outputs(self) -> list[Any]:
        """What a tick changes."""
        return [self.run, self.queue, self.bar, self.messages, self.moment, self.preview, self.loss, self.drawn]


def watch(page: Page, command: gr.Code) -> None:
    """Build the part.

    Args:
        command: shows the command that a button has run.
    """
    screen, workspace, say = Screen(page), page.workspace, page.say

    def tick(name: str | None, moment: int, drawn: Sequence[Any]) -> list[Any]:
        """Show what has changed since it was drawn."""
        jobs = workspace.jobs
        jobs.revive()
        waiting = [job.record.run for job in jobs.active() if job.state == "waiting"]
        latest = [job.record.run for job in reversed(list(jobs)[-RECENT:]) if job.state != "ended" or job.error]
        names = list(dict.fromkeys([*latest, *workspace.run_names()]))
        name = name if name in names else next(iter(names), None)
        queue = "\n".join(f"1. {say.text('waits', run=run)}" for run in waiting)
        shown = [gr.update(choices=names, value=name), queue]
        if name is None:
            return [*shown, say.text("no_runs"), "", gr.update(visible=False), None, None, ()]
        run, job = Run(workspace.runs / name), jobs.of_run(name)
        shown += [Progress.of(run, job).as_html(say), job.log if job else ""]
        previews = run.previews()
        count, now = len(previews), (name, len(previews), mark(run.metrics_file))
        if now == tuple(drawn):
            return [*shown, *[gr.skip()] * 4]
        looks_back = tuple(drawn[:1]) == (name,) and 0 < moment < drawn[1]
        value = moment if looks_back else max(1, count)
        slider = gr.update(maximum=max(2, count), value=value, visible=count > 1)
        picture = gr.skip() if looks_back else _picture(previews, count)
        return [*shown, slider, picture, curves(run, say), now]

    @told
    def earlier(name: str | None, number: int) -> Image.Image | None:
        return _picture(workspace.run(name or "").previews(), number)

    @told
    def stop(name: str | None) -> None:
        job = workspace.jobs.of_run(name or "")
        if job is None or job.state == "ended":
            raise NevoaError("Nothing is at work here that this page has started.")
        workspace.jobs.stop(job)

    @told
    def go_on(name: str | None, minutes: float | None = None) -> str:
        run = workspace.run(name or "").folder.name
        return workspace.jobs.add(["continue", f"runs/{run}", *flags(minutes=minutes)], run).command

    read = {"inputs": [screen.run, screen.moment, screen.drawn], "outputs": screen.outputs, "show_progress": "hidden"}
    page.blocks.load(tick, **read, api_visibility="private")
    gr.Timer(POLL_SECONDS).tick(tick, **read, api_name="watch")
    screen.run.input(tick, **read, api_visibility="private")
    screen.moment.input(earlier, [screen.run, screen.moment], screen.preview, api_visibility="private")
    screen.stop.click(stop, screen.run, None, api_name="stop")
    screen.resume.click(go_on, screen.run, command, api_name="resume")
    screen.longer.click(go_on, [screen.run, screen.minutes], command, api_name="train_on")


def _picture(previews: Sequence[Path], number: int) -> Image.Image | None:
    """The preview of a number from 1 on; None if it is gone or not there yet."""
    if 0 < number <= len(previews):
        with suppress(OSError):
            return Image.open(previews[number - 1]).copy()
    return None
