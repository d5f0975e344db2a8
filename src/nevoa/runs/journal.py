"""The journal of a run: what was decided when. Lines are only ever appended."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from nevoa._util.files import append_line, read_lines, write_text
from nevoa._util.versions import check_known
from nevoa.config.names import RunStatus
from nevoa.runs.horizon import Horizon
from nevoa.runs.layout import RunFiles

Event = Literal["started", "planned", "extended", "moved", "cool-down", "weighed", "stopped", "finished", "failed"]
ENDED = "stopped", "finished", "failed"
# What a budget begins with.
BUDGETED = "planned", "extended"


@dataclass(frozen=True)
class Costs:
    """Measured seconds.

    Attributes:
        image: training on one image.
        preview: one preview in `preview_steps` evaluations of the network.
        checkpoint: one checkpoint, with the model and the card.
        weight: measuring the weight of the guide, which a long training does at its end.
        end: between the last of these and the end of the process.
        held_out: the held-out loss once, which is measured after each preview.
    """

    image: float
    preview: float
    preview_steps: int
    checkpoint: float
    end: float = 0.0
    weight: float = 0.0
    held_out: float = 0.0

    def at(self, image: float) -> "Costs":
        """The costs at another speed: everything takes longer where an image does."""
        by = image / self.image
        beside = by * self.checkpoint, by * self.end, by * self.weight, by * self.held_out
        return Costs(image, by * self.preview, self.preview_steps, *beside)


class Entry(BaseModel):
    """A line of the journal.

    Attributes:
        event: started (a process began to train), planned (the first horizon), extended (another budget), moved (the
            horizon, by the time that is left or because patience ended), cool-down (it has begun), weighed (the guide),
            stopped, finished, failed.
        at: seconds since 1970.
        images_seen: by the training at that moment.
        horizon: the one that was decided.
        seconds: that the training had taken.
        costs: what a budget of minutes was planned with.
        autoguidance: the weight against the guide, as it was measured.
        about: of a start: versions, machine, process, device.
        message: why a training failed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    event: Event
    at: float = Field(default_factory=time.time)
    images_seen: NonNegativeInt
    horizon: Horizon | None = None
    seconds: float = 0.0
    costs: Costs | None = None
    autoguidance: float | None = None
    about: Mapping[str, str | int] = {}
    message: str = ""


def read(run: RunFiles) -> Iterator[Entry]:
    """Read the journal up to the first invalid line: a crash may tear the last one."""
    with suppress(ValidationError):
        for line in read_lines(run.journal_file):
            yield Entry.model_validate(line)


def write(run: RunFiles, event: Event, images_seen: int, **values: Any) -> None:
    entry = Entry(event=event, images_seen=images_seen, **values)
    append_line(run.journal_file, entry.model_dump_json(exclude_defaults=True))


def mend(run: RunFiles) -> None:
    """Drop a torn line, so that the next one can be read. A NevoaError if a newer nevoa wrote one."""
    if run.journal_file.exists():
        lines = [entry.model_dump_json(exclude_defaults=True) for entry in read(run)]
        for line in islice(read_lines(run.journal_file), len(lines), None):
            _check_line(run, line)
        write_text(run.journal_file, "".join(f"{line}\n" for line in lines))


def _check_line(run: RunFiles, line: Mapping[str, Any]) -> None:
    try:
        Entry.model_validate(line)
    except ValidationError as error:
        check_known(run.journal_file, error.errors())


def horizons(entries: Iterable[Entry]) -> dict[int, Horizon]:
    """The horizons that were decided, by the `images_seen` at which each begins.

    A run that is extended from an earlier checkpoint forgets what was decided after that.

    Example:
        >>> horizons(journal.read(run))
        {0: Horizon(images=96, since=0, cooled=0.0, cooling=False)}
    """
    found: dict[int, Horizon] = {}
    for entry in entries:
        if entry.horizon is None:
            continue
        if entry.event in BUDGETED:
            found = {seen: horizon for seen, horizon in found.items() if seen < entry.images_seen}
        if entry.event != "moved" or entry.images_seen not in found:
            found[entry.images_seen] = entry.horizon
    return found


def costs_of(run: RunFiles) -> Costs | None:
    """The costs with which the newest budget of minutes was planned; None if nothing was measured."""
    return next((entry.costs for entry in reversed(list(read(run))) if entry.costs), None)


def status(run: RunFiles) -> tuple[RunStatus, str]:
    """How the last training of a run ended, and why it failed if it did; "stopped" if its process was killed."""
    ends = [entry for entry in read(run) if entry.event in (*ENDED, "started")]
    if not ends or ends[-1].event not in ("finished", "failed"):
        return "stopped", ""
    return ends[-1].event, ends[-1].message
