"""An environment for each list of requirements, so that no library's requirements move another's."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

MARKER = ".complete"


def python_of(name: str, requirements: Path | None, folder: Path, also: Sequence[Path] = ()) -> Path:
    """The python of a contender's environment, made below `folder` first unless it is complete.

    Args:
        requirements: None for what runs in the environment that this runs in: nevoa.
        also: packages in folders, to install too.
    """
    if requirements is None:
        return Path(sys.executable)
    folder = folder / requirements.stem
    python, marker, wanted = folder / "bin" / "python", folder / MARKER, _wanted(requirements, also)
    if not marker.is_file() or marker.read_text(encoding="utf-8") != wanted:
        print(f"{name}: installing into {folder}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--requirement", requirements, *also], check=True)
        marker.write_text(wanted, encoding="utf-8")
    return python


def _wanted(requirements: Path, also: Sequence[Path]) -> str:
    return "\n".join([requirements.read_text(encoding="utf-8"), *map(str, also)])
