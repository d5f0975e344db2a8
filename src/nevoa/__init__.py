"""nevoa trains denoising diffusion models on small images, and makes new ones.

Example:
    >>> import nevoa
    >>> run = nevoa.train("fashion_mnist_10k", minutes=5)
    >>> images = nevoa.load(run.folder).sample(64)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nevoa.version import __version__ as __version__

if TYPE_CHECKING:
    from nevoa.commands.blending import blending as blending
    from nevoa.commands.compare import compare as compare
    from nevoa.commands.continue_ import continue_ as continue_
    from nevoa.commands.distill import distill as distill
    from nevoa.commands.enlarging import cascade as cascade
    from nevoa.commands.enlarging import upscaling as upscaling
    from nevoa.commands.evaluate import evaluate as evaluate
    from nevoa.commands.evaluate import sweep as sweep
    from nevoa.commands.export import export as export
    from nevoa.commands.from_images import inpainting as inpainting
    from nevoa.commands.from_images import interpolation as interpolation
    from nevoa.commands.from_images import variations as variations
    from nevoa.commands.load import load as load
    from nevoa.commands.noise import noise as noise
    from nevoa.commands.push import push as push
    from nevoa.commands.sample import sample as sample
    from nevoa.commands.train import train as train
    from nevoa.commands.upscale import upscale as upscale
    from nevoa.commands.verify import verify as verify
    from nevoa.config import Config as Config
    from nevoa.config.presets import configure as configure
    from nevoa.config.registry import register as register
    from nevoa.data import ImageSet as ImageSet
    from nevoa.errors import NevoaError as NevoaError
    from nevoa.model import Model as Model
    from nevoa.pictures import show as show
    from nevoa.runs import Run as Run
    from nevoa.training import fit as fit

# Looked up on first use, so that `nevoa --help` does not wait for torch.
_HOMES = {
    "Config": "nevoa.config",
    "ImageSet": "nevoa.data",
    "Model": "nevoa.model",
    "NevoaError": "nevoa.errors",
    "Run": "nevoa.runs",
    "blending": "nevoa.commands.blending",
    "cascade": "nevoa.commands.enlarging",
    "compare": "nevoa.commands.compare",
    "configure": "nevoa.config.presets",
    "continue_": "nevoa.commands.continue_",
    "distill": "nevoa.commands.distill",
    "evaluate": "nevoa.commands.evaluate",
    "export": "nevoa.commands.export",
    "fit": "nevoa.training",
    "inpainting": "nevoa.commands.from_images",
    "interpolation": "nevoa.commands.from_images",
    "load": "nevoa.commands.load",
    "noise": "nevoa.commands.noise",
    "push": "nevoa.commands.push",
    "register": "nevoa.config.registry",
    "sample": "nevoa.commands.sample",
    "show": "nevoa.pictures",
    "sweep": "nevoa.commands.evaluate",
    "train": "nevoa.commands.train",
    "upscale": "nevoa.commands.upscale",
    "upscaling": "nevoa.commands.enlarging",
    "variations": "nevoa.commands.from_images",
    "verify": "nevoa.commands.verify",
}

_ROOMS = (
    *("commands", "config", "data", "diffusion", "distillation", "errors", "evaluation", "features", "formats"),
    "lessons",
    *("model", "networks", "objects", "pictures", "runs", "sampling", "trackers", "training"),
)

__all__ = ("__version__", *_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return import_module(f"nevoa.{name}")
    raise AttributeError(f"module 'nevoa' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted((*__all__, *_ROOMS))
