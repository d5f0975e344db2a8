"""The files of a run folder, by the names of its parts."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nevoa._util.files import SCRATCH, explained

RUNS = Path("runs")
# The folders that only trainings and evaluations write to.
OWN_FOLDERS = "checkpoints", "evaluation", "model", "samples"


class Part:
    """A path below the run folder, whether or not it exists yet."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __get__(self, run: "RunFiles", _: type | None = None) -> Path:
        return run.folder / self.path


@dataclass(frozen=True)
class RunFiles:
    """The paths of a run folder, and what is there."""

    folder: Path

    def __fspath__(self) -> str:
        return str(self.folder)

    config_file = Part("config.toml")
    plan_file = Part("plan.toml")
    journal_file = Part("journal.jsonl")
    metrics_file = Part("metrics.jsonl")
    loss_file = Part("loss.png")
    lock_file = Part("trainer.lock")
    card_file = Part("README.md")
    weights_file = Part("model/model.safetensors")
    model_config_file = Part("model/config.json")
    adapters_file = Part("model/lora/adapter_model.safetensors")
    adapters_config_file = Part("model/lora/adapter_config.json")
    checkpoints = Part("checkpoints")
    previews_folder = Part("samples")
    evaluations_folder = Part("evaluation")
    pictures_folder = Part("images")
    tracking_folder = Part("tracking")
    tracking_file = Part("tracking/sent.json")

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder))  # notebooks pass text

    @property
    def exists(self) -> bool:
        """Whether the folder is a run, which it is once a training has written its plan."""
        return _is_file(self.plan_file)

    @property
    def is_older(self) -> bool:
        """Whether the folder is a run of the version before, which wrote neither a plan nor a journal."""
        trained = self.has_model or self.checkpoints.is_dir()
        return trained and _is_file(self.config_file) and not (self.exists or _is_file(self.journal_file))

    @property
    def has_model(self) -> bool:
        """Whether a model has been published."""
        return _is_file(self.weights_file)

    @property
    def holds_other_files(self) -> bool:
        """Whether the folder contains anything that a training does not write before the plan."""
        if not self.folder.is_dir():
            return self.folder.exists()
        with explained("read", self.folder):
            found = {path for path in self.folder.iterdir() if not path.name.endswith(SCRATCH)}
            started = self.checkpoints in found and not any(self.checkpoints.iterdir())
        expected = {self.lock_file, self.journal_file, self.config_file, *([self.checkpoints] if started else ())}
        return bool(found - expected)


def _is_file(path: Path) -> bool:
    """Whether it is a file, as far as we may know: disks have folders that only root reads."""
    with suppress(PermissionError):
        return path.is_file()
    return False
