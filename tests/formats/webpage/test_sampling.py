"""From the same noise the page makes the images that nevoa makes."""

from typing import Any

import numpy as np
import pytest

from nevoa.commands.from_images import inpainting
from nevoa.conditions import conditions_of
from nevoa.conditions.text import Text
from nevoa.config import parse
from nevoa.config.condition import TextPlan
from nevoa.data import to_bytes
from nevoa.formats.webpage.description import STEPS, kinds_of, ways
from nevoa.formats.webpage.weights import rounded
from nevoa.model import Model
from tests.formats.small_models import CLASSES, FOLDED, small_model
from tests.formats.webpage.library import ENGINES, KINDS, Engine, Library, opened, pictures

pytestmark = pytest.mark.slow

SAMPLE = """async ([given, model, images, way, kept]) => {
  const engine = await opened(given), states = [];
  model.schedule = { signal: Float64Array.from(model.schedule.signal), noise: Float64Array.from(model.schedule.noise) };
  if (kept) kept = { x0: nevoa.unitOf(Uint8ClampedArray.from(kept.bytes)), known: Uint8Array.from(kept.known) };
  for await (const { x, t } of nevoa.trajectory(engine, model, images, way, kept)) {
    states.push([t, Array.from(nevoa.bytesOf(x))]);
  }
  return states;
}"""
ORDERS = """async ([model, way]) => {
  model.schedule = { signal: Float64Array.from(model.schedule.signal), noise: Float64Array.from(model.schedule.noise) };
  let evaluations = 0, most = 0;
  const engine = { atOnce: 8, evaluate: async (x) => {
    most = Math.max(most, ++evaluations);
    await new Promise((resolve) => setTimeout(resolve, 5));
    evaluations--;
    return x;
  } };
  const studio = new nevoa.Studio(model, engine), answers = [];
  const images = [{ seed: 1, number: 0, label: 0 }];
  const order = (id) => studio.make({ id, images, way, kept: null }, ({ kind }) => answers.push([kind, id]));
  await Promise.all([order(1), order(2), order(3)]);
  return [most, answers.filter(([kind]) => kind === "done")];
}"""
CANCELLED = """async ([model, way]) => {
  model.schedule = { signal: Float64Array.from(model.schedule.signal), noise: Float64Array.from(model.schedule.noise) };
  let second;
  const engine = { atOnce: 8, evaluate: async (x) => {
    if (second) return x;
    second = order(2);
    return x.fill(NaN);
  } };
  const studio = new nevoa.Studio(model, engine), answers = [];
  const images = [{ seed: 1, number: 0, label: 0 }];
  const order = (id) => studio.make({ id, images, way, kept: null }, ({ kind }) => answers.push([kind, id]));
  await order(1);
  await second;
  return answers.filter(([kind]) => kind === "done");
}"""
KARRAS = {"sampler": "dpm_solver", "steps": 7, "spacing": "karras"}
FLOW = {"schedule": "flow", "prediction": "flow"}
WAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "dpm_solver": ({"sampling": KARRAS}, {}),
    "ddpm": ({}, {"sampler": "ddpm", "steps": 12}),
    "ddpm, large variance": ({}, {"sampler": "ddpm", "steps": 12, "variance": "large"}),
    "ddim": ({}, {"sampler": "ddim", "steps": 8}),
    "ddim with fresh noise": ({}, {"sampler": "ddim", "steps": 8, "eta": 0.5}),
    "heun": ({}, {"sampler": "heun", "steps": 5}),
    "euler": ({}, {"sampler": "euler", "steps": 6}),
    "euler in place of ddim with fresh noise": ({"sampling": {"eta": 0.5}}, {"sampler": "euler", "steps": 6}),
    "guidance": ({"sampling": KARRAS}, {"guidance": 2.5}),
    "no guidance": ({"sampling": KARRAS}, {"guidance": 0.0}),
    "a guide": ({"sampling": KARRAS | {"autoguidance": 1.7}, "guided": True}, {}),
    "a guide and a class": ({"sampling": KARRAS, "guided": True}, {"autoguidance": 0.5, "guidance": 2.5}),
    "not clipped": ({}, {"sampler": "ddim", "steps": 8, "clip": False}),
    "flow": ({"diffusion": FLOW, "sampling": KARRAS}, {}),
    "x0": ({"diffusion": {"prediction": "x0"}, "sampling": KARRAS}, {}),
    "epsilon": ({"diffusion": {"schedule": "linear", "prediction": "epsilon"}}, {"sampler": "ddim", "steps": 8}),
}


def model_of(**options: Any) -> Model:
    model = small_model(FOLDED, shape=(3, 8, 8), classes=CLASSES, **options)
    for network in filter(None, (model.network, model.guide)):
        rounded(network)
    return model


