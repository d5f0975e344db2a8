"""pyproject.toml declares each package that nevoa imports."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from runpy import run_path

import nevoa

ROOT = Path(__file__).parents[1]
PACKAGE = Path(nevoa.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
RELEASE = run_path(str(ROOT / "scripts" / "make_release.py"))
# Distributions by the name of what they install.
HOMES = packages_distributions()
APPS = "formats", "studio", "lessons", "trackers"
EXTRAS = {*PROJECT["optional-dependencies"]} - {"test", "docs", "release"}
# gradio is made of them, and needs them itself.
WITH_GRADIO = {"fastapi", "starlette"}
# Imported before anything is asked for: each makes every command slower, and every installation larger.
ALWAYS = {
    *("cyclopts", "filelock", "jaxtyping", "numpy", "pillow", "platformdirs"),
    *("psutil", "pydantic", "rich", "safetensors", "tomli-w", "torch"),
}


def declared(*extras: str) -> set[str]:
    """The distributions that nevoa needs, with those of extras."""
    lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in extras)]
    return {normal(re.split(r"[\[<>=~!; ]", needed)[0]) for needs in lists for needed in needs}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(tree: ast.AST, always: bool) -> Iterator[str]:
    """The packages of others that a file imports; `always`: those that it imports when it is imported itself."""
    nodes = tree.body if always and isinstance(tree, ast.Module) else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def distributions(always: bool, without: tuple[str, ...] = ()) -> set[str]:
    """The distributions that files of nevoa import, without those of some rooms."""
    found = set[str]()
    for file in PACKAGE.rglob("*.py"):
        if file.relative_to(PACKAGE).parts[0] not in without:
            found |= {*imported(ast.parse(file.read_text("utf-8")), always)}
    return {normal(HOMES[name][0]) for name in found - {*sys.stdlib_module_names, "nevoa"} if name in HOMES}


def test_the_list_of_what_is_always_imported_stays_short() -> None:
    assert distributions(True, without=APPS) == ALWAYS


def test_everybody_installs_what_is_always_imported_and_matplotlib() -> None:
    """Which draws the curve of losses in every run folder."""
    assert declared() == ALWAYS | {"matplotlib"}


def test_an_extra_names_whatever_else_is_imported() -> None:
    assert distributions(False) <= declared(*EXTRAS) | WITH_GRADIO


def test_a_release_tries_each_extra() -> None:
    assert {*RELEASE["TRIALS"]} == EXTRAS


def test_a_release_tries_the_lowest_version_of_each_package_but_torch() -> None:
    lines = RELEASE["lowest"]("docs").splitlines()
    assert all(re.fullmatch(r"[\w-]+==[\d.]+", line) for line in lines)
    assert {normal(line.partition("==")[0]) for line in lines} == declared("docs", "lessons") - {"torch", "nevoa"}
