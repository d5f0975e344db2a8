"""The live part of the tab "Train": a run, its progress, curves and previews, and what can be done with it."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from nevoa.runs import Run
from nevoa.studio.commands import flags
from nevoa.studio.controls import MOST_MINUTES, Page
from nevoa.studio.live import Progress, curves, mark
from nevoa.studio.texts import StudioError, Texts
from nevoa.studio.workspace import Workspace

# With this the server takes 1.5 % of two cores from a training (benchmarks/studio.py, Intel Xeon with AMX).
POLL_SECONDS = 3.0
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


class Watch:
    """What the controls do."""

    def __init__(self, workspace: Workspace, say: Texts) -> None:
        self.workspace, self.say = workspace, say

    def tick(self, name: str | None, moment: int, drawn: Sequence[Any]) -> list[Any]:
        """Values for the outputs of the screen: what has changed since it was drawn."""
        jobs = self.workspace.jobs
        jobs.revive()
        names = self._names()
        name = name if name in names else next(iter(names), None)
        waiting = [job.record.run for job in jobs.active() if job.state == "waiting"]
        queue = "\n".join(f"1. {self.say.text('waits', run=run)}" for run in waiting)
        shown = [gr.update(choices=names, value=name), queue]
        if name is None:
            return [*shown, self.say.text("no_runs"), "", gr.update(visible=False), None, None, ()]
        run, job = Run(self.workspace.runs / name), jobs.of_run(name)
        words = [Progress.of(run, job).as_html(self.say), job.log if job else ""]
        return [*shown, *words, *self._pictures(run, moment, drawn)]

    def _names(self) -> list[str]:
        """Runs, those of the newest jobs first."""
        latest = reversed(list(self.workspace.jobs)[-RECENT:])
        begun = [job.record.run for job in latest if job.state != "ended" or job.error]
        return list(dict.fromkeys([*begun, *self.workspace.run_names()]))

    def _pictures(self, run: Run, moment: int, drawn: Sequence[Any]) -> list[Any]:
        """Slider, preview and curves; the preview stays while a person looks back at an earlier one."""
        previews, name = run.previews(), run.folder.name
        count, now = len(previews), (name, len(previews), mark(run.metrics_file))
        if now == tuple(drawn):
            return [gr.skip()] * 4
        looks_back = tuple(drawn[:1]) == (name,) and 0 < moment < drawn[1]
        value = moment if looks_back else max(1, count)
        slider = gr.update(maximum=max(2, count), value=value, visible=count > 1)
        return [slider, gr.skip() if looks_back else _picture(previews, count), curves(run, self.say), now]

    def earlier(self, name: str | None, number: int) -> Image.Image | None:
        """An earlier preview."""
        return _picture(self.workspace.run(name or "").previews(), number)

    def stop(self, name: str | None) -> None:
        """Stop the job of a run."""
        job = self.workspace.jobs.of_run(name or "")
        if job is None or job.state == "ended":
            raise StudioError("no_job")
        self.workspace.jobs.stop(job)

    def go_on(self, name: str | None, minutes: float | None = None) -> str:
        """Resume a run, or train it on; the command that does it."""
        run = self.workspace.run(name or "").folder.name
        return self.workspace.jobs.add(["continue", f"runs/{run}", *flags(minutes=minutes)], run).command


def watch(page: Page, command: gr.Code) -> gr.Dropdown:
    """Build the part, and return the control that names the run.

    Args:
        command: shows the command that a button has run.
    """
    screen, say = Screen(page), page.say
    act = Watch(page.workspace, say)
    read = {"inputs": [screen.run, screen.moment, screen.drawn], "outputs": screen.outputs, "show_progress": "hidden"}
    page.blocks.load(act.tick, **read, api_visibility="private")
    gr.Timer(POLL_SECONDS).tick(act.tick, **read, api_name="watch")
    screen.run.input(act.tick, **read, api_visibility="private")
    screen.moment.input(say.told(act.earlier), [screen.run, screen.moment], screen.preview, api_visibility="private")
    screen.stop.click(say.told(act.stop), screen.run, None, api_name="stop")
    screen.resume.click(say.told(act.go_on), screen.run, command, api_name="resume")
    screen.longer.click(say.told(act.go_on), [screen.run, screen.minutes], command, api_name="train_on")
    return screen.run


def _picture(previews: Sequence[Path], number: int) -> Image.Image | None:
    """The preview of a number from 1 on; None if it is gone or not there yet."""
    if 0 < number <= len(previews):
        with suppress(OSError):
            return Image.open(previews[number - 1]).copy()
    return None
