"""The networks of all presets predict in the browser what they predict in torch."""

from typing import Any

import numpy as np
import pytest
import torch

from nevoa.config.registry import PRESETS
from nevoa.formats.webpage.weights import rounded
from tests.formats.small_models import CLASSES, small_model
from tests.formats.webpage.library import ENGINES, Engine, Library

pytestmark = pytest.mark.slow

MODELS: dict[str, dict[str, Any]] = {
    "quick": {"classes": CLASSES, "shape": (1, 10, 12)},
    "classic": {"shape": (1, 13, 10)},
    "ddpm-cifar10": {"shape": (3, 8, 8)},
    "flow": {"shape": (3, 9, 7)},
    "photos": {"classes": CLASSES, "shape": (3, 12, 10)},
}


def network_of(preset: str) -> dict[str, Any]:
    """The network of a preset, as narrow as it can be."""
    network = PRESETS[preset]["network"] | {"dim": 8}  # pyright: ignore[reportArgumentType]
    return network | ({"attention": (False, True, False, False)} if preset == "ddpm-cifar10" else {})


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("preset", PRESETS)
def test_a_prediction_is_that_of_torch(preset: str, engine: Engine, library: Library) -> None:
    model = small_model(network_of(preset), **MODELS[preset])
    rounded(model.network)
    x, t, count = torch.randn(2, *model.shape), torch.full((2,), 31), len(model.classes)
    labels = [1, count] if count else [0, 0]
    found = library.predicted(model.network, x, 31, labels, count, engine)
    with torch.no_grad():
        expected = model.network(x, t, *([torch.tensor(labels)] if count else [])).numpy()
    assert abs(found - expected).max() < 2e-5 * max(1, abs(expected).max())


def test_half_precision_is_that_of_numpy(library: Library) -> None:
    """All 65,536 patterns but infinities and NaN, which weights do not have."""
    bits = np.arange(65536, dtype=np.uint16)
    bits = bits[np.isfinite(bits.view(np.float16))]
    found = library("async ([bits]) => Array.from(nevoa.floats(Uint16Array.from(bits)))", bits.tolist())
    assert np.array_equal(np.array(found, np.float32), bits.view(np.float16).astype(np.float32))
