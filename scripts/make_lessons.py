"""Make the notebooks of the lessons from their text.

python scripts/make_lessons.py                            copy the code of lessons/en to lessons/pt, write the notebooks
python scripts/make_lessons.py --check                    name the files that are out of date, and exit with code 1
python scripts/make_lessons.py --without-solutions DIR    write notebooks for a class into DIR/en and DIR/pt
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

LESSONS = Path(__file__).parents[1] / "lessons"
LANGUAGES = "en", "pt"
# Code that runs, and the code of folded solutions.
BLOCK = re.compile(r"^```(?:\{code-cell\} ipython3|python)\n.*?^```$", re.MULTILINE | re.DOTALL)
SOLUTION = re.compile(r"<details>.*?</details>\n*", re.DOTALL)
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def sources(language: str) -> list[Path]:
    """Return the texts of the lessons in one language, in order."""
    return sorted((LESSONS / language).glob("[0-9]*.md"))


def with_code_of(english: str, text: str, language: str) -> str:
    """Return a text whose blocks of code are those of the English one. A ValueError if it has more or fewer."""
    blocks = [re.sub(r'(Lesson\(\d+, )"en"', rf'\1"{language}"', block) for block in BLOCK.findall(english)]
    if len(blocks) != len(BLOCK.findall(text)):
        raise ValueError(f"it has {len(BLOCK.findall(text))} blocks of code, and the English lesson has {len(blocks)}")
    remaining = iter(blocks)
    return BLOCK.sub(lambda _: next(remaining), text)


def notebook(text: str) -> NotebookNode:
    """Return the notebook of a text, without outputs; the same text gives the same notebook."""
    made = jupytext.reads(text, "md:myst")
    made.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(made.cells):
        cell.id = f"cell-{number}"
    made.nbformat_minor = 5
    return made


def without_solutions(text: str) -> str:
    """Return a text without its folded solutions."""
    return SOLUTION.sub("", text)


def expected() -> Iterator[tuple[Path, str]]:
    """Yield every file that this script makes or changes, and what should be in it."""
    for english, *others in zip(*map(sources, LANGUAGES), strict=True):
        text = english.read_text(encoding="utf-8")
        texts = {english: text}
        for path, language in zip(others, LANGUAGES[1:], strict=True):
            texts[path] = with_code_of(text, path.read_text(encoding="utf-8"), language)
        for path, content in texts.items():
            yield path, content
            yield path.with_suffix(".ipynb"), nbformat.writes(notebook(content)) + "\n"


def outdated() -> list[Path]:
    """Return the files that differ from what this script would write."""
    return [path for path, content in expected() if not path.exists() or path.read_text(encoding="utf-8") != content]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--without-solutions", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    if arguments.check:
        sys.exit("\n".join(f"{path} is out of date: run scripts/make_lessons.py" for path in outdated()) or 0)
    if arguments.without_solutions:
        for path in (path for language in LANGUAGES for path in sources(language)):
            target = arguments.without_solutions / path.parent.name / path.with_suffix(".ipynb").name
            target.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook(without_solutions(path.read_text(encoding="utf-8"))), target)
        return
    for path, content in expected():
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
