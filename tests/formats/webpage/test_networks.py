"""The networks of all presets predict in the browser what they predict in torch."""

from typing import Any

import numpy as np
import pytest
import torch

from nevoa.config.registry import PRESETS
from nevoa.diffusion import Autoguided
from nevoa.formats.webpage.tape import ends_of
from nevoa.formats.webpage.weights import rounded
from tests.formats.small_models import CLASSES, FOLDED, small_model
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


@pytest.mark.parametrize("engine", ENGINES)
def test_a_guide_is_computed_only_where_it_has_a_weight(engine: Engine, library: Library) -> None:
    """One of NaN does not show at other timesteps, and one of numbers does where it belongs."""
    model = small_model(FOLDED, (3, 8, 8), CLASSES, guided=True)
    assert model.guide is not None
    network, x = model.guided(2.0), torch.randn(2, *model.shape)
    assert isinstance(network, Autoguided)
    first, last = ends_of(network.extra)
    for one in (model.network, model.guide):
        rounded(one)
    for t in (first - 1, first, last, last + 1):
        is_guided = first <= t <= last
        found = library.predicted(network, x, t, [0, 1], len(CLASSES), engine)
        with torch.no_grad():
            expected = (network if is_guided else model.network)(x, torch.full((2,), t), torch.tensor([0, 1])).numpy()
        assert abs(found - expected).max() < 2e-5 * max(1, abs(expected).max())
    for parameter in model.guide.parameters():
        parameter.data.fill_(torch.nan)
    alone = library.predicted(network, x, last + 1, [0, 1], len(CLASSES), engine)
    assert np.array_equal(alone, found)
    assert np.isnan(library.predicted(network, x, last, [0, 1], len(CLASSES), engine)).all()


def test_half_precision_is_that_of_numpy(library: Library) -> None:
    """All 65,536 patterns but infinities and NaN, which weights do not have."""
    bits = np.arange(65536, dtype=np.uint16)
    bits = bits[np.isfinite(bits.view(np.float16))]
    found = library("async ([bits]) => Array.from(nevoa.floats(Uint16Array.from(bits)))", bits.tolist())
    assert np.array_equal(np.array(found, np.float32), bits.view(np.float16).astype(np.float32))
