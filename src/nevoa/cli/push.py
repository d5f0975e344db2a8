"""`nevoa push`."""

from pathlib import Path

from nevoa.cli.options import Plugin
from nevoa.commands import push as command


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
    from nevoa.cli.terminal import Records, console

    found = command.push(run, place, license=license, private=private, dry_run=dry_run)
    total = f"{len(found.sizes)} files, {sum(found.sizes.values()) / 1e6:,.1f} MB"
    if found.address:
        print(f"Uploaded {total}: {found.address}")
        return
    rows = [(name, f"{size:,}") for name, size in found.sizes.items()]
    console().print(Records(("file", "bytes"), rows, right=("bytes",)))
    print(f"\n{found.metadata}\n\nNothing is uploaded. Without --dry-run: {total}.")


push.__doc__ = command.push.__doc__
