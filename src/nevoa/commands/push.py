"""Upload a run to the Hugging Face Hub."""

import re
import warnings
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from nevoa._util.arguments import path_of
from nevoa.commands.written import PathLike
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from nevoa.formats.publication import Publication


def push(
    run: PathLike, place: str, *, license: str | None = None, private: bool = False, dry_run: bool = False
) -> "Publication":
    """Upload a run's model, card and pictures to the Hugging Face Hub.

    The token is that of HF_TOKEN or of 'hf auth login'.

    Args:
        run: A run folder.
        place: Where to, as hf:OWNER/NAME. The repository is created if it does not exist.
        license: Licence of the model, as the Hub names it: mit, cc-by-4.0, ... [default: unknown]
        private: Create a repository that only its owner sees.
        dry_run: List the files and print the metadata of the card, but upload nothing.

    Raises:
        NevoaError: the run has no model, the place or the licence has no name that the Hub takes, or the Hub refuses.

    Example:
        >>> found = nevoa.push("runs/fashion_mnist-quick", "hf:OWNER/NAME", dry_run=True)
        >>> print(found.metadata, *found.sizes)
    """
    from nevoa.data import hub
    from nevoa.formats import publication
    from nevoa.runs import Run

    hub.parse_model(place, pushed=True)
    if license and not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", license):
        raise NevoaError(f"--license must be a name that the Hub knows, such as mit or cc-by-4.0, not '{license}'.")
    with TemporaryDirectory(prefix="nevoa-push-") as folder:
        found = publication.prepare(Run(path_of("The run", run)), Path(folder), place, license)
        if found.left_out:
            warnings.warn(f"No files for diffusers: {found.left_out}", stacklevel=2)
        if dry_run:
            return found
        return replace(found, address=hub.upload(found.folder, place, private, publication.REPLACED))
