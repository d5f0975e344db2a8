"""The lessons: both languages have the same cells, every name exists, every cell runs, every solution is right."""

import importlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode

from nevoa.lessons.exercises import EXERCISES
from tests.lessons.executing import (
    ROOT,
    executed,
    make_lessons,
    outputs,
    pictures,
    with_parameters,
    with_solutions,
)
from tests.lessons.promises import later_promises

pytestmark = pytest.mark.slow

# Values of the parameters with which a lesson runs in seconds. CI executes the English ones: the code is the same.
SMALL: Mapping[int, Mapping[str, Any]] = {
    1: {"count": 4, "columns": 3, "steps": 5},
    2: {"side": 64, "copies": 2000},
    3: {"copies": 3000, "points": 40, "long": 100},
    4: {"rounds": 20, "images": 6},
    5: {"steps": 20, "batch": 4, "often": 3},
    6: {"count": 8, "steps": 5, "long": 20, "points": 20, "rounds": 5},
    7: {"drawings": 18, "steps": 2, "count": 1, "columns": 3},
    8: {"drawings": 30, "autoencoder_steps": 2, "latent_steps": 2, "pixel_steps": 2, "count": 4, "columns": 3},
}
ENGLISH, PORTUGUESE = make_lessons.sources("en"), make_lessons.sources("pt")
PAIRS = pytest.mark.parametrize(("english", "portuguese"), list(zip(ENGLISH, PORTUGUESE, strict=True)))
EACH = pytest.mark.parametrize("path", [*ENGLISH, *PORTUGUESE], ids=lambda path: f"{path.parent.name}-{path.stem}")


def notebook(path: Path) -> NotebookNode:
    return make_lessons.notebook(path.read_text(encoding="utf-8"))


def code(path: Path) -> list[str]:
    return [cell.source for cell in notebook(path).cells if cell.cell_type == "code"]


def test_the_notebooks_are_those_of_the_texts() -> None:
    assert make_lessons.outdated() == []
    assert {path.with_suffix(".ipynb") for path in (*ENGLISH, *PORTUGUESE)} == set((ROOT / "lessons").rglob("*.ipynb"))


def test_a_change_of_a_text_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for language in make_lessons.LANGUAGES:
        (tmp_path / language).mkdir()
        path = tmp_path / language / "01-x.md"
        path.write_text('# x\n\n```{code-cell} ipython3\nlesson = Lesson(1, "en")\n```\n')
    monkeypatch.setattr(make_lessons, "LESSONS", tmp_path)
    assert [path.suffix for path in make_lessons.outdated()] == [".ipynb", ".md", ".ipynb"]
    for path, content in make_lessons.expected():
        path.write_text(content)
    assert make_lessons.outdated() == []
    assert 'Lesson(1, "pt")' in (tmp_path / "pt" / "01-x.md").read_text()
    path = tmp_path / "en" / "01-x.md"
    path.write_text(path.read_text() + "\n```{code-cell} ipython3\n1\n```\n")
    with pytest.raises(ValueError, match="it has 1 blocks of code, and the English lesson has 2"):
        make_lessons.outdated()


@PAIRS
def test_both_languages_have_the_same_cells_and_the_same_code(english: Path, portuguese: Path) -> None:
    ours, theirs = notebook(english).cells, notebook(portuguese).cells
    assert [(cell.cell_type, cell.metadata) for cell in ours] == [(cell.cell_type, cell.metadata) for cell in theirs]
    different = [(a, b) for a, b in zip(code(english), code(portuguese), strict=True) if a != b]
    assert [(a.replace(', "en")', ', "pt")'), b) for a, b in different] == [(b, b) for _, b in different]
    assert len(different) == 1


@PAIRS
def test_both_languages_have_the_same_headings_lists_tables_and_equations(english: Path, portuguese: Path) -> None:
    def structure(path: Path) -> list[list[tuple[int, ...]]]:
        texts = [cell.source for cell in notebook(path).cells if cell.cell_type == "markdown"]
        patterns = r"^#+ ", r"^(?:- |\d\. |\| )", r"^\$\$", r"^\*\*", r"^<"
        return [[tuple(map(len, re.findall(pattern, text, re.MULTILINE))) for pattern in patterns] for text in texts]

    assert structure(english) == structure(portuguese)


@PAIRS
def test_both_languages_have_the_same_equations(english: Path, portuguese: Path) -> None:
    """But for words, the decimal comma, and the semicolon that then separates numbers."""

    def equations(path: Path) -> list[str]:
        text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        plain = re.sub(r"\\text\{.*?\}", "", text).replace("{,}", ".").replace(";\\,", ",\\,")
        return re.findall(r"\$+([^$]+)\$+", plain)

    assert equations(english) == equations(portuguese)


@EACH
def test_code_has_no_words_of_a_language(path: Path) -> None:
    """Explanations stand in the text, where each language has its own."""
    assert not [line for cell in code(path) for line in cell.splitlines() if re.search(r"(^|\s)#", line)]


