"""Open the images a command needs, with a progress bar while they are decoded."""

from pathlib import Path
from typing import TYPE_CHECKING

from nevoa.cli.options import ImageFlags, options_named

if TYPE_CHECKING:
    from rich.console import Console

    from nevoa.config import DataConfig
    from nevoa.data import ImageSet, Notes

MOST_REASONS, NAMED = 10, 3


def data_of(
    source: str, images: ImageFlags, condition: tuple[str, ...] = (), augment: tuple[str, ...] = ()
) -> "DataConfig":
    """The data section of a config from a command's options. A NevoaError if a value is out of range."""
    from nevoa.config import parse

    keywords = images.keywords() | {"augment": augment or None}
    given = {key: value for key, value in keywords.items() if value is not None}
    with options_named({**given, "condition": condition or None}):
        data = {"source": source, "holdout": "auto", **given}
        return parse({"data": data, "training": {"condition": condition}}).data


def show_preparation(data: "DataConfig", *, say: bool = True) -> "ImageSet":
    """Open a source, decoding it first if needed.

    Args:
        say: whether to list unusable files after decoding.
    """
    from nevoa.cli.terminal import console, progress_bar
    from nevoa.data import ImageSet, is_path, loading

    errors = console(stderr=True)
    if not is_path(data.source) and Path(data.source).is_dir():
        errors.print(f"Using the data set {data.source}; for the folder of that name, type {data.source}/")
    with progress_bar() as progress:
        task, item, prepared = progress.add_task("reading", total=None), None, False
        for item in loading(data):
            if not isinstance(item, ImageSet):
                prepared, read = True, f"reading, {item.disk_bytes / 1e6:,.0f} MB"
                progress.update(task, description=read, completed=item.done, total=item.total)
    assert isinstance(item, ImageSet)
    if prepared and say:
        list_unusable(item.notes, errors)
    return item


def list_unusable(notes: "Notes", console: "Console") -> None:
    """Print a line for each reason to leave files out, the most frequent first."""
    names: dict[str, list[str]] = {}
    for bad in notes.bad:
        names.setdefault(bad.reason, []).append(bad.name)
    groups = sorted(names.items(), key=lambda group: -len(group[1]))
    for reason, files in groups[:MOST_REASONS]:
        more = f" and {len(files) - NAMED:,} more" if len(files) > NAMED else ""
        console.print(f"left out  {', '.join(files[:NAMED])}{more}: {reason}")
    if rest := sum(len(files) for _, files in groups[MOST_REASONS:]):
        console.print(f"left out  {rest:,} more for other reasons; 'nevoa data show SOURCE --json' lists all")


def size_advice(notes: "Notes") -> str:
    """The size to choose where most images have one that the default does not keep, or nothing."""
    if notes.most is None:
        return ""
    height, width = notes.most
    size = f"{height}x{width}"
    return f"Most images are {size}. To keep that size, add --size {height if height == width else size}."


def left_out(notes: "Notes") -> str:
    """The numbers of unusable files, copies and the like: ` (3 unusable, 2 duplicates)`, or nothing."""
    duplicates = "duplicate" if notes.duplicates == 1 else "duplicates"
    parts = {"unusable": len(notes.bad), duplicates: notes.duplicates, "set aside for measuring": notes.held_out}
    parts |= {"smaller than --min-size": notes.small}
    parts |= {"by links from elsewhere": notes.linked, "with captions": notes.captions}
    counts = [f"{count:,} {what}" for what, count in parts.items() if count]
    return f" ({', '.join(counts)})" if counts else ""
