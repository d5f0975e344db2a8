"""The modules of the page, in a real browser, called from Python."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from playwright.sync_api import Browser
from torch import nn

from nevoa.formats.webpage.page import WORKER, joined, kernels
from nevoa.formats.webpage.tape import recorded
from nevoa.formats.webpage.weights import block_of
from nevoa.model import Model, Shape

Engine = Literal["javascript", "wasm", "wasm-fma", "webgpu"]
ENGINES: tuple[Engine, ...] = ("javascript", "wasm", "wasm-fma", "webgpu")
# WebGPU, computed by the processor.
GPU = "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"

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
        self, network: nn.Module, x: torch.Tensor, t: int, labels: Sequence[int], classes: int, engine: Engine
    ) -> np.ndarray:
        """What a network predicts for images `[B, C, H, W]` in an engine."""
        code = """async ([given, x, t, labels]) => {
          const engine = await opened(given);
          return Array.from(await engine.evaluate(Float32Array.from(x), t, labels.map((label) => [label])));
        }"""
        _, channels, height, width = x.shape
        found = self(
            code, package(network, (channels, height, width), classes, engine), x.flatten().tolist(), t, [*labels]
        )
        return np.array(found, np.float32).reshape(x.shape)


def package(network: nn.Module, shape: Shape, classes: int, engine: Engine) -> list[Any]:
    """A network as `opened` takes it."""
    about, block = block_of(recorded(network, shape, classes))
    return [about, base64.b64encode(block).decode(), engine, kernels()]


def opened(model: Model, engine: Engine, autoguidance: float = 1.0) -> list[Any]:
    """The network of a model as `opened` takes it."""
    return package(model.guided(autoguidance), model.shape, len(model.classes), engine)
