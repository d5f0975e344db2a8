"""A lesson in the reader's language."""

import tomllib
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal, get_args

from nevoa.errors import NevoaError
from nevoa.lessons.exercises import EXERCISES

Language = Literal["en", "pt"]
# Comments on answers, by the keys of `Result`: en.toml and pt.toml have the same ones.
TEXTS = Path(__file__).parent / "texts"
GREEN, ORANGE = "#2e8b57", "#d2691e"


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and why or why not. A notebook shows it with a coloured bar."""

    right: bool
    text: str

    def __repr__(self) -> str:
        return f"{'✓' if self.right else '✗'} {self.text}"

    def _repr_html_(self) -> str:
        colour = GREEN if self.right else ORANGE
        return f'<div style="border-left: 6px solid {colour}; padding: 4px 12px">{escape(repr(self))}</div>'


@dataclass(frozen=True)
class Lesson:
    """Checks the answers to the exercises of one lesson.

    Args:
        number: of the lesson.
        language: in which the verdicts are written, `en` or `pt`.

    Raises:
        NevoaError: there is no such language, and later no such exercise.

    Example:
        >>> Lesson(1).check(1, "c")
        ✗ ...
    """

    number: int
    language: Language = "en"

    def __post_init__(self) -> None:
        if self.language not in get_args(Language):
            raise NevoaError(
                f"There is no language '{self.language}': the lessons are in {' and '.join(get_args(Language))}."
            )

    def check(self, exercise: int, answer: Any) -> Verdict:
        """Say whether an answer is right. `...` means that there is no answer yet."""
        if (self.number, exercise) not in EXERCISES:
            count = sum(lesson == self.number for lesson, _ in EXERCISES)
            raise NevoaError(f"Lesson {self.number} has {count} exercises; there is no exercise {exercise}.")
        result = EXERCISES[self.number, exercise].result(answer)
        sentence = sentences(self.language, self.number, exercise)[result.key]
        return Verdict(result.right, sentence.format(**result.values))


def texts(language: Language) -> dict[str, Any]:
    """Return the tables of a language."""
    return tomllib.loads((TEXTS / f"{language}.toml").read_text("utf-8"))


def sentences(language: Language, lesson: int, exercise: int) -> dict[str, str]:
    """Return what to say about the answers to an exercise."""
    tables = texts(language)
    return {**tables["any"], **tables[str(lesson)][str(exercise)]}
