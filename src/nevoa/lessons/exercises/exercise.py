"""An exercise: its solution, and the mistakes that readers make. The texts beside have what to say about each."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

# Answers may be rounded to three digits or computed in float32; mistakes differ by far more.
RELATIVE, ABSOLUTE = 1e-3, 1e-5


@dataclass(frozen=True)
class Result:
    """Whether an answer is right, and what to say to the reader.

    Attributes:
        key: of the sentence, in the texts of the exercise or in those of any exercise.
        values: for the places in the sentence.
    """

    right: bool
    key: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        solution: the right answer: a value, or a function if the exercise asks for one.
        mistakes: wrong answers that readers give, by the keys of the sentences about them.
        inputs: arguments with which to call functions, to compare their results.
    """

    solution: Any
    mistakes: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Any, ...] = ()

    def result(self, answer: Any) -> Result:
        """Compare an answer with the solution and then with the known mistakes."""
        if callable(self.solution) and answer is not ...:
            if not callable(answer):
                return Result(False, "no_function", {"kind": type(answer).__name__})
            try:
                answer = answer(*self._inputs())
            except Exception as error:  # whatever the reader's function raises
                return Result(False, "stopped", {"kind": type(error).__name__, "error": str(error)})
        if isinstance(answer, list) and isinstance(self._value(self.solution), tuple):
            answer = tuple(answer)
        if answer is None or any(part is ... for part in (answer if isinstance(answer, tuple) else (answer,))):
            return Result(False, "not_yet")
        return self._compared(answer)

    def _compared(self, found: Any) -> Result:
        wanted = self._value(self.solution)
        if same(found, wanted):
            return Result(True, "right")
        for key, mistake in self.mistakes.items():
            if same(found, self._value(mistake)):
                return Result(False, key)
        return difference(found, wanted)

    def _value(self, answer: Any) -> Any:
        return answer(*self._inputs()) if callable(answer) else answer

    def _inputs(self) -> tuple[Any, ...]:
        """Fresh copies: a reader's function may change what it gets."""
        return copy.deepcopy(self.inputs)


def same(found: Any, wanted: Any) -> bool:
    """Whether two answers agree: texts without regard to case, numbers and tensors up to rounding."""
    if isinstance(wanted, str):
        return isinstance(found, str) and found.strip().casefold() == wanted.casefold()
    one, other = numbers(found), numbers(wanted)
    if one is None or other is None or len(one) != len(other):
        return False
    return all(a.shape == b.shape and torch.allclose(a, b, RELATIVE, ABSOLUTE) for a, b in zip(one, other, strict=True))


def numbers(answer: Any) -> list[torch.Tensor] | None:
    """Return an answer as float64 tensors, one for each part of a tuple; None if it is no number."""
    try:
        parts = answer if isinstance(answer, tuple) else (answer,)
        return [torch.as_tensor(part).to(torch.float64) for part in parts]
    except (TypeError, ValueError, RuntimeError):
        return None


def difference(found: Any, wanted: Any) -> Result:
    """Say how a wrong answer that is no known mistake differs from the right one."""
    if isinstance(wanted, str):
        is_letter = isinstance(found, str) and len(found.strip()) == 1
        return Result(False, "wrong_choice" if is_letter or len(wanted) > 1 else "no_letter")
    one, other = numbers(found), numbers(wanted)
    if one is None or other is None:
        return Result(False, "no_number", {"found": repr(found)[:60]})
    shapes, right = (", ".join(str(list(part.shape)) for part in parts) for parts in (one, other))
    if shapes != right:
        return Result(False, "other_shape", {"found": shapes, "wanted": right})
    if not torch.as_tensor(wanted[0] if isinstance(wanted, tuple) else wanted).ndim and not isinstance(wanted, tuple):
        return Result(False, "wrong_choice")
    first, of_right = (", ".join(f"{part.flatten()[0].item():.4g}" for part in parts) for parts in (one, other))
    return Result(False, "other", {"found": first, "wanted": of_right})


def choice(right: str, among: Sequence[str] = "abc") -> Exercise:
    """Return an exercise that asks for a letter or a word; the sentence about a wrong one has it as its key."""
    return Exercise(right, {each: each for each in among if each != right})
