"""The models that come with nevoa, by their names."""

import os
from pathlib import Path

from nevoa.runs.layout import RunFiles

FOLDER = Path(__file__).parents[1] / "packaged"
# Fashion-MNIST, the model when none is named.
PACKAGED = FOLDER / "fashion_mnist"

# Before the side of their images, in the names of models that are made to start from: their own images are blots.
TO_START_FROM = "drawings"


def packaged_names() -> list[str]:
    """Names of the models that come with nevoa.

    Example:
        >>> "emoji" in packaged_names()
        True
    """
    return sorted(path.name for path in FOLDER.iterdir() if RunFiles(path).has_model)


def is_packaged(place: str | os.PathLike[str]) -> bool:
    """Return whether a place is the name of a model that comes with nevoa, and no run or model lies in a folder there.

    Example:
        >>> is_packaged("avatars"), is_packaged("runs/clothes")
        (True, False)
    """
    beside = RunFiles(Path(place))
    return str(place) in packaged_names() and not (beside.exists or beside.has_model)


def named(place: str | os.PathLike[str]) -> Path:
    """Return the folder of the model that comes with nevoa under a name, or the path of any other place.

    Example:
        >>> named("avatars").parent.name
        'packaged'
    """
    return FOLDER / place if is_packaged(place) else Path(place)