@EACH
def test_every_exercise_stands_in_the_text_with_its_check_and_its_solution(path: Path) -> None:
    number, text = int(path.name[:2]), path.read_text(encoding="utf-8")
    own = [exercise for lesson, exercise in EXERCISES if lesson == number]
    assert len(own) >= 4
    assert re.findall(r"^### \w+ (\d)\.(\d):", text, re.MULTILINE) == [(str(number), str(one)) for one in own]
    for block in (code(path), re.findall(r"<details>.*?</details>", text, re.DOTALL)):
        assert [int(one) for part in block for one in re.findall(r"lesson\.check\((\d),", part)] == own


@EACH
def test_a_class_gets_the_same_notebook_without_solutions(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    bare = make_lessons.without_solutions(text)
    cells = make_lessons.notebook(bare).cells
    assert [cell.source for cell in cells if cell.cell_type == "code"] == code(path)
    assert not [cell for cell in cells if "<details>" in cell.source or "```python" in cell.source]
    assert all(bare.count(heading) == text.count(heading) for heading in ("\n## ", "\n### "))


@EACH
def test_every_name_in_the_text_exists(path: Path) -> None:
    """Names in backticks are looked up in nevoa if they begin with it, and else in the lesson's code and in nevoa's."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    sources = (file.read_text(encoding="utf-8") for file in (ROOT / "src" / "nevoa").rglob("*.py"))
    known = set(re.findall(r"\w+", "\n".join([*code(path), *sources])))
    for span in (span for span in re.findall(r"`([^`]+)`", text) if '"' not in span):
        if span.startswith("nevoa."):
            assert resolved(span) is not None
        assert set(re.findall(r"[A-Za-z_]\w*", span)) <= known, span


def resolved(name: str) -> object:
    """What a dotted name means."""
    found: Any = importlib.import_module("nevoa")
    for part in name.split("(")[0].split(".")[1:]:
        found = getattr(found, part)
    return found


@pytest.fixture(scope="module")
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    """A lesson after its execution with small parameters and with the solutions of its exercises."""
    path: Path = request.param
    small = with_parameters(notebook(path), SMALL[int(path.name[:2])])
    return executed(with_solutions(small), tmp_path_factory.mktemp("lesson"))


RUN = pytest.mark.parametrize("run", ENGLISH, indirect=True, ids=lambda path: path.stem)


def printed(run: NotebookNode) -> Sequence[Sequence[str]]:
    """The words that each cell prints, of those that print."""
    streams = ([one.text for one in cell.get("outputs", ()) if one.output_type == "stream"] for cell in run.cells)
    return ["".join(texts).split() for texts in streams if texts]


@RUN
def test_a_lesson_runs_and_its_solutions_are_right(run: NotebookNode) -> None:
    verdicts = [(cell, text) for cell, text in outputs(run, "text/plain") if "lesson.check" in cell.source]
    solved = ["solution" in cell.metadata.get("tags", ()) for cell, _ in verdicts]
    assert solved == [False, True] * (len(verdicts) // 2) and len(verdicts) >= 8
    assert [text[0] for _, text in verdicts] == ["✗", "✓"] * (len(verdicts) // 2)
    assert not [one for cell in run.cells for one in cell.get("outputs", ()) if one.get("name") == "stderr"]
    # Each figure has something on it, and each source its lines.
    assert len(pictures(run)) >= 5
    assert all(picture.std() > 5 and min(picture.shape) > 80 for picture in pictures(run))
    sources = [text for cell, text in outputs(run, "text/plain") if "show_source" in cell.source]
    assert len(sources) >= 2 and all(text.startswith("nevoa/") and len(text.splitlines()) > 2 for text in sources)
    promises(int(run.cells[0].source.removeprefix("# ")[0]), printed(run))


def promises(lesson: int, words: Sequence[Sequence[str]]) -> None:
    """What the text says about the numbers below it."""
    later_promises(lesson, words)
    if lesson == 2:
        table = next(part for part in words if part[0] == "1" and len(part) == 25)
        for _, mean, promised_mean, deviation, promised in zip(*[iter(map(float, table))] * 5, strict=True):
            assert mean == pytest.approx(promised_mean, abs=0.1) and deviation == pytest.approx(promised, rel=0.1)
        wasted = next(dict(zip(part[::2], map(float, part[1::2]), strict=True)) for part in words if "linear" in part)
        assert wasted["linear"] > 3 * wasted["cosine"]
    if lesson == 3:
        first = next(i for i, part in enumerate(words) if len(part) == 1 and "e" not in part[0])
        exact, bound, summed = (float(part[0]) for part in words[first : first + 3])
        assert exact < min(bound, summed) and bound == pytest.approx(summed, abs=0.1)
        left, right = words[first - 1]
        assert left == right
