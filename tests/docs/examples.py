"""Run the examples in the docstrings of all public functions and classes, and print what is wrong with them.

A process of its own: tests refuse text in place of a `Path`, which examples use as users do.
"""

import contextlib
import doctest
import importlib
import inspect
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import nevoa
from nevoa.config import Config, DataConfig, NetworkConfig, UNetConfig
from nevoa.data import ImageSet
from nevoa.evaluation import Protocol, Reference, Samples, measure
from nevoa.features import load_feature_network, random_network

ROOMS = (
    "data",
    "diffusion",
    "distillation",
    "evaluation",
    "features",
    "lessons",
    "networks",
    "pictures",
    "runs",
    "sampling",
    "training",
)
FASHION = Path(nevoa.__file__).parent / "features" / "fashion_mnist"
# Examples that are not run, and why.
NOT_RUN = {
    "check_count": "needs all of Fashion-MNIST",
    "continue_": "takes minutes",
    "compare": "needs all of Fashion-MNIST",
    "distill": "takes minutes",
    "evaluate": "needs all of Fashion-MNIST",
    "fit": "takes minutes",
    "Epoch": "takes minutes",
    "load": "downloads a model",
    "measure": "needs all of Fashion-MNIST",
    "push": "needs the client of the Hub",
    "Reference": "needs all of Fashion-MNIST",
    "register": "gives a name to a network for good",
    "save_sweep": "takes minutes",
    "sweep": "needs all of Fashion-MNIST",
    "train": "takes minutes",
    "train_feature_network": "takes minutes",
    "verify": "needs all of Fashion-MNIST",
}
TINY = (
    *("network.dim=8", "network.multipliers=[1]", "network.attention=[false]", "training.batch_size=8"),
    *("diffusion.timesteps=20", "sampling.steps=4", "training.precision=float32", "training.threads=1"),
)


def public() -> dict[str, Any]:
    """Every public function and class, by name."""
    modules = [nevoa, *(importlib.import_module(f"nevoa.{room}") for room in ROOMS)]
    found = {f"{module.__name__}.{name}": getattr(module, name) for module in modules for name in module.__all__}
    return {name: each for name, each in found.items() if inspect.isclass(each) or inspect.isfunction(each)}


def tiny(**options: Any) -> Config:
    return nevoa.configure("fashion_mnist_10k", steps=2, limit=16, options=TINY, **options)


def fill(folder: Path, images: np.ndarray) -> None:
    """Make what examples expect in the current folder: runs, photos in two classes, an image and a mask."""
    for _ in nevoa.fit(tiny(), folder / "runs" / "clothes"):
        pass
    for _ in nevoa.fit(tiny(size=56, condition="downscaled:2"), folder / "runs" / "large"):
        pass
    shutil.copytree(folder / "runs" / "clothes", folder / "runs" / "fashion_mnist-quick")
    for number, pixels in enumerate(images[:8]):
        place = folder / "photos" / ("cat", "dog")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[:, :, 0]).save(place / f"{number}.png")
    for name in ("photo", "a", "b"):
        Image.fromarray(images[0, :, :, 0]).save(folder / f"{name}.png")
    Image.new("L", (28, 28), "white").save(folder / "mask.png")


def names(images: ImageSet) -> dict[str, Any]:
    """What examples use without making it: all public names, and small things by the names of the papers."""
    schedule = nevoa.diffusion.NoiseSchedule.cosine()
    network = nevoa.networks.ResidualUNet(1, dim=8, multipliers=(1,), attention=(False,), blocks=1, patch=2)
    denoiser = nevoa.diffusion.Denoiser(network, schedule, "v")
    x_0 = nevoa.data.to_unit(images.images[:4])
    reference = Reference("clothes", nevoa.NevoaError("There are no test images."), images, random_network(images))
    *_, report = measure(Samples("mine", images.images), Protocol(reference, 16), ["memorisation"])
    run = nevoa.Run(Path("runs/clothes"))
    return {
        **{name.rpartition(".")[2]: each for name, each in public().items()},
        "DataConfig": DataConfig,
        "NetworkConfig": NetworkConfig,
        "UNetConfig": UNetConfig,
        "Image": Image,
        "Path": Path,
        "nevoa": nevoa,
        "np": np,
        "torch": torch,
        "images": images.images,
        "config": tiny(),
        "run": run,
        "model": run.model("cpu"),
        "schedule": schedule,
        "network": network,
        "guide": network,
        "denoiser": denoiser,
        "noise": lambda: torch.randn_like(x_0),
        "x_0": x_0,
        "x_t": torch.randn_like(x_0),
        "x_0_hat": x_0,
        "t": torch.full((4,), 500),
        "output": x_0,
        "target": torch.randn_like(x_0),
        "reference": reference,
        "report": report,
        "feature_network": load_feature_network(FASHION),
    }


def failures(name: str, text: str, known: dict[str, Any]) -> str:
    """What doctest says about the examples in a docstring; nothing if they are true."""
    test = doctest.DocTestParser().get_doctest(text, known, name, None, None)
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL).run(test, out=said.append)
    return "".join(said)


def main() -> None:
    objects = {each.__name__: each for each in public().values()}
    images = nevoa.data.load_images("fashion_mnist_10k", limit=16)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        fill(Path(), images.images)
        known = names(images)
        for name in sorted(objects.keys() - NOT_RUN.keys()):
            sys.stdout.write(failures(name, inspect.getdoc(objects[name]) or "", dict(known)))


if __name__ == "__main__":
    main()
