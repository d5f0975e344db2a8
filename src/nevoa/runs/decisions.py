"""The decisions on the number of steps of a training with a budget of minutes, one line each."""

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt, ValidationError

from nevoa._util.files import append_line, read_lines, write_text
from nevoa.runs.run import Run


@dataclass(frozen=True)
class Costs:
    """Measured seconds.

    Attributes:
        step: one step of training.
        preview: one preview in `preview_steps` evaluations of the network.
        checkpoint: one checkpoint, with the model and the card.
        end: between the last of these and the end of the process.
    """

    step: float
    preview: float
    preview_steps: int
    checkpoint: float
    end: float = 0.0

    def at(self, step: float) -> "Costs":
        """The costs at another pace: everything takes longer where a step does."""
        by = step / self.step
        return Costs(step, by * self.preview, self.preview_steps, by * self.checkpoint, by * self.end)


class Decision(BaseModel):
    """A decision on the number of steps.

    Attributes:
        step: steps done when it was made.
        steps: of the whole training.
        spent: seconds that the training had taken.
        costs: what it was made from, if it is the first of a budget.
    """

    model_config = ConfigDict(frozen=True)

    step: NonNegativeInt
    steps: PositiveInt
    spent: float
    costs: Costs | None = None


def read(run: Run) -> Iterator[Decision]:
    """Read the decisions up to the first invalid line; none if the number of steps is fixed."""
    with suppress(ValidationError):
        for line in read_lines(run.course_file):
            yield Decision.model_validate(line)


def append(run: Run, decision: Decision) -> None:
    """Append a decision, unless it repeats one."""
    if all(earlier.step < decision.step for earlier in read(run)):
        append_line(run.course_file, _line(decision))


def cut(run: Run, step: float = math.inf) -> None:
    """Drop invalid lines, and the decisions from a step on, so that a resumed training can append."""
    if not run.course_file.exists():
        return
    kept = [_line(decision) for decision in read(run) if decision.step < step]
    write_text(run.course_file, "".join(f"{line}\n" for line in kept))


def _line(decision: Decision) -> str:
    return decision.model_dump_json(exclude_none=True)
