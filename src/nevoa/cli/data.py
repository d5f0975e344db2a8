"""`nevoa data`."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter
from cyclopts.types import NonNegativeFloat

from nevoa.cli.options import Augment, Force, Json, Out, Plugin, Source, SourceFlags
from nevoa.cli.preparation import data_of, left_out, list_unusable, show_preparation, size_advice
from nevoa.cli.said import as_learned, in_words, ranges, tags_of
from nevoa.config.names import CLASS
from nevoa.errors import unknown
from nevoa.parallel.environment import world_size

if TYPE_CHECKING:
    from nevoa.config import DataConfig
    from nevoa.data import ImageSet
    from nevoa.data.cache import Kept
    from nevoa.data.catalog import Dataset

app = App(name="data", help="List, inspect and prepare images to train on.")

EXAMPLES = 4
COPIES = 5
DAY = 86_400


@app.command(name="list")
def list_(*, plugin: Plugin = (), as_json: Json = False) -> None:
    """List the named data sets.

    Args:
        as_json: Print the list as JSON.
    """
    from nevoa.cli.terminal import Records, console
    from nevoa.data import CATALOG

    if as_json:
        print(json.dumps([_record(name, dataset) for name, dataset in CATALOG.items()]))
        return
    columns = "name", "images", "size", "classes", "licence", "from"
    console().print(Records(columns, [_row(name, dataset) for name, dataset in CATALOG.items()]))


@app.command
def prepare(source: Source, /, *, images: SourceFlags = SourceFlags(), plugin: Plugin = ()) -> None:
    """Decode the images of a source and cache them. 'nevoa train' does this itself when needed."""
    from nevoa.data import cache_folder

    print(f"{_summary(_prepared(data_of(source, images)))}\nCached in {cache_folder()}")


def _prepared(data: "DataConfig") -> "ImageSet":
    """Open a source, decoding it first if needed, by one process of each machine."""
    if world_size() == 1:
        return show_preparation(data)
    from nevoa.parallel.group import process_group  # imports torch

    return process_group().first_on_machine(lambda: show_preparation(data))


@app.command
def show(
    source: Source,
    /,
    *,
    images: SourceFlags = SourceFlags(),
    condition: Annotated[tuple[str, ...], Parameter(metavar="KIND", show_default=False)] = (),
    augment: Augment = (),
    plugin: Plugin = (),
    out: Out = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Summarise a source, list its classes and unusable files, and draw its first images, a row for each class.

    With --augment each row is an image and what a training with this option makes of it.

    Args:
        condition: Show what a training with this option takes: class, text, text:COLUMN, tags, number:NAME, picture or
            none; may be repeated. [default: all]
        augment: Draw what 'nevoa train' with this option does to images at random; may be repeated.
        out: The .png to write. [default: data.png, then data-2.png and so on]
        as_json: Print the summary as JSON; draw a picture only with --out.
    """
    from nevoa._util.reserve import numbered, reserve_output
    from nevoa.cli.sheet import augmented_sheet, row_in_words, sheet
    from nevoa.commands.written import check_is_png, check_outside
    from nevoa.config.training import without_column
    from nevoa.pictures import png_bytes

    check_is_png(out)
    data = data_of(source, images, condition, augment)
    chances = {} if data.augment == "auto" else data.augment
    condition, _ = without_column(() if condition == ("auto",) else condition)
    if as_json and out is None:
        print(json.dumps(_facts(_opened(data, condition), condition)))
        return
    check_outside(source, out or Path("data.png"))
    with reserve_output([out] if out else numbered("data.png"), force and out is not None) as reserved:
        found = _opened(data, condition)
        if as_json:
            print(json.dumps(_facts(found, condition) | {"picture": str(reserved.path)}))
        else:
            _describe(found, condition)
        reserved.temporary.write_bytes(png_bytes(augmented_sheet(found, chances) if chances else sheet(found)))
    if not as_json:
        print(f"{', '.join(filter(None, ['First images', row_in_words(found, bool(chances))]))}: {reserved.path}")


def _opened(data: "DataConfig", condition: tuple[str, ...]) -> "ImageSet":
    """The images; without those of their classes, captions, numbers and pictures that are not wanted."""
    found = show_preparation(data, say=False)
    if not condition:
        return found
    from nevoa.training.conditioning import condition_of

    for name in {*condition} - {CLASS, "none"}:
        condition_of(name, found)  # refuses what a training would refuse
    if CLASS not in condition:
        found = replace(found, classes=(), notes=replace(found.notes, unsettled=""))
    return as_learned(found, condition)


def _describe(found: "ImageSet", condition: tuple[str, ...]) -> None:
    """Print the summary, the classes and the unusable files."""
    from nevoa.cli.terminal import Records, console

    screen = console()
    screen.print(_summary(found, condition))
    if found.classes:
        rows = [(str(i), name, f"{count:,}") for i, (name, count) in enumerate(_per_class(found).items())]
        screen.print(Records(("index", "class", "images"), rows, right=("images",)))
    if copies := _copies(found):
        pairs = "; ".join(" and ".join(pair) for pair in copies[:COPIES])
        more = f" and {len(copies) - COPIES:,} pairs more" * (len(copies) > COPIES)
        screen.print(
            f"near copies  {pairs}{more}. A model memorises first what is there twice: remove one of each pair."
        )
    list_unusable(found.notes, screen)


