"""The run folder: what training leaves, and everything else reads."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from nevoa import config as configs
from nevoa.config import Config
from nevoa.device import choose_device, prepare
from nevoa.errors import NevoaError
from nevoa.files import published, write_text
from nevoa.model import Model, fresh_network

RUNS = Path("runs")
# The run that comes with the package: Fashion-MNIST, weights in half precision, its card with scores.
PACKAGED = Path(__file__).parent / "packaged" / "fashion_mnist"


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
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def samples(self) -> Path:
        return self.folder / "samples"

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

    def model(self, device: configs.DeviceWish = "auto") -> Model:
        """The averaged model, ready to make images."""
        return load(self.folder, device)

    def metrics(self) -> Iterator[dict[str, Any]]:
        """The lines of metrics.jsonl; a torn last line is left out."""
        if not self.metrics_file.exists():
            return
        for line in self.metrics_file.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                return

    def append_metrics(self, line: dict[str, Any]) -> None:
        """Add one line."""
        with self.metrics_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def cut_metrics(self, images_seen: int) -> None:
        """Drop the lines past a checkpoint, and a torn one: what a resumed run appends follows on."""
        lines = [line for line in self.metrics() if line["images_seen"] <= images_seen]
        write_text(self.metrics_file, "".join(json.dumps(line) + "\n" for line in lines))

    def publish_model(self, model: Model) -> None:
        """Put the model where `load` finds it, the weights last and whole."""
        about = {"format": 1, "shape": list(model.shape), "config": model.config.model_dump(mode="json")}
        write_text(self.model_config_file, json.dumps(about, indent=2) + "\n")
        with published(self.weights_file) as temporary:
            tensors = {name: tensor.contiguous().cpu() for name, tensor in model.network.state_dict().items()}
            save_file(tensors, temporary)


def load(folder: str | os.PathLike[str] = PACKAGED, device: configs.DeviceWish = "auto") -> Model:
    """The model in a run folder, or the one in this package. A NevoaError says what is missing or does not fit."""
    run = Run(Path(folder))
    if not run.weights_file.is_file():
        raise NevoaError(
            f"{folder} is not a run with a model: there is no {run.weights_file}. 'nevoa train' makes one."
        )
    config, shape = _about(run.model_config_file)
    network = fresh_network(config, shape)
    _load_weights(network, run.weights_file)
    chosen = choose_device(device)
    prepare(chosen)
    # A precision was found fast on the device it was trained on; elsewhere float32 is safe.
    precision = config.training.known_precision if chosen == config.training.device else "float32"
    return Model(config, network.eval(), shape, precision=precision).to(chosen)


def newest_run(folder: Path = RUNS) -> Path:
    """The run below `folder` whose model was written last."""
    models = sorted(folder.glob("*/model/model.safetensors"), key=lambda file: file.stat().st_mtime)
    if not models:
        raise NevoaError(
            f"There is no finished run in {folder}/ yet. Start one with 'nevoa train', or name a run folder."
        )
    return models[-1].parents[1]


def load_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file. A NevoaError if it cannot be read."""
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise NevoaError(f"{path} is damaged or unreadable: {error}.") from error


def _about(path: Path) -> tuple[Config, tuple[int, int, int]]:
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        channels, height, width = map(int, about["shape"])
        return configs.parse(about["config"]), (channels, height, width)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NevoaError(f"{path} is damaged or unreadable: {error}.") from error


def _load_weights(network: nn.Module, path: Path) -> None:
    try:
        network.load_state_dict(load_tensors(path))
    except RuntimeError as error:
        raise NevoaError(f"The weights in {path} do not fit the network of its config.") from error
