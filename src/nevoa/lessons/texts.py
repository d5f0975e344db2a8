"""The words of the exercises, in both languages: texts/en.toml and texts/pt.toml have the same keys."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

Language = Literal["en", "pt"]
FOLDER = Path(__file__).parent / "texts"


@cache
def texts(language: Language) -> dict[str, Any]:
    """Return the tables of a language, read once."""
    return tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))


def sentences(language: Language, lesson: int, exercise: int) -> dict[str, str]:
    """Return what to say about the answers to an exercise, by the keys of `Result`."""
    tables = texts(language)
    return {**tables["any"], **tables[str(lesson)][str(exercise)]}
