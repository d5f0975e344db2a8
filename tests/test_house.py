"""The tests themselves: what makes them fail when nothing is wrong, or pass when something is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def faults(code: str) -> Iterator[str]:
    """The lines of a file that break the rules for tests."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.ImportFrom(module=str(module), names=names) if module.split(".")[0] == "nevoa":
                private = [alias.name for alias in names if is_private(alias.name) and alias.name != "_util"]
                yield from (f"line {node.lineno} imports {name}, which is private" for name in private)
            case ast.Call(ast.Attribute(attr="setattr"), [ast.Name(), ast.Constant(str(name)), *_]) if is_private(name):
                yield f"line {node.lineno} patches {name}, which is private"
            case ast.Call(ast.Attribute(attr="setattr" | "delattr"), [ast.Constant() | ast.JoinedStr(), *_]):
                yield f"line {node.lineno} patches a path in text: import the module and name the attribute"
            case ast.Call(ast.Attribute(ast.Name("mock"), "patch") | ast.Name("patch")):
                yield f"line {node.lineno} patches a path in text: use patch.object or monkeypatch"
            case ast.Attribute(ast.Name("time"), "sleep" | "monotonic" | "perf_counter"):
                yield f"line {node.lineno} uses time.{node.attr}: wait with tests.waiting"
            case ast.ImportFrom(module="time"):
                yield f"line {node.lineno} imports from time: wait with tests.waiting"
            case _:
                pass


@pytest.mark.parametrize(
    "code",
    [
        "from nevoa.runs.run import _read",
        'monkeypatch.setattr(Jobs, "_launch", f)',
        'monkeypatch.setattr("os.listdir", f)',
        'monkeypatch.setattr(f"os.{name}", f)',
        'mock.patch("sys.argv", [])',
        "time.sleep(1)",
        "before = time.perf_counter()",
        "from time import sleep",
    ],
)
def test_a_fault_is_found(code: str) -> None:
    assert len(list(faults(code))) == 1


def test_no_test_names_private_parts_patches_text_or_looks_at_the_clock() -> None:
    files = [path for path in TESTS.rglob("*.py") if path.name != "waiting.py"]
    found = [f"{path.relative_to(TESTS)}: {fault}" for path in files for fault in faults(path.read_text())]
    assert found == []
