"""The run folder: what a training writes and everything else reads."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from PIL import Image

from nevoa._util.arguments import path_of
from nevoa._util.files import append_line, published, read_json, read_lines, read_text, sync, write_bytes, write_text
from nevoa.config import Config, Plan, toml
from nevoa.config.options import given
from nevoa.errors import NevoaError
from nevoa.runs.layout import RunFiles
from nevoa.runs.missing import check_has_model, not_a_run
from nevoa.runs.packaged import PACKAGED, named

if TYPE_CHECKING:
    from torch import nn

    from nevoa.model import Model
    from nevoa.objects import Objects
    from nevoa.parallel.device import DeviceWish


class ObjectOptions(TypedDict, total=False):
    """Objects that a run was trained with in place of names: see `nevoa.objects.Objects`.

    Example:
        >>> objects: ObjectOptions = {"network": network, "loss": loss_per_image}
    """

    network: "nn.Module | None"
    schedule: Any
    loss: Any


@dataclass(frozen=True)
class Run(RunFiles):
    """One run folder, by the names of its parts.

    Example:
        >>> run = nevoa.Run("runs/fashion_mnist-quick")
        >>> losses = [line["loss"] for line in run.metrics()]
        >>> images = run.model().sample(64)
    """

    objects: "Objects | None" = field(default=None, compare=False, repr=False)

    def config(self) -> Config:
        """Read the config: what was asked. A NevoaError if it is missing or damaged."""
        return toml.read_toml(self.config_file, Config)

    def plan(self) -> Plan:
        """Read the plan: what was decided. A NevoaError if it is missing or damaged."""
        if not self.exists:
            raise not_a_run(self)
        return toml.read_toml(self.plan_file, Plan)

    def last_plan(self) -> Plan:
        """The plan of the newest checkpoint with an undamaged one; without any, the run's own, which may be edited."""
        from nevoa.runs.checkpoint import checkpoints, saved_plan

        if not self.exists and not checkpoints(self.checkpoints):
            raise not_a_run(self)
        return saved_plan(self.checkpoints) or self.plan()

    def write(self, config: Config, plan: Plan) -> None:
        """Write what was asked, and what was decided, where it differs from what is there."""
        for path, section in ((self.config_file, config), (self.plan_file, plan)):
            text, present = toml.to_toml(section), None
            with suppress(NevoaError):  # one that cannot be read is written anew
                present = read_text(path)
            if present != text:
                write_text(path, text)

    def metrics(self) -> Iterator[dict[str, Any]]:
        """Read the lines of the metrics, up to the first invalid one: a crash may tear the last line."""
        for line in read_lines(self.metrics_file):
            if not isinstance(line.get("images_seen"), int):
                return
            yield line

    def append_metrics(self, line: Mapping[str, Any]) -> None:
        """Append one line to the metrics."""
        append_line(self.metrics_file, json.dumps(line))

    def cut(self, images_seen: int) -> None:
        """Drop torn metrics, and metrics and previews after `images_seen`: a resumed training adds its own."""
        lines = [line for line in self.metrics() if line["images_seen"] <= images_seen]
        write_text(self.metrics_file, "".join(json.dumps(line) + "\n" for line in lines))
        for path in self.previews():
            if path.stem.isdecimal() and int(path.stem) > images_seen:
                path.unlink()

    def flush_metrics(self) -> None:
        """Flush the metrics and the journal to the disk."""
        for path in (self.metrics_file, self.journal_file):
            if path.exists():
                sync(path)

    def save_loss_curve(self) -> None:
        """Draw the loss of the metrics, if there is any, in place of an earlier picture."""
        from nevoa.pictures import loss_curve

        lines = [line for line in self.metrics() if line.get("loss") is not None]
        if lines:
            _save_picture(self.loss_file, loss_curve(lines))

    def previews(self) -> list[Path]:
        """Paths of the preview pictures, oldest first."""
        return sorted(self.previews_folder.glob("*.png"))

    def save_preview(self, images_seen: int, picture: Image.Image) -> None:
        """Save a preview picture. Its name is the number of images seen."""
        _save_picture(self.previews_folder / f"{images_seen:012d}.png", picture)

    def picture_names(self) -> Iterator[Path]:
        """Names for pictures that are sampled from the run: images/0001.png, images/0002.png, …"""
        return (self.pictures_folder / f"{number:04d}.png" for number in count(1))

    def evaluation_files(self) -> list[Path]:
        """Paths of the reports, newest first."""
        files = self.evaluations_folder.glob("*.json")
        return sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)

    def evaluations(self) -> Iterator[dict[str, Any]]:
        """Read the reports, newest first. Damaged ones are skipped."""
        for path in self.evaluation_files():
            with suppress(NevoaError):
                yield read_json(path)

    def evaluation_file(self, name: str) -> Path:
        """Path of the report of that name; its picture is beside it."""
        return self.evaluations_folder / f"{name}.json"

    def save_evaluation(self, name: str, values: Mapping[str, Any], sheet: Image.Image | None = None) -> Path:
        """Write a report, and its picture if there is one, in place of an earlier one of that name. Return its path."""
        path = self.evaluation_file(name)
        write_text(path, json.dumps(values, indent=2) + "\n")
        if sheet is not None:
            _save_picture(path.with_suffix(".png"), sheet)
        return path

    def model(self, device: "DeviceWish" = "auto", **objects: Any) -> "Model":
        """Load the averaged model, ready to make images. Objects are those that it was trained with; see `load`."""
        return load(self.folder, device, **({**vars(self.objects), **objects} if self.objects else objects))

    def _repr_html_(self) -> str:
        """The run in a notebook: status, images seen, loss curve and newest preview, as far as they can be read."""
        from nevoa.pictures import html_page, loss_curve
        from nevoa.runs.checkpoint import newest_saved
        from nevoa.runs.lock import status_of

        rows, pictures = {"status": "unknown", "images seen": "unknown"}, {}
        with suppress(Exception):
            rows["status"] = ": ".join(filter(None, status_of(self))) if self.exists else "not started"
        with suppress(Exception):
            seen = [newest_saved(self.checkpoints), *(line["images_seen"] for line in self.metrics())]
            rows["images seen"] = f"{max(seen):,}"
        with suppress(Exception):
            pictures["loss"] = loss_curve(self.metrics())
        with suppress(Exception):
            pictures["newest preview"] = Image.open(self.previews()[-1]).copy()
        return html_page(self.folder.absolute().name, rows, pictures)

    def publish_model(self, model: "Model") -> None:
        """Write the model for `load`, in place of an earlier one."""
        from nevoa.runs.model_files import publish

        publish(model, self.weights_file, self.model_config_file)

    def write_adapters(self, config: bytes, weights: bytes) -> None:
        """Write the adapters of the model as files of peft, in place of earlier ones."""
        write_bytes(self.adapters_config_file, config)
        write_bytes(self.adapters_file, weights)


def load(
    folder: str | os.PathLike[str] = PACKAGED, device: "DeviceWish" = "auto", **objects: Unpack[ObjectOptions]
) -> "Model":
    """Load the model of a run folder, or one that comes with nevoa. A NevoaError says what is missing or does not fit.

    Args:
        folder: a run, or the name of a packaged model.
        objects: network, schedule and loss if the run was trained with objects in place of names.

    Example:
        >>> images = nevoa.load("runs/fashion_mnist-quick").sample(64)
    """
    given(load, objects, ObjectOptions)
    run = Run(named(path_of("The run", folder)))
    check_has_model(run)
    from nevoa.objects import Objects
    from nevoa.runs.model_files import read

    model = read(run.weights_file, run.model_config_file, device, Objects(**objects))
    return replace(model, place=str(run.folder.absolute()))


def _save_picture(path: Path, picture: Image.Image) -> None:
    with published(path) as temporary:
        picture.save(temporary)
