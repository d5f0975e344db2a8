"""Both languages say everything, and names that people choose are never HTML."""

import html
import re
from pathlib import Path

import gradio
import pytest

from nevoa import studio
from nevoa.errors import NevoaError
from nevoa.studio.texts import LANGUAGES, MOST_LETTERS, StudioError, preferred, texts

SOURCES = [path.read_text() for path in Path(studio.__file__).parent.glob("*.py")]


def test_both_languages_have_the_same_texts_with_the_same_values() -> None:
    english, portuguese = (texts(language).tables for language in LANGUAGES)
    for table, entries in english.items():
        assert entries.keys() == portuguese[table].keys()
        for key, text in entries.items():
            assert re.findall(r"{\w+}", text) == re.findall(r"{\w+}", portuguese[table][key]), key


def test_every_control_has_a_sentence_of_help() -> None:
    controls = {name for source in SOURCES for name in re.findall(r'say\("(\w+)"\)', source)}
    assert len(controls) > 20
    for name in controls:
        assert texts("en")(name)["info"].endswith(".")


def test_every_text_is_used() -> None:
    used = set(re.findall(r"""["'](\w+)["']""", "\n".join(SOURCES)))
    for table, entries in texts("en").tables.items():
        if table not in ("help", "gradio"):
            unused = [key for key in entries if key not in used and not key.startswith(PREFIXES)]
            assert not unused, table


PREFIXES = "state_", "plan_", "way_", "column_", "canvas_"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("pt-PT,pt;q=0.9,en;q=0.8", "pt"), ("en-GB", "en"), ("de,pt-BR;q=0.5", "pt"), ("", "en"), ("fr", "en")],
)
def test_the_browsers_language_is_chosen(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


@pytest.mark.parametrize("error", [StudioError("no_run", run="<b>"), NevoaError("<b> no_run")])
def test_an_error_is_told_in_the_language_of_the_page_and_is_no_html(error: NevoaError) -> None:
    """What the package says stays English."""

    def fail() -> None:
        raise error

    for language in LANGUAGES:
        with pytest.raises(gradio.Error) as told:
            texts(language).with_errors_shown(fail)()
        wanted = texts(language).error("no_run", run="<b>") if isinstance(error, StudioError) else str(error)
        assert told.value.message == html.escape(wanted)
    assert str(StudioError("no_run", run="x")) == texts("en").error("no_run", run="x")


def test_an_error_of_no_file_names_none() -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(gradio.Error, match=r"^.?No space left on device\.") as told:
        texts("en").with_errors_shown(fail)()
    assert "None" not in str(told.value)


@pytest.mark.parametrize("value", ["a\0b", "x" * 100_000, ["a", "b\0"]])
def test_what_no_command_takes_is_refused_in_every_field(value: object) -> None:
    for language in LANGUAGES:
        with pytest.raises(gradio.Error) as told:
            texts(language).with_errors_shown(lambda *_: pytest.fail("called"))("a", value)
        assert told.value.message == texts(language).error("odd_text", most=MOST_LETTERS)


def test_a_bug_is_a_sentence_too_and_stays() -> None:
    for language in LANGUAGES:
        with pytest.raises(gradio.Error, match="ValueError") as told:
            texts(language).with_errors_shown(int)("many")
        assert "{" not in told.value.message
        assert told.value.duration is None
        assert told.value.print_exception


def test_a_number_is_written_as_in_the_language() -> None:
    assert texts("en").number(1234567.891, ",.2f") == "1,234,567.89"
    assert texts("pt").number(1234567.891, ",.2f") == "1\u00a0234\u00a0567,89"
    assert texts("pt").number(10_000) == "10\u00a0000"


def test_a_name_is_no_html() -> None:
    assert texts("en").text("waits", run="<img onerror=x>").startswith("&lt;img")
