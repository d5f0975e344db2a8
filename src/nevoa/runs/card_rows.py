"""Rows of a run's card that a user may write: the licence of its data, and prompts to try."""

import re

from nevoa.runs.run import Run

LICENCE, PROMPTS = (
    re.compile(rf"^\| {name} \| (.+?) \|$", re.MULTILINE) for name in ("licence of the data", "prompts to try")
)


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


def prompts_to_try(card: str) -> list[str]:
    """Return the prompts that a run's card offers: none unless its user has written some, for captions may be private.

    Example:
        >>> prompts_to_try("| prompts to try | red heart; gato a rir |")
        ['red heart', 'gato a rir']
    """
    found = PROMPTS.search(card)
    offered = [prompt for one in found[1].split(";") if (prompt := one.strip())] if found else []
    return [] if offered == ["none"] else offered
