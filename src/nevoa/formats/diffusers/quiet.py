"""Silence for the libraries of a pipeline, whose advice is for programmers."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module


@contextmanager
def quiet(*libraries: str) -> Iterator[None]:
    """Hide what libraries log, their progress bars and all warnings while the block runs.

    Args:
        libraries: diffusers, transformers, or both by default.
    """
    with ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for library in libraries or ("diffusers", "transformers"):
            stack.enter_context(_silent(library))
        yield


@contextmanager
def _silent(library: str) -> Iterator[None]:
    logging = import_module(f"{library}.utils.logging")
    verbosity, shown = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if shown:
            logging.enable_progress_bar()
