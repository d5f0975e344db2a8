"""The part of the tab "Train" that watches a run: its progress, a large preview, and what can be done with it now."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from nevoa.runs import Run
from nevoa.studio.commands import flags
from nevoa.studio.controls import Page, check_minutes
from nevoa.studio.jobs import Job
from nevoa.studio.live import Progress, curves, mark
from nevoa.studio.texts import StudioError
from nevoa.studio.workspace import Workspace

# With this the server takes 1.5 % of two cores from a training (benchmarks/studio.py, Intel Xeon with AMX).
POLL_SECONDS = 3.0


class Watch:
    """The controls, in a column that is hidden while there is no run, and what they do."""

    def __init__(self, page: Page) -> None:
        say = self.say = page.say
        self.workspace: Workspace = page.workspace
        with gr.Column(scale=3, min_width=320, visible=False) as self.column:
            self.progress, self.queue = gr.HTML(), gr.Markdown(visible=False)
            with gr.Row():
                self.make = page.button("make_new", "primary", visible=False)
                self.resume = page.button("resume", visible=False)
                self.stop = page.button("stop", visible=False)
            with gr.Row():
                self.preview = page.picture("preview", scale=3, min_width=280)
                self.loss = page.picture("curves", scale=1, min_width=160)
            self.moment = gr.Slider(1, 2, 1, step=1, visible=False, **say("moment"))
            with gr.Accordion(say.label("more_runs"), open=False):
                self.run = gr.Dropdown([], value=None, allow_custom_value=True, **say("watched"))
                self.minutes = gr.Number(10, **say("longer_minutes"))
                self.longer = page.button("longer")
                self.messages = gr.Textbox(label=say.label("messages"), lines=6, interactive=False, autoscroll=True)
        # The state that is drawn: name of the run, number of previews, mark of the metrics.
        self.drawn = gr.State(())

    def look(self, name: str | None, moment: int, drawn: Sequence[Any]) -> dict[Any, Any]:
        """Return updates for the controls whose content has changed since they were drawn."""
        jobs = self.workspace.jobs
        jobs.revive()
        names = self.workspace.watchable()
        if not names:
            return {self.column: gr.update(visible=False)}
        # Without a value, what has been chosen meanwhile stays.
        other: dict[str, Any] = {} if name in names else {"value": names[0]}
        name = name if name in names else names[0]
        waiting = [job.record.run for job in jobs.active() if job.state == "waiting"]
        queue = "\n".join(f"1. {self.say.text('waits', run=run)}" for run in waiting)
        run, job = Run(self.workspace.runs / name), jobs.of_run(name)
        progress = Progress.of(run, job)
        return {
            self.column: gr.update(visible=True),
            self.run: gr.update(choices=names, **other),
            self.queue: gr.update(value=queue, visible=bool(queue)),
            self.progress: progress.as_html(name, self.say),
            self.messages: job.log if job else "",
            **self._buttons(run, job, progress),
            **self._pictures(run, moment, drawn),
        }

    def _buttons(self, run: Run, job: Job | None, progress: Progress) -> Mapping[Any, Any]:
        """The buttons that do something now."""
        works = progress.state in ("waiting", "starting", "running")
        shown = {
            self.make: run.has_model and not works,
            self.resume: run.exists and progress.state in ("stopped", "failed"),
            self.stop: job is not None and job.state != "ended",
        }
        return {button: gr.update(visible=visible) for button, visible in shown.items()}

    def _pictures(self, run: Run, moment: int, drawn: Sequence[Any]) -> Mapping[Any, Any]:
        """Slider, preview and curves; the preview stays while a person looks back at an earlier one."""
        previews, name = run.previews(), run.folder.name
        count, now = len(previews), (name, len(previews), mark(run.metrics_file))
        if now == tuple(drawn):
            return {}
        looks_back = tuple(drawn[:1]) == (name,) and 0 < moment < drawn[1]
        value = moment if looks_back else max(1, count)
        preview, loss = _picture(previews, value), curves(run, self.say)
        return {
            self.moment: gr.update(maximum=max(2, count), value=value, visible=count > 1),
            self.preview: gr.update(value=preview, visible=preview is not None),
            self.loss: gr.update(value=loss, visible=loss is not None),
            self.drawn: now,
        }

    def earlier(self, name: str | None, number: int) -> Image.Image | None:
        return _picture(self.workspace.run(name or "").previews(), number)

    def end(self, name: str | None) -> None:
        job = self.workspace.jobs.of_run(name or "")
        if job is None or job.state == "ended":
            raise StudioError("no_job")
        self.workspace.jobs.stop(job)

    def go_on(self, name: str | None, minutes: float | None = None) -> str:
        """Resume a run, or train it on; the command that does it."""
        check_minutes(minutes)
        run = self.workspace.run(name or "").folder.name
        return self.workspace.jobs.add(["continue", f"runs/{run}", *flags(minutes=minutes)], run).command

    def look_after(self, event: Any, **options: Any) -> None:
        """Look after an event, or at each."""
        on = getattr(event, "success", event)
        inputs = [self.run, self.moment, self.drawn]
        pictures = [self.moment, self.preview, self.loss, self.drawn]
        outputs = [self.column, self.run, self.queue, self.progress, self.messages, self.make, self.resume, self.stop]
        options = {"api_visibility": "private", "queue": False, **options}
        on(self.look, inputs, [*outputs, *pictures], show_progress="hidden", **options)


def watch(page: Page, command: gr.Textbox) -> Watch:
    """Build the part.

    Args:
        command: shows the command that a button has run.
    """
    act = Watch(page)
    act.look_after(page.blocks.load)
    act.look_after(gr.Timer(POLL_SECONDS).tick, api_visibility="public", api_name="watch")
    act.look_after(act.run.input)
    page.on(act.moment.input, act.earlier, [act.run, act.moment], act.preview, show_progress="hidden", queue=False)
    hidden: dict[str, Any] = {"show_progress": "hidden"}
    act.look_after(page.on(act.stop.click, act.end, act.run, None, api_name="stop", **hidden))
    act.look_after(page.on(act.resume.click, act.go_on, act.run, command, api_name="resume", **hidden))
    more = [act.run, act.minutes]
    act.look_after(page.on(act.longer.click, act.go_on, more, command, api_name="train_on", **hidden))
    return act


def _picture(previews: Sequence[Path], number: int) -> Image.Image | None:
    """The preview of a number from 1 on; None if it is gone or not there yet."""
    if 0 < number <= len(previews):
        with suppress(OSError):
            return Image.open(previews[number - 1]).copy()
    return None
