"""The commands that the page runs. It shows each as a person would type it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nevoa.config import DEFAULT_PRESET, EXPORTS
from nevoa.errors import NevoaError
from nevoa.studio.jobs import PREFIX, environment
from nevoa.studio.texts import StudioError

# The longest wait for one answer, such as a plan while a training takes all cores.
SECONDS = 120.0
# What --from takes for random weights.
AT_RANDOM = "none"


@dataclass(frozen=True)
class Images:
    """The images that a person has chosen; empty: not chosen.

    Attributes:
        classes: names, separated by commas.
        size: such as 64 or 48x64.
        channels: 1 or 3.
    """

    source: str = ""
    classes: str = ""
    size: str = ""
    channels: str = ""

    @property
    def arguments(self) -> list[str]:
        """The source and its options."""
        if not self.source:
            raise StudioError("no_images")
        source = f"./{self.source}" if self.source.startswith("-") else self.source  # or it would be an option
        return [source, *flags(classes=self.classes, size=self.size, channels=self.channels)]


@dataclass(frozen=True)
class Training:
    """The settings of a training.

    Attributes:
        run: name of its folder in runs/.
        minutes: 0: as the options or the preset say.
        start: a model to start from, in place of the preset; "": as the preset says; "none": random weights.
        options: further options, such as training.loss=l2, one a line.
    """

    images: Images = Images()
    run: str = "training"
    preset: str = DEFAULT_PRESET
    minutes: float | None = 5
    start: str = ""
    seed: int | float | None = 0
    options: str = ""

    @property
    def arguments(self) -> list[str]:
        """The command, without its program."""
        chosen = {"preset": self.preset if self.start in ("", AT_RANDOM) else "", "from": self.start}
        lines = [line.strip() for line in self.options.splitlines() if line.strip()]
        given = flags(**chosen, minutes=self.minutes or None, seed=self.seed, out=f"runs/{self.run}")
        return ["train", *self.images.arguments, *given, *(f"-o={line}" for line in lines)]


def flags(**values: object) -> list[str]:
    """Options with a value, as `--size=64`: a value that begins with a dash is no option of its own."""
    return [f"--{name.replace('_', '-')}={_plain(value)}" for name, value in values.items() if value not in (None, "")]


def _plain(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def answer(workspace: Path, arguments: Sequence[str], codes: Collection[int] = (0,)) -> Any:
    """Run a command that prints JSON, and return that. A NevoaError with the sentence of one that refuses.

    Args:
        codes: exit codes with which it has printed JSON.
    """
    return json.loads(output(workspace, arguments, codes))


def exported(workspace: Path, run: Path, kind: str, folder: Path) -> Path:
    """Export a model into an empty folder, and return one file: a folder is put into a .zip."""
    path = folder / (run.name + EXPORTS[kind].suffixes[0])
    output(workspace, ["export", str(run), f"--to={kind}", f"--out={path}"])
    return Path(shutil.make_archive(str(path), "zip", path)) if path.is_dir() else path


def output(workspace: Path, arguments: Sequence[str], codes: Collection[int] = (0,)) -> str:
    """Run a command, and return what it prints. A NevoaError with the sentence of one that refuses."""
    command = [sys.executable, "-m", "nevoa", *arguments]
    options: dict[str, Any] = {"cwd": workspace, "env": environment(), "timeout": SECONDS}
    try:
        done = subprocess.run(command, **options, capture_output=True, text=True, check=False)
    except subprocess.TimeoutExpired as error:
        raise StudioError("no_answer", seconds=round(SECONDS)) from error
    if done.returncode not in codes or (done.returncode and not done.stdout.strip()):
        sentences = [line for line in done.stderr.splitlines() if line.startswith(PREFIX)]
        if not sentences:
            raise StudioError("ended", command=arguments[0])
        raise NevoaError(sentences[-1].removeprefix(PREFIX))
    return done.stdout
