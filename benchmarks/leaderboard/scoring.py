"""The scores of a file of images, by `nevoa evaluate`."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

EVALUATE: tuple[str | Path, ...] = (sys.executable, "-m", "nevoa", "evaluate")


@dataclass(frozen=True)
class Scored:
    """The scores by name, and what as many real images get: the floor."""

    scores: dict[str, float]
    floor: dict[str, float]


def score(images: Path, count: int, source: str) -> Scored:
    """Score the first `count` images of an .npy file against those of a source."""
    command = [*EVALUATE, images, "--against", source, "--count", str(count), "--json"]
    said = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return Scored(said["scores"], said["floor"])
