"""The licence of a run's data, as its card has it."""

import re

from nevoa.runs.run import Run

LICENCE = re.compile(r"^\| licence of the data \| (.+?) \|$", re.MULTILINE)


def card_text(run: Run) -> str:
    """Return the card of a run; empty without one.

    Example:
        >>> card_text(Run("runs/clothes")).splitlines()[0]
        '# clothes'
    """
    return run.card_file.read_text("utf-8", "replace") if run.card_file.is_file() else ""


def data_licence(card: str, source: str) -> str:
    """Return the licence of a run's data: as its card has it, where a user may have written it, or that of the source.

    Example:
        >>> data_licence("| licence of the data | CC0 |", "photos/"), data_licence("", "fashion_mnist")
        ('CC0', 'MIT')
    """
    from nevoa.data import DataSource  # imports numpy

    found = LICENCE.search(card)
    return found[1] if found else DataSource.of(source).licence
