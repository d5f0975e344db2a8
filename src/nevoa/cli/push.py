"""`nevoa push`."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from nevoa.cli.options import Plugin
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from nevoa.formats.publication import Publication


def push(
    run: Path,
    place: str,
    /,
    *,
    license: str | None = None,
    private: bool = False,
    dry_run: bool = False,
    plugin: Plugin = (),
) -> None:
    """Upload a run's model, card and pictures to the Hugging Face Hub.

    The token is that of HF_TOKEN or of 'hf auth login'.

    Args:
        run: A run folder.
        place: Where to, as hf:OWNER/NAME. The repository is created if it does not exist.
        license: Licence of the model, as the Hub names it: mit, cc-by-4.0, ... [default: unknown]
        private: Create a repository that only its owner sees.
        dry_run: List the files and print the metadata of the card, but upload nothing.
    """
    from nevoa.cli.terminal import console
    from nevoa.formats.publication import prepare
    from nevoa.formats.publication import push as upload
    from nevoa.runs import Run

    _check(place, license)
    with TemporaryDirectory(prefix="nevoa-push-") as folder:
        publication = prepare(Run(run), Path(folder), place, license)
        if publication.left_out:
            console(stderr=True).print(f"nevoa: warning: No files for diffusers: {publication.left_out}")
        if dry_run:
            _list(publication)
            return
        address = upload(publication, place, private)
        print(f"Uploaded {_total(publication)}: {address}")


def _check(place: str, licence: str | None) -> None:
    from nevoa.formats.hub import parsed

    if parsed(place)[1]:
        raise NevoaError(f"A push makes a revision of its own: leave out what follows the @ in {place}.")
    if licence and not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", licence):
        raise NevoaError(f"--license is a name that the Hub knows, such as mit or cc-by-4.0, not '{licence}'.")


def _list(publication: "Publication") -> None:
    from nevoa.cli.terminal import Records, console

    rows = [(name, f"{size:,}") for name, size in publication.sizes.items()]
    console().print(Records(("file", "bytes"), rows, right=("bytes",)))
    print(f"\n{publication.metadata}\n\nNothing is uploaded. Without --dry-run: {_total(publication)}.")


def _total(publication: "Publication") -> str:
    sizes = publication.sizes.values()
    return f"{len(sizes)} files, {sum(sizes) / 1e6:,.1f} MB"