def _copies(found: "ImageSet") -> list[tuple[str, str]]:
    """Pairs of images that hardly differ, by their files."""
    from nevoa.data.changes import file_names
    from nevoa.data.copies import near_copies

    if not (pairs := near_copies(found)):
        return []
    names = file_names(found.fingerprint) or [f"image {index}" for index in range(len(found))]
    return [(names[first], names[second]) for first, second in pairs]


@app.command
def cache(
    *,
    remove: Annotated[tuple[str, ...], Parameter(metavar="NAME")] = (),
    all_: Annotated[bool, Parameter(name="--all")] = False,
    older_than: Annotated[NonNegativeFloat | None, Parameter(metavar="DAYS")] = None,
) -> None:
    """List the decoded images in the cache, or remove some of them.

    Args:
        remove: Remove the entry of this name; may be repeated.
        all_: Remove all entries.
        older_than: Remove entries not used for this many days.
    """
    import time

    from nevoa.cli.terminal import Records, console
    from nevoa.data.cache import cache_folder, forget, kept

    found, now = kept(), time.time()
    if unknown_names := set(remove) - {one.name for one in found}:
        raise unknown("cache entry", min(unknown_names), (one.name for one in found))
    removing = bool(remove or all_ or older_than is not None)
    if removing:
        seconds = math.inf if older_than is None else older_than * DAY
        found = [one for one in found if all_ or one.name in remove or now - one.used > seconds]
        for one in found:
            forget(one)
    columns = "name", "images", "MB", "days since use"
    console().print(Records(columns, [_cache_row(one, now) for one in found], right=columns[1:]))
    total = sum(one.bytes for one in found) / 1e6
    print(f"{total:,.0f} MB {'removed from' if removing else 'in'} {cache_folder()}")


def _cache_row(one: "Kept", now: float) -> tuple[str, ...]:
    images = "" if one.images is None else f"{one.images:,}"
    return one.name, images, f"{one.bytes / 1e6:,.0f}", f"{(now - one.used) / DAY:.0f}"


def _row(name: str, dataset: "Dataset") -> tuple[str, ...]:
    size = "x".join(map(str, dataset.size)) if dataset.size else "mixed"
    counts = ", ".join(f"{count:,} {split}" if count else split for split, count in dataset.counts.items())
    colour = "gray" if dataset.channels == 1 else "colour"
    unnamed = "none" if dataset.place and dataset.place.label == "" else "some"
    return name, counts, f"{size}, {colour}", str(dataset.classes or unnamed), dataset.licence, dataset.where


def _record(name: str, dataset: "Dataset") -> dict[str, Any]:
    """A data set in JSON types; null where something is unknown or differs."""
    return {
        "name": name,
        "images": dict(dataset.counts),
        "size": dataset.size,
        "channels": dataset.channels,
        "classes": dataset.classes or None,
        "licence": dataset.licence,
        "from": dataset.where,
    }


def _facts(images: "ImageSet", condition: tuple[str, ...]) -> dict[str, Any]:
    """The facts of `data show`, in JSON types."""
    from nevoa.data.words import counted_words, example_captions

    notes, (channels, height, width) = images.notes, images.shape
    return {
        "name": images.name,
        "images": len(images),
        "size": (height, width),
        "channels": channels,
        "classes": _per_class(images),
        "original_sizes": notes.sizes,
        "size_of_most": notes.most,
        "unsettled_classes": notes.unsettled,
        "left_out": [{"file": bad.name, "reason": bad.reason} for bad in notes.bad],
        "too_small": notes.small,
        "near_copies": _copies(images),
        "duplicates": notes.duplicates,
        "set_aside": notes.held_out,
        "other_files": notes.ignored,
        "captions": sum(map(bool, images.captions)),
        "examples": example_captions(images.captions, EXAMPLES),
        "words": dict(counted_words(images.captions).most_common()),
        "tags": dict(tags_of(images, condition).most_common()),
        "numbers": ranges(images),
        "pictures": 0 if images.pictures is None else len(images),
        "linked": notes.linked,
        "licence": notes.licence,
        "fingerprint": images.fingerprint,
    }


def _per_class(images: "ImageSet") -> dict[str, int]:
    import numpy as np

    counts = np.bincount(images.labels, minlength=len(images.classes)).tolist()
    return dict(zip(images.classes, counts, strict=False))


def _summary(images: "ImageSet", condition: tuple[str, ...] = ()) -> str:
    from nevoa.data import size_in_words

    notes, count = images.notes, f"{len(images):,} image{'s' * (len(images) > 1)}"
    parts = [f"{images.name}: {count}, {size_in_words(*images.shape)}{left_out(notes)}"]
    if notes.sizes and notes.sizes != (images.shape[1:],) * 2:
        smallest, largest = ("x".join(map(str, size)) for size in notes.sizes)
        span = smallest if smallest == largest else f"{smallest} (smallest) to {largest} (largest)"
        parts.append(f"original size, height x width: {span}")
    if advice := size_advice(notes):
        parts.append(advice)
    parts += [f"{name}: {said}" for name, said in in_words(images, condition).items()]
    if notes.ignored:
        parts.append(f"other files: {notes.ignored:,}")
    if notes.licence:
        parts.append(f"licence: {notes.licence}")
    if notes.unsettled:
        parts.append(f"no classes: {notes.unsettled}")
    return "\n".join(parts)