def way_of(model: Model, **options: Any) -> dict[str, Any]:
    """The run's own way to sample, as the page takes it."""
    given = ways(model, **options)
    own = given["samplers"][0]
    chosen = {
        "sampler": own["name"],
        "grid": own["grids"][own["steps"]],
        "variance": own["variance"],
        "eta": own["eta"],
    }
    autoguidance = model.settings(**options).autoguidance
    return chosen | {"clip": given["clip"], "guidance": given["guidance"], "autoguidance": autoguidance}


def sampled(
    library: Library,
    model: Model,
    images: list[dict[str, Any]],
    way: dict[str, Any],
    kept: dict[str, Any] | None = None,
    engine: Engine = "wasm",
) -> list[tuple[int, np.ndarray]]:
    """The states that the page sees: timesteps, and uint8 images `[N, H, W, C]`."""
    tables = {"signal": model.schedule.signal.tolist(), "noise": model.schedule.noise.tolist()}
    about = {"shape": model.shape, "classes": model.classes, "prediction": model.plan.diffusion.prediction}
    about |= {"conditions": kinds_of(model.plan)}
    states = library(
        SAMPLE, opened(model, engine, way.get("autoguidance", 1.0)), about | {"schedule": tables}, images, way, kept
    )
    return [(t, np.array(x, np.uint8).reshape(-1, *model.shape).transpose(0, 2, 3, 1)) for t, x in states]


def wishes(count: int, seed: int = 3, **others: Any) -> list[dict[str, Any]]:
    return [{"seed": seed, "number": n, "label": n % len(CLASSES)} | others for n in range(count)]


def rows(prompt: str) -> list[int]:
    """The tensor of a prompt."""
    return Text(parse(KINDS["text"], TextPlan)).tensor([prompt]).flatten().tolist()


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    assert (abs(found.astype(int) - expected.astype(int)) <= 1).mean() >= 0.999


@pytest.mark.parametrize("name", WAYS)
def test_every_state_is_that_of_nevoa(name: str, library: Library) -> None:
    settings, options = WAYS[name]
    model = model_of(**settings)
    states = list(model.trajectory(4, seed=3, **options))
    found = sampled(library, model, wishes(4), way_of(model, **options))
    assert [t for t, _ in found] == [state.t for state in states]
    for (_, images), state in zip(found, states, strict=True):
        assert_same(images, to_bytes(state.x_t))
    assert len(np.unique(found[-1][1])) > 20


@pytest.mark.parametrize("guidance", [1.0, 2.5, 0.0])
def test_what_is_asked_weighs_as_in_nevoa(guidance: float, library: Library) -> None:
    """Also where some of it is left open, or all of it; and with a guide, which is asked the same."""
    sampling = KARRAS | {"autoguidance": 1.7}
    model = small_model(FOLDED, (3, 8, 8), CLASSES, conditions=KINDS, sampling=sampling, guided=True)
    for network in filter(None, (model.network, model.guide)):
        rounded(network)
    asked: dict[str, Any] = {"labels": 2, "prompt": "a red hat", "numbers": {"age": 30}, "guidance": guidance}
    image: dict[str, Any] = {"seed": 3, "number": 0, "label": 2, "asked": [rows("a red hat"), None, [30.0]]}
    way = way_of(model, guidance=guidance)
    assert_same(sampled(library, model, [image], way)[-1][1], model.sample(1, seed=3, **asked))
    unasked = image | {"label": None, "asked": None}
    assert_same(sampled(library, model, [unasked], way)[-1][1], model.sample(1, seed=3))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_picture_weighs_as_in_nevoa_sample(engine: Engine, library: Library) -> None:
    """With a class and a weight of each, and where a second picture is left open."""
    model = small_model(FOLDED, (3, 8, 8), CLASSES, conditions=pictures("downscaled:4", "masked"), sampling=KARRAS)
    rounded(model.network)
    photo = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    kind, guidance = conditions_of(model.plan).kinds["downscaled"], {"class": 1.5, "downscaled": 3.0}
    numbers = kind.tensor([kind.asked(photo)]).flatten().tolist()
    found = sampled(
        library,
        model,
        wishes(2, label=1, asked=[numbers, None]),
        way_of(model, guidance=guidance),
        engine=engine,
    )[-1][1]
    asked: dict[str, Any] = {"labels": 1, "condition": {"downscaled": photo}, "guidance": guidance}
    assert_same(found, model.sample(2, seed=3, **asked))
    assert abs(found.astype(int) - model.sample(2, seed=3, labels=1)).mean() > 2


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("prompt", ["a red hat", None])
def test_images_are_guided_away_from_a_text_as_in_nevoa(prompt: str | None, engine: Engine, library: Library) -> None:
    """Also with a weight of each kind, and where no text is asked for."""
    model = small_model(FOLDED, (3, 8, 8), CLASSES, conditions=KINDS, sampling=KARRAS)
    rounded(model.network)
    guidance = {"class": 1.5, "text": 3.0, "number:age": 0.5}
    asked: dict[str, Any] = {
        "labels": 2,
        "numbers": {"age": 30},
        "prompt": prompt,
        "not_": "blue",
        "guidance": guidance,
    }
    texts = [rows(prompt) if prompt else None, None, [30.0]]
    image = {"seed": 3, "number": 0, "label": 2, "asked": texts, "away": [None, rows("blue")]}
    found = sampled(library, model, [image], way_of(model, guidance=guidance), engine=engine)[-1][1]
    assert_same(found, model.sample(1, seed=3, **asked))
    assert abs(found.astype(int) - model.sample(1, seed=3, **asked | {"not_": None})).mean() > 2


