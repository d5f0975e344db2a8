"""The commands and links in the documents are real."""

import ast
import re
import shlex
from pathlib import Path

import pytest

from nevoa.cli.main import app

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/pt/*.md")]


def commands(text: str) -> list[str]:
    """The indented lines that begin with `nevoa`, without comments."""
    lines = [line.split("#")[0].strip() for line in text.splitlines() if re.match(r" {4}(\.venv/bin/)?nevoa ", line)]
    return [line.removeprefix(".venv/bin/") for line in lines]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_in_a_document_can_be_parsed(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A single capital letter, such as the M of `--minutes M`, is a number; plugins are there and empty."""
    monkeypatch.chdir(tmp_path)
    for command in commands(path.read_text()):
        tokens = ["3" if re.fullmatch("[A-Z]", token) else token for token in shlex.split(command)[1:]]
        for plugin in (token for token in tokens if token.endswith(".py")):
            Path(plugin).touch()
        app.parse_args(tokens, exit_on_error=False, print_error=False)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_block_of_python_in_a_document_is_python(path: Path) -> None:
    for block in re.findall(r"^```python\n(.*?)^```$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        ast.parse(block)


def test_the_readme_has_commands() -> None:
    assert len(commands((ROOT / "README.md").read_text())) > 10


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / link).exists(), link


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_of_the_project_that_a_document_names_is_there(path: Path) -> None:
    """A name with a capital letter, such as `lesson_N.py`, stands for several."""
    for name in re.findall(r"(?:src/nevoa|tests|benchmarks|examples)/[a-z0-9_/]+\.(?:py|js|toml)\b", path.read_text()):
        assert (ROOT / name).exists(), name


def test_the_tables_to_extend_are_where_the_page_says() -> None:
    places = re.findall(r"`(\w+)` in\s+`([\w/]+\.py)`", (ROOT / "docs" / "extending.md").read_text())
    assert len(places) > 3
    for name, path in places:
        assert re.search(rf"^{name}\b", (ROOT / "src" / "nevoa" / path).read_text(), re.MULTILINE), (name, path)
