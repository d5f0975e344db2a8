"""What a folder of diffusers is known by."""

from pathlib import Path

INDEX = "model_index.json"


def is_diffusers(folder: Path) -> bool:
    """Whether a folder is a pipeline of diffusers."""
    return (folder / INDEX).is_file()
