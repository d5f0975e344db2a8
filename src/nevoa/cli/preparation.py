"""Images that are made ready: what is seen of it."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from nevoa.cli.options import names_of, size_of

if TYPE_CHECKING:
    from nevoa.config import DataConfig
    from nevoa.data import ImageSet, Notes

SHOWN = 10


def data_of(
    source: str,
    split: str | None,
    classes: str | None,
    limit: int | None,
    size: str | None,
    channels: int | None,
    background: str | None,
    strict: bool | None,
) -> "DataConfig":
    """What a command's options say of the images. A NevoaError if it makes no sense."""
    from nevoa.config import parse

    given = {
        "source": source,
        "split": split,
        "only": names_of(classes),
        "limit": limit,
        "size": size_of(size),
        "channels": channels,
        "background": background,
        "strict": strict,
    }
    return parse({"data": {key: value for key, value in given.items() if value is not None}}).data


def show_preparation(data: "DataConfig", *, say: bool = True) -> "ImageSet":
    """Open a source with a bar while its images are decoded, where they have to be; then say which were left out."""
    from nevoa.data import ImageSet, is_path, loading

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if not is_path(data.source) and Path(data.source).is_dir():
        console.print(f"{data.source} is the data set of that name; the folder here is {data.source}/", markup=False)
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task, images, prepared = progress.add_task("reading", total=None), None, False
        for item in loading(data):
            if isinstance(item, ImageSet):
                images = item
                break
            prepared = True
            progress.update(
                task, description=f"reading, {item.disk_bytes / 1e6:,.0f} MB", completed=item.done, total=item.total
            )
    assert images is not None
    if prepared and say:
        say_bad(images.notes, console)
    return images


def say_bad(notes: "Notes", console: Console, most: int | None = SHOWN) -> None:
    """List the files that were left out, `most` of them."""
    for bad in notes.bad[:most]:
        console.print(f"left out  {bad.name}: {bad.reason}", markup=False)
    if most is not None and len(notes.bad) > most:
        console.print(f"left out  and {len(notes.bad) - most:,} more, which 'nevoa data show' lists")


def left_out(notes: "Notes") -> str:
    """What did not go into the images, in words."""
    parts = {"left out": len(notes.bad), "there twice": notes.duplicates}
    said = [f"{count:,} {what}" for what, count in parts.items() if count]
    return f" ({', '.join(said)})" if said else ""
