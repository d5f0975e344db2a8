"""The run folder: what training leaves, and everything else reads."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nevoa import config as configs
from nevoa.config import Config
from nevoa.errors import NevoaError
from nevoa._util.files import append_line, damaged, read_json, read_lines, sha256, write_bytes, write_text

if TYPE_CHECKING:
    from nevoa.model import Model

RUNS = Path("runs")
# The run that comes with the package: Fashion-MNIST, weights in half precision, its card with scores.
PACKAGED = Path(__file__).parents[1] / "packaged" / "fashion_mnist"
MODEL_FORMAT = 1
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Run:
    """One run folder. The paths are where its parts are, whether or not they are there yet."""

    folder: Path

    @property
    def config_file(self) -> Path:
        return self.folder / "config.toml"

    @property
    def metrics_file(self) -> Path:
        return self.folder / "metrics.jsonl"

    @property
    def status_file(self) -> Path:
        return self.folder / "status.json"

    @property
    def lock_file(self) -> Path:
        return self.folder / "trainer.lock"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def samples(self) -> Path:
        return self.folder / "samples"

    @property
    def evaluations(self) -> Path:
        return self.folder / "evaluation"

    @property
    def weights_file(self) -> Path:
        return self.folder / "model" / "model.safetensors"

    @property
    def model_config_file(self) -> Path:
        return self.folder / "model" / "config.json"

    @property
    def card(self) -> Path:
        return self.folder / "README.md"

    def config(self) -> Config:
        """The resolved config it was started with."""
        return configs.read_toml(self.config_file)

    def model(self, device: configs.DeviceWish = "auto") -> "Model":
        """The averaged model, ready to make images."""
        return load(self.folder, device)

    def metrics(self) -> Iterator[dict[str, Any]]:
        """The lines of metrics.jsonl, up to one that is torn or no line of metrics."""
        for line in read_lines(self.metrics_file):
            if not isinstance(line.get("images_seen"), int):
                return
            yield line

    def append_metrics(self, line: dict[str, Any]) -> None:
        """Add one line."""
        append_line(self.metrics_file, json.dumps(line))

    def cut_metrics(self, images_seen: int) -> None:
        """Drop the lines past a checkpoint, and a torn one: what a resumed run appends follows on."""
        lines = [line for line in self.metrics() if line["images_seen"] <= images_seen]
        write_text(self.metrics_file, "".join(json.dumps(line) + "\n" for line in lines))

    def publish_model(self, model: "Model") -> None:
        """Put the model where `load` finds it: weights, and beside them what they are and their sha256.

        Two files cannot appear at once: until both are there, the second names the weights before as well.
        """
        from nevoa._util.tensors import packed

        weights = packed(model.network.state_dict().items())
        about = {
            "format": MODEL_FORMAT,
            "shape": list(model.shape),
            "sha256": hashlib.sha256(weights).hexdigest(),
            "config": model.config.model_dump(mode="json"),
        }
        before = sha256(self.weights_file) if self.weights_file.exists() else None
        write_text(self.model_config_file, json.dumps(about | {"before": before}, indent=2) + "\n")
        write_bytes(self.weights_file, weights)
        write_text(self.model_config_file, json.dumps(about, indent=2) + "\n")


def load(folder: str | os.PathLike[str] = PACKAGED, device: configs.DeviceWish = "auto") -> "Model":
    """The model in a run folder, or the one in this package. A NevoaError says what is missing or does not fit."""
    from nevoa._util.device import choose_device
    from nevoa.model import Model
    from nevoa.networks import network_shapes, restored_network
    from nevoa._util.tensors import check_shapes, read_tensors

    run = Run(Path(folder))
    if not run.weights_file.is_file():
        near = RUNS / run.folder.name
        hint = f"Did you mean {near}?" if Run(near).weights_file.is_file() else "'nevoa runs' lists those there are."
        raise NevoaError(f"{folder} is not a run with a model: there is no {run.weights_file}. {hint}")
    config, shape = about_model(run.model_config_file)
    # Before a number of the network is made: what a damaged config describes may be larger than any memory.
    check_shapes(run.weights_file, network_shapes(config.network, shape[0], len(config.classes)))
    network = restored_network(config.network, shape[0], len(config.classes), read_tensors(run.weights_file))
    chosen = choose_device(device)
    # A precision was found fast on the device it was trained on; elsewhere float32 is safe.
    precision = config.training.known_precision if chosen == config.training.device else "float32"
    return Model(config, network.eval(), shape, precision=precision).to(chosen)


def about_model(path: Path) -> tuple[Config, Shape]:
    """The config and image shape (C, H, W) in a model's config.json. A NevoaError if there are none."""
    about = read_json(path)
    if about.get("format") != MODEL_FORMAT:
        raise NevoaError(f"{path} has format {about.get('format')}; this nevoa reads {MODEL_FORMAT}.")
    try:
        shape = about["shape"]
        if not (len(shape) == 3 and all(isinstance(side, int) and 1 <= side <= configs.LARGEST_SIDE for side in shape)):
            raise ValueError("shape is [channels, height, width]")
        channels, height, width = shape
        return configs.parse(about["config"]), (channels, height, width)
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(path, error) from error


def newest_run(folder: Path = RUNS) -> Path:
    """The run below `folder` whose model was written last."""
    models = sorted(folder.glob("*/model/model.safetensors"), key=lambda file: file.stat().st_mtime)
    if not models:
        raise NevoaError(
            f"There is no finished run in {folder}/ yet. Start one with 'nevoa train', or name a run folder."
        )
    return models[-1].parents[1]
