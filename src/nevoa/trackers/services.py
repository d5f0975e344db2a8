"""The trackers that nevoa knows. The axis of all of them is the number of images seen."""

import importlib
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from PIL.Image import Image

from nevoa.config import flat
from nevoa.errors import NevoaError, unknown
from nevoa.runs import Run

PROJECT = "nevoa"
PREVIEWS = "previews"
# What MLflow takes for a name on every system; a slash would make a folder.
NO_NAME = re.compile(r"[^\w.\- ]")


@runtime_checkable
class Tracker(Protocol):
    """A program that shows trainings."""

    def start(self, run: Run, known: str | None) -> str:
        """Open the tracker's run of that id, or a new one if it is None, and return its id."""
        ...

    def scalars(self, values: Mapping[str, float], images_seen: int) -> None:
        """Add a point to the curve of each name."""
        ...

    def image(self, picture: Image, images_seen: int) -> None:
        """Add a preview."""
        ...

    def finish(self) -> None:
        """Send what is left and close the run."""
        ...


def trackers_of(names: Iterable[str]) -> dict[str, Tracker]:
    """The trackers of names as in `tensorboard` or `wandb:PROJECT`. A NevoaError if one is unknown or not installed."""
    return {name: _tracker(*name.partition(":")[::2]) for name in names}


def _tracker(name: str, project: str) -> Tracker:
    if name not in TRACKERS:
        raise unknown("tracker", name, TRACKERS)
    kind, module = TRACKERS[name]
    try:
        return kind(importlib.import_module(module), project)
    except ImportError as error:
        raise NevoaError(f"The tracker {name} is not installed: pip install 'nevoa[{name}]'.") from error


@dataclass
class Service:
    """A program, its module, and the project that was named."""

    module: Any
    project: str


class TensorBoard(Service):
    """Event files in the run folder, or in PROJECT/RUN: `tensorboard --logdir runs`."""

    def start(self, run: Run, known: str | None) -> str:
        name = known or _new_name(run)
        self.writer = self.module.SummaryWriter(Path(self.project) / name if self.project else run.tracking_folder)
        if known is None:
            self.writer.add_text("plan", f"```toml\n{run.plan_file.read_text('utf-8')}```", 0)
        return name

    def scalars(self, values: Mapping[str, float], images_seen: int) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, images_seen)
        # The run folder notes that they were written, so they must not be lost with the process.
        self.writer.flush()

    def image(self, picture: Image, images_seen: int) -> None:
        import numpy as np

        self.writer.add_image(PREVIEWS, np.array(picture), images_seen, dataformats="HWC")

    def finish(self) -> None:
        self.writer.close()


class WandB(Service):
    """A run of Weights & Biases; its files are in the run folder, also with WANDB_MODE=offline."""

    def start(self, run: Run, known: str | None) -> str:
        run.tracking_folder.mkdir(exist_ok=True)
        self.run = self.module.init(
            project=self.project or PROJECT,
            id=known or uuid.uuid4().hex[:8],
            name=run.folder.absolute().name,
            resume="allow",
            dir=str(run.tracking_folder),
            config=_config(run),
            # A resumed run may have another budget.
            allow_val_change=True,
            # It would read the progress bar.
            settings=self.module.Settings(console="off"),
        )
        # Its own steps only rise, and scores belong to a model of some time ago.
        self.run.define_metric("images_seen")
        self.run.define_metric("*", step_metric="images_seen")
        return self.run.id

    def scalars(self, values: Mapping[str, float], images_seen: int) -> None:
        self.run.log({**values, "images_seen": images_seen})

    def image(self, picture: Image, images_seen: int) -> None:
        self.run.log({PREVIEWS: self.module.Image(picture), "images_seen": images_seen})

    def finish(self) -> None:
        self.run.finish()


class MLflow(Service):
    """A run in an experiment of MLflow, in the store that MLFLOW_TRACKING_URI names."""

    def start(self, run: Run, known: str | None) -> str:
        self.client = self.module.MlflowClient()
        if known is not None:
            self.id = known
            self.client.update_run(known, status="RUNNING")
            return known
        project = self.project or PROJECT
        experiment = self.client.get_experiment_by_name(project)
        place = experiment.experiment_id if experiment else self.client.create_experiment(project)
        self.id = self.client.create_run(place, run_name=run.folder.absolute().name).info.run_id
        for key, value in _config(run).items():
            self.client.log_param(self.id, NO_NAME.sub("_", key), value)
        return self.id

    def scalars(self, values: Mapping[str, float], images_seen: int) -> None:
        now = int(1000 * time.time())
        metrics = [self.module.entities.Metric(name, value, now, images_seen) for name, value in values.items()]
        self.client.log_batch(self.id, metrics=metrics)

    def image(self, picture: Image, images_seen: int) -> None:
        self.client.log_image(self.id, picture, key=PREVIEWS, step=images_seen)

    def finish(self) -> None:
        self.client.set_terminated(self.id)


class Trackio(Service):
    """A run of Trackio: `trackio show`."""

    def start(self, run: Run, known: str | None) -> str:
        name = known or _new_name(run)  # Trackio knows runs by their names
        self.run = self.module.init(
            project=self.project or PROJECT, name=name, config=_config(run), resume="allow", embed=False
        )
        return name

    def scalars(self, values: Mapping[str, float], images_seen: int) -> None:
        self.run.log(dict(values), step=images_seen)

    def image(self, picture: Image, images_seen: int) -> None:
        self.run.log({PREVIEWS: self.module.Image(picture)}, step=images_seen)

    def finish(self) -> None:
        self.module.finish()


# Each tracker, and the module that it needs.
TRACKERS: dict[str, tuple[Any, str]] = {
    "tensorboard": (TensorBoard, "torch.utils.tensorboard"),
    "wandb": (WandB, "wandb"),
    "mlflow": (MLflow, "mlflow"),
    "trackio": (Trackio, "trackio"),
}


def _config(run: Run) -> dict[str, Any]:
    """The config of a run by its keys, as in `training.batch_size`."""
    return flat(run.plan())


def _new_name(run: Run) -> str:
    """The folder's name, made unique: another run may have a folder of that name elsewhere."""
    return f"{run.folder.absolute().name}-{uuid.uuid4().hex[:6]}"
