"""Files of each release, which every later version must read."""

import hashlib
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

from nevoa.runs import Run
from nevoa.runs.manifest import NAME, manifest_of

ARCHIVES = Path(__file__).parent
ENDING = ".tar.xz"
RUN, PIPELINE, IMAGES = "runs/small", "pipeline", "images.npz"
# What the model made when it was written, and after its training had gone on to its end.
MADE, MADE_RESUMED = "made.npy", "made_resumed.npy"
COUNT = 4


def releases() -> list[str]:
    """The releases whose files are here, oldest first."""
    names = (path.name.removesuffix(ENDING) for path in ARCHIVES.glob(f"*{ENDING}"))
    return sorted(names, key=lambda name: [*map(int, name.split("."))])


def unpacked(release: str, folder: Path) -> Path:
    """The folder, with the files of a release as if they were written there: a run holds the path of its images."""
    with tarfile.open(ARCHIVES / f"{release}{ENDING}") as archive:
        archive.extractall(folder, filter="data")
    written_in = str(Path(Run(folder / RUN).plan().data.source).parent)
    for path in folder.rglob("*"):
        if path.suffix in (".toml", ".json") and path.name != NAME:
            rewrite(path, lambda text: text.replace(written_in, str(folder)))
    return folder


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    """Change a file, and if it is of a checkpoint, the hashes of its manifest."""
    path.write_text(change(path.read_text()))
    if path.name == NAME:
        record = json.loads(path.read_text())
        record.pop("sha256")
        path.write_text(json.dumps(record | {"sha256": hashlib.sha256(json.dumps(record).encode()).hexdigest()}))
    elif path.parent.parent.name == "checkpoints":
        parts = {part.name: part.read_bytes() for part in path.parent.iterdir() if part.name != NAME}
        (path.parent / NAME).write_text(manifest_of(int(path.parent.name), parts))
