"""A model as a web page, which makes new images in the browser of whoever opens it, without a server."""

import base64
import zlib
from pathlib import Path
from typing import Any

import torch

from nevoa.data import Picture
from nevoa.errors import NevoaError
from nevoa.formats import Export
from nevoa.formats.webpage.description import CONDITIONS, EVALUATIONS, PREDICTIONS, about, kinds_of, prompts_of, ways
from nevoa.formats.webpage.page import STYLE, kernels, page_of
from nevoa.formats.webpage.tape import recorded
from nevoa.formats.webpage.weights import block_of
from nevoa.model import Model

__all__ = ["STYLE", "export"]

# Phones with little memory close a page that is larger.
LARGEST_BYTES = 100_000_000


def export(model: Model, path: Path, force: bool = False, picture: Picture | None = None, **options: Any) -> str:
    """Write a model as a web page. Return its size, in words.

    With weights in float16, the page makes the images that `nevoa sample` makes of a seed, by DDPM, DDIM, DPM-Solver++
    and the run's own sampler. It computes with WebGPU or WebAssembly, and needs no server.

    Args:
        path: a .html file, which holds everything; or a folder for a web server, with the weights beside index.html,
            so that browsers can keep them.
        force: whether to write a page of more than 100 MB.
        picture: what the canvas of a model of pictures begins with: a file, a PIL image or a uint8 array. The page
            holds it. Without one the canvas is empty.
        options: sampling options in place of the model's own.

    Raises:
        NevoaError: the network computes something that the page cannot, the page would be too large, or the picture
            is none that the model could be asked for.
    """
    settings = model.settings(**options)
    EXPORT.check(model, settings)
    sampling = ways(model, **options)
    guided = model.guided(settings.autoguidance)
    network, weights = block_of(recorded(guided, model.shape, len(model.classes), model.plan.conditions))
    tables = torch.cat([model.schedule.signal, model.schedule.noise]).numpy().tobytes()
    block = tables + weights
    if len(block) > LARGEST_BYTES * 3 // 4 and not force:
        raise NevoaError(
            f"The page would have {len(block) * 4 // 3 / 1e6:,.0f} MB, more than phones open: train a smaller network, "
            "or write it all the same with --force."
        )
    package = {
        "program": network,
        "first": len(tables),
        "checksum": zlib.crc32(block),
        "wasm": kernels(),
        "shape": list(model.shape),
        "prediction": model.plan.diffusion.prediction,
        "classes": list(model.classes),
        "conditions": kinds_of(model.plan, prompts_of(model), picture),
    }
    size = _write(path, {"package": package, "about": about(model), "sampling": sampling}, block)
    return f"{size / 1e6:,.1f} MB"


EXPORT = Export(
    export, (".html", ""), "The web page", samplers=EVALUATIONS, predictions=PREDICTIONS, conditions=CONDITIONS
)


def _write(path: Path, data: dict[str, Any], block: bytes) -> int:
    if path.suffix:
        text = page_of(data, base64.b64encode(block).decode())
        path.write_text(text, encoding="utf-8")
        return len(text.encode())
    # Another model gets another name, however long browsers keep this one.
    name = f"weights-{zlib.crc32(block):08x}.bin"
    text = page_of(data, "", name)
    path.mkdir(exist_ok=True)
    (path / "index.html").write_text(text, encoding="utf-8")
    (path / name).write_bytes(block)
    return len(text.encode()) + len(block)
