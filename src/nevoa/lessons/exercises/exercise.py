"""An exercise: its solution, the mistakes that readers make, and what to say about each."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from nevoa.lessons.text import Text

# Answers may be rounded to three digits or computed in float32; mistakes differ by far more.
RELATIVE, ABSOLUTE = 1e-3, 1e-5

NOT_YET = Text("Not answered yet: replace the three dots.", "Ainda sem resposta: substitua as reticências.")
NO_FUNCTION = Text("The answer is a function, not {kind}.", "A resposta é uma função, não {kind}.")
STOPPED = Text(
    "Not yet: your function stops with {kind}: {error}",
    "Ainda não: a sua função dá o erro {kind}: {error}",
)
OTHER_SHAPE = Text(
    "Not yet: your answer has the shape {found}; it should have {wanted}.",
    "Ainda não: a sua resposta tem a forma {found}; devia ter {wanted}.",
)
OTHER = Text(
    "Not yet. For the same input the answer begins with {wanted}, and yours with {found}.",
    "Ainda não. Para a mesma entrada, a resposta começa por {wanted} e a sua por {found}.",
)
NO_NUMBER = Text(
    "Not yet: {found} is not the kind of answer expected.", "Ainda não: {found} não é uma resposta do tipo pedido."
)
NO_LETTER = Text('Not yet: the answer is one letter, such as "a".', 'Ainda não: a resposta é uma letra, como "a".')
WRONG_CHOICE = Text("Not yet. The text above has what you need.", "Ainda não. O texto acima tem aquilo de que precisa.")


@dataclass(frozen=True)
class Result:
    """Whether an answer is right, and what to say to the reader.

    Attributes:
        values: what fills the places in the text.
    """

    right: bool
    text: Text
    values: dict[str, str] = field(default_factory=dict)


class Mistake(NamedTuple):
    """A wrong answer, and what to say about it."""

    answer: Any
    text: Text


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        solution: the right answer: a value, or a function if the exercise asks for one.
        praise: what to say when the answer is right, and why it is.
        mistakes: wrong answers that readers give, of the same kind as the solution.
        inputs: what a function is called with to compare it with the solution.
    """

    solution: Any
    praise: Text
    mistakes: Sequence[Mistake] = ()
    inputs: tuple[Any, ...] = ()

    def result(self, answer: Any) -> Result:
        """Compare an answer with the solution and then with the known mistakes."""
        if callable(self.solution) and answer is not ...:
            if not callable(answer):
                return Result(False, NO_FUNCTION, {"kind": type(answer).__name__})
            try:
                answer = answer(*self._inputs())
            except Exception as error:  # whatever the reader's function raises
                return Result(False, STOPPED, {"kind": type(error).__name__, "error": str(error)})
        if isinstance(answer, list) and isinstance(self._value(self.solution), tuple):
            answer = tuple(answer)
        if answer is None or any(part is ... for part in (answer if isinstance(answer, tuple) else (answer,))):
            return Result(False, NOT_YET)
        return self._compared(answer)

    def _compared(self, found: Any) -> Result:
        wanted = self._value(self.solution)
        if same(found, wanted):
            return Result(True, self.praise)
        for mistake in self.mistakes:
            if same(found, self._value(mistake.answer)):
                return Result(False, mistake.text)
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
        return Result(False, WRONG_CHOICE if is_letter or len(wanted) > 1 else NO_LETTER)
    one, other = numbers(found), numbers(wanted)
    if one is None or other is None:
        return Result(False, NO_NUMBER, {"found": repr(found)[:60]})
    if (shapes := _shapes(one)) != (right := _shapes(other)):
        return Result(False, OTHER_SHAPE, {"found": shapes, "wanted": right})
    if not torch.as_tensor(wanted[0] if isinstance(wanted, tuple) else wanted).ndim and not isinstance(wanted, tuple):
        return Result(False, WRONG_CHOICE)
    return Result(False, OTHER, {"found": _first(one), "wanted": _first(other)})


def _shapes(parts: Sequence[torch.Tensor]) -> str:
    return ", ".join(str(list(part.shape)) for part in parts)


def _first(parts: Sequence[torch.Tensor]) -> str:
    return ", ".join(f"{part.flatten()[0].item():.4g}" for part in parts)


def choice(right: str, praise: Text, mistakes: dict[str, Text]) -> Exercise:
    """Return an exercise that asks for a letter, with what to say about each wrong one."""
    return Exercise(right, praise, [Mistake(letter, text) for letter, text in mistakes.items()])
