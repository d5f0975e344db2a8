"""Open any model: a run folder, a folder of diffusers, or a repository of the Hub."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from nevoa._util.places import is_hub
from nevoa.config.options import given
from nevoa.errors import NevoaError
from nevoa.formats.diffusers.folder import INDEX, is_diffusers
from nevoa.runs import PACKAGED, ObjectOptions, Run, check_has_model, named
from nevoa.runs import load as load_run

if TYPE_CHECKING:
    from nevoa.model import Model
    from nevoa.parallel.device import DeviceWish

# The files of a published run that are downloaded.
PUBLISHED = Run(Path())
PATTERNS = PUBLISHED.weights_file.as_posix(), PUBLISHED.model_config_file.as_posix()


def is_model(place: str | os.PathLike[str]) -> bool:
    """Whether a place is a folder of diffusers that is no run, or a repository of the Hub."""
    return is_hub(place) or (is_diffusers(Path(place)) and not Run(Path(place)).has_model)


def is_pipeline(place: str | os.PathLike[str]) -> bool:
    """Whether a place is a folder of diffusers or a repository of the Hub, and no run."""
    if not is_hub(place):
        return is_model(place)
    from nevoa.data import hub

    return not Run(hub.download(str(place), PATTERNS)).has_model


def check(place: str | os.PathLike[str]) -> None:
    """Raise the NevoaError of `load` if there is no model at a place, without loading torch."""
    if not is_model(place):
        check_has_model(Run(named(place)))


def load(
    place: str | os.PathLike[str] = PACKAGED, device: "DeviceWish" = "auto", **objects: Unpack[ObjectOptions]
) -> "Model":
    """Load the model of a run folder, of a folder of diffusers or of `hf:OWNER/NAME`, or one that comes with nevoa.

    A folder or repository that is both is a run. Models come with nevoa under the names fashion_mnist, which is the
    default, avatars and emoji, and, to start from, drawings32 and drawings64; a run or model of yours in a folder of
    that name goes first.

    Args:
        objects: network, schedule and loss if a run was trained with objects in place of names.

    Raises:
        NevoaError: what is missing or does not fit.

    Example:
        >>> images = nevoa.load("runs/fashion_mnist-quick").sample(64)
        >>> images = nevoa.load("hf:google/ddpm-cifar10-32").sample(16, sampler="dpm_solver")
    """
    given(load, objects, ObjectOptions)  # refuses unknown ones
    if is_hub(place):
        return _from_hub(str(place), device, **objects)
    if isinstance(place, str | os.PathLike) and is_model(place):
        from nevoa.formats.diffusers import load as diffusers

        return diffusers.read(Path(place), device)
    return place.model(device, **objects) if isinstance(place, Run) else load_run(place, device, **objects)


def _from_hub(name: str, device: "DeviceWish", **objects: Unpack[ObjectOptions]) -> "Model":
    from nevoa.data import hub
    from nevoa.formats.diffusers import load as diffusers

    folder = hub.download(name, PATTERNS)
    if Run(folder).has_model:
        return replace(load_run(folder, device, **objects), place=name)
    # Its index first: a text-to-image model is refused before gigabytes of it are downloaded.
    folder = hub.download(name, [INDEX])
    if not is_diffusers(folder):
        raise NevoaError(
            f"{name} is not an image model that nevoa can open: choose a pushed run or a diffusers pipeline."
        )
    diffusers.check(folder, name)
    return diffusers.read(hub.download(name, diffusers.PATTERNS), device, name)
