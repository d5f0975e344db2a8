"""Every public function and class has an example, and the examples are true."""

import inspect
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest

from tests.docs.examples import NOT_RUN, failures, public

PUBLIC = public()
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", PUBLIC)
def test_it_has_an_example(name: str) -> None:
    assert "\nExample:\n    >>> " in (inspect.getdoc(PUBLIC[name]) or "")


@pytest.mark.parametrize("name", [name for name, each in PUBLIC.items() if inspect.isfunction(each)])
def test_a_function_that_raises_an_error_says_so(name: str) -> None:
    raises = "raise NevoaError" in inspect.getsource(PUBLIC[name])
    assert not raises or "NevoaError" in (inspect.getdoc(PUBLIC[name]) or "")


@pytest.mark.parametrize("name", [name for name, each in PUBLIC.items() if inspect.isclass(each)])
def test_what_a_class_offers_is_described(name: str) -> None:
    """If not, the reference leaves it out."""
    for own, each in vars(PUBLIC[name]).items():
        if not own.startswith("_") and isinstance(each, property | classmethod | staticmethod | FunctionType):
            assert inspect.getdoc(each) or f"    {own}: " in (inspect.getdoc(PUBLIC[name]) or ""), own


@pytest.mark.slow
def test_the_examples_are_true() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.docs.examples"], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_a_false_example_is_found() -> None:
    assert "Expected:" in failures("none", ">>> 1 + 1\n3", {})


def test_the_examples_that_are_not_run_exist() -> None:
    assert NOT_RUN.keys() <= {each.__name__ for each in PUBLIC.values()}
