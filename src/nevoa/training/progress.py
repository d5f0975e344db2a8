"""Show a stream of steps: a bar on a terminal, plain lines elsewhere.

rich is imported where it is used: its import draws from Python's global random state.
"""

import math
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING

from nevoa.config.plan import TrainingPlan
from nevoa.training.state import RecentMean
from nevoa.training.step import Step, passes

if TYPE_CHECKING:
    from rich.console import Console

# The width of a line of progress, without the two counts of images but with ten places for the bar.
TEXT_WIDTH = 66


def show_progress(steps: Iterable[Step], plan: TrainingPlan) -> Generator[Step, None, None]:
    """Pass the steps on while showing progress. One line per epoch remains, at most one per report.

    The loss is that of the last report, as in the run's metrics, so that all commands show the same.

    Example:
        >>> run = nevoa.Run("runs/shown")
        >>> job = prepare(config, run=run)
        >>> for step in show_progress(fit_job(job, run), job.plan.training):
        ...     pass
    """
    from nevoa._util.console import VisibleConsole

    console, last_line, every = VisibleConsole(stderr=True), None, plan.report_every_images
    shown = _bar(steps, plan, console) if console.is_terminal else _lines(steps, plan, console)
    for step in shown:
        if step.epoch_ended and (last_line is None or step.images_seen - last_line >= every):
            console.print(f"epoch {step.epoch}  mean loss {step.epoch_loss:.4f}", highlight=False)
            last_line = step.images_seen
        yield step


def _bar(steps: Iterable[Step], plan: TrainingPlan, console: "Console") -> Iterator[Step]:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    total = plan.images
    columns = BarColumn(bar_width=None), TaskProgressColumn(), TextColumn("{task.fields[status]}")
    time_left = TimeRemainingColumn(compact=True)
    counts = TextColumn("{task.completed:,.0f}/{task.total:,.0f} images")
    # On a narrow terminal the text would leave no room for the bar.
    wide = console.width >= TEXT_WIDTH + 2 * len(f"{total:,}")
    shown = (counts, *columns, time_left, TextColumn("left")) if wide else (*columns, time_left)
    with Progress(*shown, console=console) as progress:
        task = progress.add_task("", total=total, status="starting")
        loss, reported = math.nan, False
        for step, speed in _with_speed(steps):
            is_due = _is_due(step, plan)
            if is_due or not reported:
                loss = step.report_loss
            reported = reported or is_due
            status = _status(_in_words(loss), f"{speed:,.0f} images/s", bool(step.memorises_since), wide)
            progress.update(task, completed=step.images_seen, total=step.images, status=status)
            yield step


def _lines(steps: Iterable[Step], plan: TrainingPlan, console: "Console") -> Iterator[Step]:
    for step, speed in _with_speed(steps):
        if _is_due(step, plan):
            left = max(0, step.images - step.images_seen) / speed
            console.print(
                f"{step.images_seen:,}/{step.images:,} images  {_in_words(step.report_loss)}  "
                f"{_memorising(step.memorises_since)}{speed:,.0f} images/s  {left:,.0f} s left",
                highlight=False,
                soft_wrap=True,
            )
        yield step


def _is_due(step: Step, plan: TrainingPlan) -> bool:
    """Whether a report is due, as in the metrics but for steps that were not finite."""
    return step.is_last or passes(step.images_seen, step.batch_size, plan.report_every_images)


def _in_words(loss: float) -> str:
    """The loss in words; no step may have had a finite one yet."""
    return "no finite loss yet" if math.isnan(loss) else f"loss {loss:.4f}"


def _status(loss: str, speed: str, memorises: bool, wide: bool) -> str:
    """The words after the bar; on a narrow terminal there is room for one of them."""
    if memorises:
        return f"{loss}  memorising" if wide else "memorising"
    return f"{loss}  {speed}" if wide else loss


def _memorising(since: int | None) -> str:
    return f"memorising since {since:,}  " if since else ""


def _with_speed(steps: Iterable[Step]) -> Iterator[tuple[Step, float]]:
    """Each step with the images per second of the last ones."""
    seconds = RecentMean()
    for step in steps:
        seconds.add(1 / step.images_per_second)
        yield step, 1 / seconds.value
