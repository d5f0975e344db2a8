"""The decisions on the number of steps of a training with a budget of minutes, one line each."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt, ValidationError

from nevoa._util.files import append_line, read_lines, write_text
from nevoa.runs.run import Run


class Decision(BaseModel):
    """A decision.

    Attributes:
        step: steps done when it was made.
        steps: of the whole training.
        spent: seconds that the training had taken.
        costs: measured seconds that decisions are made from, on the first line.
    """

    model_config = ConfigDict(frozen=True)

    step: NonNegativeInt
    steps: PositiveInt
    spent: float
    costs: dict[str, Any] | None = None


def read(run: Run) -> Iterator[Decision]:
    """Read the decisions up to the first invalid line; none if the number of steps is fixed."""
    with suppress(ValidationError):
        for line in read_lines(run.course_file):
            yield Decision.model_validate(line)


def append(run: Run, decision: Decision) -> None:
    """Append a decision."""
    append_line(run.course_file, _line(decision))


def cut(run: Run, step: int) -> None:
    """Drop the decisions from a step on, and invalid lines."""
    kept = [_line(decision) for decision in read(run) if decision.step < step]
    write_text(run.course_file, "".join(f"{line}\n" for line in kept))


def _line(decision: Decision) -> str:
    return decision.model_dump_json(exclude_none=True)
