"""The progress of a run while it is trained: read from its folder, never from its process."""

import html
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from nevoa.pictures import loss_curves
from nevoa.runs import Run, RunStatus, planned_images, status_of
from nevoa.studio.files import changed
from nevoa.studio.jobs import Job
from nevoa.studio.texts import Texts

# Drawing curves took 0.14 s of a core (Intel Xeon with AMX). At most so often, that is 0.5 % of two cores.
SECONDS = 15.0


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        state: waiting, starting, running, stopped, finished or failed.
        message: why it failed.
        seconds_left: None if that is unknown.
    """

    state: str
    message: str
    images_seen: int
    images_planned: int | None
    seconds_left: float | None
    loss: float | None

    @classmethod
    def of(cls, run: Run, job: Job | None) -> "Progress":
        """Read the progress of a run, and of its newest job."""
        (status, message), planned = status_of(run), planned_images(run)
        state, last = _state(run, status, job), [{}, *run.metrics()][-1]
        seen, speed, loss = last.get("images_seen", 0), _number(last, "images_per_second"), _number(last, "loss")
        return cls(
            state=state,
            message=message or (job.error if job and state == "failed" else ""),
            images_seen=seen,
            images_planned=planned,
            seconds_left=max(0, (planned or 0) - seen) / speed if speed and state == "running" else None,
            loss=loss,
        )

    @property
    def share(self) -> float:
        """0 to 1."""
        return min(1.0, self.images_seen / self.images_planned) if self.images_planned else 0.0

    def as_html(self, name: str, say: Texts) -> str:
        """The name of the run, a bar, and the numbers below it."""
        parts = [say.text(f"state_{self.state}")]
        if self.images_planned:
            planned = say.number(self.images_planned)
            parts.append(say.text("seen", seen=say.number(self.images_seen), planned=planned))
        if self.seconds_left is not None:
            minutes, seconds = divmod(round(self.seconds_left), 60)
            parts.append(say.text("left", time=f"{minutes}:{seconds:02}"))
        if self.loss is not None:
            parts.append(say.text("loss", loss=say.number(self.loss, ".4f")))
        message = f"<p>{html.escape(self.message)}</p>" if self.message else ""
        title = html.escape(name)
        bar = f"<progress value={self.share:.4f} aria-label='{title}'></progress>"
        return f"<h2>{title}</h2>{bar}<p>{' · '.join(parts)}</p>{message}"


def _state(run: Run, status: RunStatus, job: Job | None) -> str:
    """The state of the run; before its training has begun, that of the job."""
    if status == "running" or job is None or not job.trains:
        return status
    if job.state == "ended":
        return "failed" if status == "stopped" and job.error else status
    if job.state == "waiting":
        return "waiting"
    # The file of a job is written last when its turn comes, the status of a run when training begins and ends.
    return "starting" if changed(run.journal_file) < changed(job.path) else status


def _number(values: Mapping[str, Any], key: str) -> float | None:
    value = values.get(key)
    return value if isinstance(value, int | float) else None


def mark(path: Path) -> float:
    """A number that changes with a file, but at most once in SECONDS until the file rests; 0 if it does not exist."""
    last = changed(path)
    return last if time.time() - last > SECONDS else last // SECONDS * SECONDS


def curves(run: Run, say: Texts) -> Image.Image | None:
    """The loss over the images seen, of all images and by noise level; None before the first report."""
    lines = [line for line in run.metrics() if _number(line, "loss") is not None]
    if not lines:
        return None
    levels = lines[-1].get("loss_by_log_snr", {})
    named = {say.text("level", level=level.replace("_", " ")): _level(lines, level) for level in levels}
    return loss_curves({say.text("all_levels"): lines, **named})


def _level(lines: Sequence[dict[str, Any]], level: str) -> list[dict[str, Any]]:
    """The reports with the loss of one noise level."""
    found = [(line["images_seen"], _number(line.get("loss_by_log_snr", {}), level)) for line in lines]
    return [{"images_seen": seen, "loss": loss} for seen, loss in found if loss is not None]
