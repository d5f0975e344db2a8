"""Silence for the libraries of a pipeline, whose advice is for programmers."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module


@contextmanager
def quiet(*libraries: str) -> Iterator[None]:
    """Hide what libraries log, their progress bars and all warnings while the block runs.

    Args:
        libraries: diffusers, transformers, or both by default.
    """
    found = [import_module(f"{library}.utils.logging") for library in libraries or ("diffusers", "transformers")]
    before = [(one, one.get_verbosity(), one.is_progress_bar_enabled()) for one in found]
    try:
        for one in found:
            one.set_verbosity(one.CRITICAL)
            one.disable_progress_bar()
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        for one, verbosity, shown in before:
            one.set_verbosity(verbosity)
            if shown:
                one.enable_progress_bar()
