"""The modules of the page, in a real browser, called from Python."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from playwright.sync_api import Browser
from torch import nn

from nevoa.config.condition import SEEN, ConditionPlan, seen_of
from nevoa.diffusion import Condition
from nevoa.formats.webpage.page import WORKER, joined, kernels
from nevoa.formats.webpage.tape import recorded
from nevoa.formats.webpage.weights import block_of
from nevoa.model import Model, Shape

Engine = Literal["javascript", "wasm", "wasm-fma", "webgpu"]
ENGINES: tuple[Engine, ...] = ("javascript", "wasm", "wasm-fma", "webgpu")
# WebGPU, computed by the processor.
GPU = "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"

EVERY_WORD = seen_of(b"\xff" * (SEEN // 8))
# Small ones of all that a page can be asked for besides classes.
KINDS: dict[str, dict[str, Any]] = {
    "text": {"kind": "text", "buckets": 64, "width": 16, "words": 6, "pieces": 5, "seen": EVERY_WORD},
    "tags": {"kind": "tags", "tags": ("hat", "red", "smile")},
    "number:age": {"kind": "number", "name": "age", "low": 2, "high": 90},
}


# Pictures that say what the image is in part.
KEPT = "downscaled", "gray", "masked"


def pictures(*kinds: str, shape: Shape = (3, 8, 8)) -> dict[str, dict[str, Any]]:
    """Conditions that are pictures of images of a shape; a factor may follow a kind, as in downscaled:4."""
    channels, height, width = shape
    size = {"channels": channels, "height": height, "width": width}
    return {
        kind: {"kind": kind, "factor": int(factor or 1), "consistent": kind in KEPT, **size}
        for kind, _, factor in (k.partition(":") for k in kinds)
    }


LIBRARY = "globalThis.nevoa = { " + ", ".join(f"...${name}" for name in WORKER) + " };"
OPEN = """
globalThis.opened = async ([program, block, name, kernels]) => {
  const shaped = nevoa.shaped(program), weights = nevoa.unpacked(shaped, nevoa.decoded(block).buffer);
  if (name === "javascript") return new nevoa.ProcessorEngine(shaped, weights);
  if (name === "webgpu") return await nevoa.gpuEngine(shaped, weights, true);
  const [fma, plain] = await Promise.all(kernels.map(nevoa.inflated));
  return nevoa.wasmEngine(shaped, weights, [name === "wasm" ? plain : fma]);
};
"""


class Library:
    """A blank page with the modules of the worker."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        blank = folder / "blank.html"
        blank.write_text("<!doctype html><title>blank</title>")
        self.page = browser.new_page()
        self.page.goto(blank.as_uri())
        self.page.add_script_tag(content=joined(WORKER, LIBRARY) + OPEN)

    def __call__(self, code: str, *values: Any) -> Any:
        """The value of an asynchronous function of JavaScript."""
        return self.page.evaluate(code, list(values))

    def predicted(
        self,
        network: nn.Module,
        x: torch.Tensor,
        t: int,
        condition: Condition | None,
        engine: Engine,
        classes: int = 0,
        conditions: Mapping[str, ConditionPlan] | None = None,
    ) -> np.ndarray:
        """What a network predicts for images `[B, C, H, W]` in an engine."""
        code = """async ([given, x, t, conditions]) => {
          const engine = await opened(given);
          return Array.from(await engine.evaluate(Float32Array.from(x), t, conditions));
        }"""
        shape: Any = x.shape[1:]
        given = package(network, shape, classes, engine, conditions)
        found = self(code, given, x.flatten().tolist(), t, numbers_of(condition, len(x)))
        return np.array(found, np.float32).reshape(x.shape)


def package(
    network: nn.Module,
    shape: Shape,
    classes: int,
    engine: Engine,
    conditions: Mapping[str, ConditionPlan] | None = None,
) -> list[Any]:
    """A network as `opened` takes it."""
    about, block = block_of(recorded(network, shape, classes, conditions))
    return [about, base64.b64encode(block).decode(), engine, kernels()]


def numbers_of(condition: Condition | None, count: int) -> list[list[list[float]]]:
    """The numbers of each tensor of the condition of each image."""
    tensors = condition.values() if isinstance(condition, Mapping) else [] if condition is None else [condition]
    return [[tensor[n].flatten().tolist() for tensor in tensors] for n in range(count)]


def opened(model: Model, engine: Engine, autoguidance: float = 1.0) -> list[Any]:
    """The network of a model as `opened` takes it."""
    return package(model.guided(autoguidance), model.shape, len(model.classes), engine, model.plan.conditions)