def test_images_are_guided_away_from_a_class_as_in_nevoa(library: Library) -> None:
    model = model_of(sampling=KARRAS)
    images, way = wishes(3, away=[[1]]), way_of(model, guidance=2.5)
    assert_same(sampled(library, model, images, way)[-1][1], model.sample(3, seed=3, not_="dog", guidance=2.5))


def test_filling_is_that_of_nevoa(library: Library) -> None:
    model = model_of()
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    mask = np.zeros((8, 8), bool)
    mask[:, 4:] = True
    expected = inpainting(model, image, mask).sample(1, seed=3)
    given = ways(model)["filling"]
    way = {"sampler": given["name"], "grid": given["grids"][given["steps"]], "variance": "small", "eta": 0}
    kept = {"bytes": image.transpose(2, 0, 1).flatten().tolist(), "known": np.tile(~mask, (3, 1, 1)).flatten().tolist()}
    images = sampled(library, model, wishes(1, label=None), way | {"clip": True, "guidance": [1]}, kept)[-1][1]
    assert_same(images, expected)
    assert np.array_equal(images[0, :, :4], image[:, :4])


@pytest.mark.parametrize("sampler", ["dpm_solver", "ddpm"])
def test_a_blend_begins_and_ends_with_its_two_images(sampler: str, library: Library) -> None:
    """Also with a sampler that draws fresh noise in each step, and from one class to another."""
    model = model_of()
    first, _, other = wishes(3)
    shares = [{**first, "other": other, "share": share} for share in (0, 0.5, 1)]
    way = way_of(model, sampler=sampler, steps=6)
    images = sampled(library, model, [first, *shares, other], way)[-1][1]
    assert_same(images[1], images[0])
    assert_same(images[3], images[4])
    assert abs(images[2].astype(int) - images[0]).mean() > 2
    assert abs(images[2].astype(int) - images[4]).mean() > 2


def test_a_new_order_waits_until_the_engine_is_free(library: Library) -> None:
    """Of orders that come while one is computed only the last is made, and no two are computed at the same time."""
    assert library(ORDERS, *ordered()) == [1, [["done", 3]]]


def test_an_order_that_another_has_replaced_does_not_fail(library: Library) -> None:
    """Its images are no numbers, but nobody waits for them any more."""
    assert library(CANCELLED, *ordered()) == [["done", 2]]


def ordered() -> tuple[dict[str, Any], dict[str, Any]]:
    """A model, as orders describe it, and four steps."""
    model = model_of()
    tables = {"signal": model.schedule.signal.tolist(), "noise": model.schedule.noise.tolist()}
    about = {"shape": model.shape, "classes": model.classes, "conditions": [], "prediction": "v", "schedule": tables}
    return about, way_of(model, sampler="euler", steps=4)


def test_the_page_offers_the_steps_that_the_schedule_has() -> None:
    """And always the run's own number, for each sampler in its own spacing."""
    model = small_model(FOLDED, classes=CLASSES, sampling=KARRAS | {"steps": 9})
    own, *others = ways(model)["samplers"]
    assert list(own["grids"]) == sorted({9, *(steps for steps in STEPS if steps <= 50)})
    assert own["steps"] == 9
    assert [other["name"] for other in others] == ["ddpm", "ddim"]
    assert others[0]["grids"][10] == [50, 45, 40, 35, 30, 25, 20, 15, 10, 5, 0]


def test_images_do_not_depend_on_those_beside_them(library: Library) -> None:
    model = model_of(sampling=KARRAS)
    way = way_of(model)
    alone = sampled(library, model, wishes(2)[1:], way)[-1][1]
    assert np.array_equal(alone[0], sampled(library, model, wishes(2), way)[-1][1][1])
