"""Sentences in the languages of the lessons."""

from typing import Any, Literal, NamedTuple

Language = Literal["en", "pt"]


class Text(NamedTuple):
    """A sentence in each language; `{name}` marks a place that `said` fills in."""

    en: str
    pt: str

    def said(self, language: Language, **values: Any) -> str:
        """Return the sentence in one language."""
        return getattr(self, language).format(**values)
