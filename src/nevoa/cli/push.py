"""`nevoa push`."""

from pathlib import Path

from nevoa.cli.options import Plugin


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
        plugin: Python file that registers the run's network; may be repeated.
    """
    from nevoa.cli.terminal import Records, console
    from nevoa.commands.push import push
    from nevoa.config.plugins import load_plugins

    load_plugins(plugin)
    found = push(run, place, license=license, private=private, dry_run=dry_run)
    total = f"{len(found.sizes)} files, {sum(found.sizes.values()) / 1e6:,.1f} MB"
    if found.address:
        print(f"Uploaded {total}: {found.address}")
        return
    rows = [(name, f"{size:,}") for name, size in found.sizes.items()]
    console().print(Records(("file", "bytes"), rows, right=("bytes",)))
    print(f"\n{found.metadata}\n\nNothing is uploaded. Without --dry-run: {total}.")
