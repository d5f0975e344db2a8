"""Pairs of an image and the picture from which a model makes it, in two folders."""

from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np

from nevoa.config import DataConfig
from nevoa.data.listing import Bad, Listing

# The two folders, in the order of classes.
FOLDERS = CONDITION, IMAGE = "condition", "image"


def of_pairs(listing: Listing, data: DataConfig) -> Listing:
    """Return the images of folders `image`, each with the file of its name in the folder `condition` beside it.

    A listing with other folders stays as it is, and so do the two if `data.only` names them: they are classes then.
    Files without the other one are left out.
    """
    if listing.pictures is not None or listing.classes != FOLDERS or data.only is not None:
        return listing
    files = [PurePosixPath(listing.file(index)) for index in range(len(listing))]
    if any(file.parent.name != FOLDERS[label] for file, label in zip(files, listing.labels.tolist(), strict=True)):
        return listing  # a table names the classes
    of_images, of_pictures = (
        np.flatnonzero(listing.labels == FOLDERS.index(one)).tolist() for one in (IMAGE, CONDITION)
    )
    places = {files[index].with_suffix(""): index for index in of_pictures} | {
        files[index]: index for index in of_pictures
    }
    found, bad = dict[int, int](), []
    for index in of_images:
        file = files[index]
        beside = file.parent.with_name(CONDITION) / file.name
        if (place := places.get(beside, places.get(beside.with_suffix("")))) is None:
            bad.append(_alone(file, CONDITION))
        else:
            found[index] = place
    bad += [_alone(files[index], IMAGE) for index in sorted({*of_pictures} - {*found.values()})]
    images, pictures = (listing.take(np.array([*some], np.int64)) for some in (found, found.values()))
    unlabelled = {"labels": np.zeros(len(found), np.int64), "classes": ()}
    notes = replace(listing.notes, bad=(*listing.notes.bad, *bad))
    return replace(images, **unlabelled, notes=notes, pictures=replace(pictures, **unlabelled))


def _alone(file: PurePosixPath, other: str) -> Bad:
    return Bad(str(file), f"the folder {other} has no file of its name")
