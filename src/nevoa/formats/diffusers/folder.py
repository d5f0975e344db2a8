"""The file by which nevoa recognizes a folder of diffusers."""

from pathlib import Path

INDEX = "model_index.json"


def is_diffusers(folder: Path) -> bool:
    """Whether a folder is a pipeline of diffusers."""
    return (folder / INDEX).is_file()
