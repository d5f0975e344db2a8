"""Where judges are: the one of Fashion-MNIST in this package, those that users train in the cache folder."""

from importlib import resources
from pathlib import Path

from nevoa.data import ImageSet, cache_folder
from nevoa.errors import NevoaError
from nevoa.evaluation.judge import Judge, load_judge


def judge_folder(train: ImageSet) -> Path:
    """Where the judge that `nevoa judge train` makes of these images is kept."""
    return cache_folder() / "judges" / f"{train.name}-{train.fingerprint:.16}"


def judge_of(train: ImageSet, command: str | None = None) -> Judge:
    """The judge trained on these very images. A NevoaError says how to get it if there is none.

    Args:
        command: that trains it, if more than the name is to be said.
    """
    with resources.as_file(resources.files(__name__) / train.name) as packaged:
        if packaged.is_dir() and (judge := load_judge(packaged)).card.fingerprint == train.fingerprint:
            return judge
    folder = judge_folder(train)
    if not folder.is_dir():
        _, height, width = train.shape
        command = command or f"nevoa judge train {train.name}"
        raise NevoaError(f"There is no judge of {train.name} at {height}x{width} yet: {command}")
    return load_judge(folder)
