"""The networks of all presets predict in the browser what they predict in torch."""

from typing import Any

import numpy as np
import pytest
import torch

from nevoa.conditions import conditions_of
from nevoa.config.registry import PRESETS
from nevoa.diffusion import Autoguided
from nevoa.formats.webpage.tape import ends_of
from nevoa.formats.webpage.weights import rounded
from nevoa.training.by_size import network_for
from tests.formats.small_models import CLASSES, FOLDED, small_model
from tests.formats.webpage.library import ENGINES, KINDS, Engine, Library, pictures

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
    network = network_for((3, 28, 28), PRESETS[preset]["network"], details=False) | {"dim": 8}
    return network | ({"attention": (False, True, False, False)} if preset == "ddpm-cifar10" else {})


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("preset", PRESETS)
def test_a_prediction_is_that_of_torch(preset: str, engine: Engine, library: Library) -> None:
    model = small_model(network_of(preset), **MODELS[preset])
    rounded(model.network)
    x, t, count = torch.randn(2, *model.shape), torch.full((2,), 31), len(model.classes)
    labels = torch.tensor([1, count]) if count else None
    found = library.predicted(model.network, x, 31, labels, engine, count)
    with torch.no_grad():
        expected = model.network(x, t, *([] if labels is None else [labels])).numpy()
    assert abs(found - expected).max() < 2e-5 * max(1, abs(expected).max())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_guide_is_computed_only_where_it_has_a_weight(engine: Engine, library: Library) -> None:
    """One of NaN does not show at other timesteps, and one of numbers does where it belongs."""
    model = small_model(FOLDED, (3, 8, 8), CLASSES, guided=True)
    assert model.guide is not None
    network, x, labels = model.guided(2.0), torch.randn(2, *model.shape), torch.tensor([0, 1])
    assert isinstance(network, Autoguided)
    first, last = ends_of(network.extra)
    for one in (model.network, model.guide):
        rounded(one)
    for t in (first - 1, first, last, last + 1):
        is_guided = first <= t <= last
        found = library.predicted(network, x, t, labels, engine, len(CLASSES))
        with torch.no_grad():
            expected = (network if is_guided else model.network)(x, torch.full((2,), t), labels).numpy()
        assert abs(found - expected).max() < 2e-5 * max(1, abs(expected).max())
    for parameter in model.guide.parameters():
        parameter.data.fill_(torch.nan)
    alone = library.predicted(network, x, last + 1, labels, engine, len(CLASSES))
    assert np.array_equal(alone, found)
    assert np.isnan(library.predicted(network, x, last, labels, engine, len(CLASSES))).all()


# Kinds of network that differ in what they do with a condition; all kinds of condition, and one alone.
SIZE = 3, 9, 7
ASKED: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "everything": ("photos", CLASSES, KINDS | pictures("edges", "masked", shape=SIZE)),
    "texts": ("quick", (), {"text": KINDS["text"]}),
    "pictures": ("classic", (), pictures("gray", shape=SIZE)),
}


def drawn(channels: int, seed: int) -> np.ndarray:
    """A picture of any pixels, of which some are missing."""
    values = np.random.default_rng(seed).integers(0, 256, (*SIZE[1:], channels + 1), np.uint8)
    values[..., -1] = 255 * (values[..., -1] > 100)
    return values


WISHES: dict[str, list[Any]] = {
    "class": [2, None, 0, 1],
    "text": ["a red hat", "one two three four five six, and more", None, "ação 🐱"],
    "tags": [["smile", "hat"], None, ["red"], []],
    "number:age": [30.5, 2, None, 90],
    "edges": [drawn(1, 0), None, drawn(1, 1), None],
    "masked": [None, None, drawn(3, 2), drawn(3, 3)],
    "gray": [drawn(1, 0), drawn(1, 1), None, drawn(1, 1)],
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ASKED)
def test_what_is_asked_of_an_image_is_that_of_torch(name: str, engine: Engine, library: Library) -> None:
    """Texts of no word, of some and of more than are read; no tags, and nothing asked of them; the ends of a range."""
    preset, classes, kinds = ASKED[name]
    model = small_model(network_of(preset), SIZE, classes, conditions=kinds)
    rounded(model.network)
    x, conditions = torch.randn(4, *model.shape), conditions_of(model.plan)
    condition = conditions.of({kind: WISHES[kind] for kind in conditions.kinds}, 4)
    found = library.predicted(model.network, x, 31, condition, engine, len(classes), model.plan.conditions)
    with torch.no_grad():
        expected, unasked = (
            model.network(x, torch.full((4,), 31), one).numpy() for one in (condition, conditions.of({}, 4))
        )
    assert abs(found - expected).max() < 2e-5 * max(1, abs(expected).max())
    assert (abs(expected - unasked).max(axis=(1, 2, 3)) > 1e-3).sum() == (4 if classes else 3)


def test_half_precision_is_that_of_numpy(library: Library) -> None:
    """All 65,536 patterns but infinities and NaN, which weights do not have."""
    bits = np.arange(65536, dtype=np.uint16)
    bits = bits[np.isfinite(bits.view(np.float16))]
    found = library("async ([bits]) => Array.from(nevoa.floats(Uint16Array.from(bits)))", bits.tolist())
    assert np.array_equal(np.array(found, np.float32), bits.view(np.float16).astype(np.float32))
