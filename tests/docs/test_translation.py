"""README.pt.md is README.md in Portuguese: the same parts in the same order."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGLISH, PORTUGUESE = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.pt.md"))


def headings(text: str) -> list[int]:
    """The level of each heading."""
    return [len(level) for level in re.findall(r"^(#+) ", without_code(text), re.MULTILINE)]


def code(text: str) -> list[str]:
    """The lines of code, without their comments."""
    lines = re.findall(r"^ {4}\S.*$", text, re.MULTILINE)
    blocks = "\n".join(re.findall(r"^```.*?^```$", text, re.MULTILINE | re.DOTALL)).splitlines()
    return [line.partition("#")[0].rstrip() for line in lines + blocks]


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    """The targets of links and images, but for the link from one language to the other."""
    return [target for target in re.findall(r"\]\((.+?)\)", text) if not target.startswith("README")]


def tables(text: str) -> list[int]:
    """The number of columns of each row."""
    return [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")]


def first_cells(text: str) -> list[str]:
    """The code in the first cell of each row: names of commands and presets."""
    return [name for line in text.splitlines() if line.startswith("| `") for name in re.findall("`(.+?)`", line[:60])]


def numbers(text: str) -> list[str]:
    """The numbers of the tables, with the decimal point and the thousands of either language."""
    rows = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    rows = re.sub(r"(\d) (\d{3})\b", r"\1.\2", rows)
    return [number.replace(",", ".") for number in re.findall(r"\d+[.,]?\d*", rows)]


@pytest.mark.parametrize("parts", [headings, code, links, tables, first_cells, numbers])
def test_both_readmes_have_the_same(parts: Callable[[str], list[object]]) -> None:
    assert parts(PORTUGUESE) == parts(ENGLISH)
    assert parts(ENGLISH)


def test_each_readme_leads_to_the_other() -> None:
    assert "[Português](README.pt.md)" in ENGLISH
    assert "[English](README.md)" in PORTUGUESE
