"""The words of the page, in both languages: texts/en.toml and texts/pt.toml have the same keys."""

import html
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from inspect import isgeneratorfunction
from pathlib import Path
from typing import Any, Literal, ParamSpec, cast

from nevoa.errors import NevoaError, reason

Language = Literal["en", "pt"]
LANGUAGES: tuple[Language, ...] = ("en", "pt")
DEFAULT: Language = "en"
# The longest text that a field takes.
MOST_LETTERS = 4000
FOLDER = Path(__file__).parent / "texts"

P = ParamSpec("P")

# Separators in numbers; the space does not break a line.
MARKS: dict[Language, dict[int, str]] = {"en": {}, "pt": str.maketrans({",": "\u00a0", ".": ","})}


class Texts:
    """The texts of a language."""

    def __init__(self, language: Language) -> None:
        self.tables: dict[str, dict[str, str]] = tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))
        self.marks = MARKS[language]

    def __call__(self, control: str) -> dict[str, Any]:
        """Label and help of a control, as Gradio takes them."""
        return {"label": self.label(control), "info": self.tables["help"][control]}

    def label(self, control: str) -> str:
        return self.tables["label"][control]

    def text(self, key: str, **values: object) -> str:
        """A sentence, with values in it. They are escaped: names that people choose are no HTML."""
        return self.tables["text"][key].format(**{name: html.escape(str(value)) for name, value in values.items()})

    def number(self, value: float, form: str = ",") -> str:
        """A number in a format of Python, as the language writes it: 10,000.5, and with a space 10 000,5."""
        return format(value, form).translate(self.marks)

    def error(self, key: str, **values: object) -> str:
        """A sentence about what a person can correct. Not escaped."""
        return self.tables["error"][key].format(**values)

    def with_errors_shown(self, function: Callable[P, Any]) -> Callable[P, Any]:
        """Let the errors of an event's function, or generator, appear on the page, and stay until they are closed."""

        @wraps(function)
        def steps(*arguments: P.args, **keywords: P.kwargs) -> Iterator[Any]:
            with self._showing_errors():
                check(arguments)
                yield from function(*arguments, **keywords)

        @wraps(function)
        def result(*arguments: P.args, **keywords: P.kwargs) -> Any:
            with self._showing_errors():
                check(arguments)
                return function(*arguments, **keywords)

        return steps if isgeneratorfunction(function) else result

    @contextmanager
    def _showing_errors(self) -> Iterator[None]:
        """Let an error of the block appear on the page, as a sentence; one of the studio itself in the terminal too."""
        import gradio

        try:
            yield
        except Exception as error:
            expected = isinstance(error, NevoaError | OSError)
            sentence = self.sentence(error) if expected else self.error("unexpected", problem=repr(error))
            options: dict[str, Any] = {"duration": None, "title": self.text("problem"), "print_exception": not expected}
            raise gradio.Error(html.escape(sentence), **options) from error

    def sentence(self, error: NevoaError | OSError) -> str:
        """An error as a sentence in the language of the page."""
        if isinstance(error, StudioError):
            return self.error(error.key, **error.values)
        if isinstance(error, NevoaError):
            return str(error)
        return f"{error.filename}: {reason(error)}." if error.filename else f"{reason(error)}."


def check(values: Iterable[object]) -> None:
    """Refuse texts that no command line takes, wherever they were typed."""
    for value in values:
        if isinstance(value, str) and ("\0" in value or len(value) > MOST_LETTERS):
            raise StudioError("odd_text", most=MOST_LETTERS)
        if isinstance(value, list):
            check(value)


@cache
def texts(language: Language) -> Texts:
    """The texts of a language, read once."""
    return Texts(language)


def preferred(accepted: str) -> Language:
    """The first of the languages in a header Accept-Language that there is; English without one."""
    codes = [part.partition(";")[0].strip()[:2].lower() for part in accepted.split(",")]
    return cast("Language", next((code for code in codes if code in LANGUAGES), DEFAULT))


class StudioError(NevoaError):
    """An error that a person can correct on the page: a sentence in English, on the page in its language.

    Args:
        key: of the sentence in the table `error`.
    """

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(texts(DEFAULT).error(key, **values))
        self.key, self.values = key, values
