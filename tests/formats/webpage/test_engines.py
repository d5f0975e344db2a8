"""The page in the engines of Chrome, Firefox and Safari, as wide as a phone: from a file and from a server."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nevoa.commands.load import load
from nevoa.conditions import conditions_of
from nevoa.formats.webpage import export
from nevoa.formats.webpage.weights import rounded
from nevoa.model import Model
from tests.formats.small_run import run_of
from tests.formats.webpage.engines import ENTER, WIDTH, Engine, chromium, firefox, webkit
from tests.formats.webpage.library import KINDS
from tests.formats.webpage.library import pictures as pictures_of
from tests.formats.webpage.server import served
from tests.formats.webpage.test_sampling import assert_same

pytestmark = pytest.mark.slow

CLASSES = ("cat", "dog", "peixe-espada")
SAMPLING = {"steps": 4, "sampler": "dpm_solver", "spacing": "karras"}
# "" once a condition holds; else what the page says is wrong, or what it says last.
UNTIL = """new Promise((resolve) => {
  const end = performance.now() + 40_000;
  const look = () => {
    const problem = document.querySelector("#problem");
    if (!problem.hidden) resolve(problem.textContent);
    else if (%s) resolve("");
    else if (performance.now() > end) resolve(`too late: ${document.querySelector("#status").textContent}`);
    else setTimeout(look, 20);
  };
  look();
})"""
PICTURES = """[...document.querySelectorAll("%s")].map((canvas) =>
  Array.from(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data))"""
# Chooses a file, which no driver but Playwright's can.
CHOOSE = """(() => {
  const chosen = new DataTransfer(), bytes = Uint8Array.from(atob("%s"), (letter) => letter.charCodeAt(0));
  chosen.items.add(new File([bytes], "photo.png", { type: "image/png" }));
  const input = document.querySelector(".drawing input[type=file]");
  input.files = chosen.files;
  input.dispatchEvent(new Event("change"));
})()"""
REMEMBER = "(globalThis.before = document.querySelector('#grid button')).id"
# So that what is typed takes the place of what is there, and the first image of another seed is told apart.
SELECT = "(document.activeElement.select(), globalThis.before = document.querySelector('#grid button')).id"


@pytest.fixture(scope="module", params=[chromium, firefox, webkit])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with request.param() as engine:
        yield engine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with its page, as a file and as a folder for a server."""
    folder = tmp_path_factory.mktemp("engines")
    run = run_of(folder / "zoo", shape=(3, 8, 8), classes=CLASSES, sampling=SAMPLING)
    for name in ("page.html", "site"):
        export(load(run.folder, "cpu"), folder / name)
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    model = load(folder / "zoo", "cpu")
    rounded(model.network)
    return model


@pytest.fixture(scope="module", params=["file", "http"])
def address(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    if request.param == "file":
        yield (folder / "page.html").as_uri()
        return
    with served(folder / "site") as address:
        yield address


def until(engine: Engine, condition: str) -> None:
    assert engine.run(UNTIL % condition) == ""


def says(engine: Engine, selector: str, text: str) -> None:
    until(engine, f"document.querySelector({json.dumps(selector)}).textContent.includes({json.dumps(text)})")


def pictures(engine: Engine, selector: str = "#grid canvas") -> np.ndarray:
    """The pixels of canvases, uint8 `[N, H, W, 3]`."""
    return np.array(engine.run(PICTURES % selector), np.uint8).reshape(-1, 8, 8, 4)[..., :3]


def test_a_phone_makes_the_images_of_nevoa_sample(engine: Engine, address: str, model: Model) -> None:
    """And shows one, and draws a part of it anew, by touch."""
    engine.open(address)
    says(engine, "#status", "Here they are")
    assert engine.run("innerWidth") == WIDTH
    assert engine.run("document.documentElement.scrollWidth") <= WIDTH
    assert_same(pictures(engine), model.sample(6))
    engine.tap("#seed")
    engine.run(SELECT)
    engine.press(f"42{ENTER}")
    until(engine, "!before.isConnected")
    says(engine, "#status", "Here they are")
    assert_same(pictures(engine), model.sample(6, seed=42))
    engine.tap("#grid button")
    until(engine, "document.querySelector('#viewer').open")
    before = pictures(engine, "#picture")
    assert engine.run("document.documentElement.scrollWidth") <= WIDTH
    engine.tap("#paint")
    engine.tap("#mask")
    engine.tap("#fill")
    says(engine, "#viewer-status", "Done.")
    changed = (pictures(engine, "#picture") != before).any(axis=-1)[0]
    assert changed[4, 4]
    assert not changed[[0, 0, -1, -1], [0, -1, 0, -1]].any()


def visited(engine: Engine, folder: Path, conditions: dict[str, Any]) -> Model:
    """A model whose page shows its first images, which are remembered."""
    run = run_of(folder / "run", shape=(3, 8, 8), classes=(), sampling=SAMPLING, conditions=conditions)
    model = load(run.folder, "cpu")
    export(model, folder / "page.html")
    rounded(model.network)
    engine.open((folder / "page.html").as_uri())
    says(engine, "#status", "Here they are")
    assert_same(pictures(engine), model.sample(12))
    engine.run(REMEMBER)
    return model


def remade(engine: Engine) -> np.ndarray:
    """The images that take the place of those that are remembered."""
    until(engine, "!before.isConnected")
    says(engine, "#status", "Here they are")
    engine.run(REMEMBER)
    return pictures(engine)


def test_a_phone_draws_what_is_asked_in_words(engine: Engine, tmp_path: Path) -> None:
    model = visited(engine, tmp_path, KINDS)
    engine.tap("#prompt")
    engine.press(f"a red hat{ENTER}")
    assert_same(remade(engine), model.sample(12, prompt="a red hat"))
    assert engine.run("document.documentElement.scrollWidth") <= WIDTH


def test_a_phone_draws_what_is_on_its_canvas(engine: Engine, tmp_path: Path) -> None:
    """By touch, and of a photo."""
    model = visited(engine, tmp_path, pictures_of("gray"))
    engine.tap(".drawing canvas")
    images, [drawn] = remade(engine), pictures(engine, ".drawing canvas")
    assert (drawn[3:5, 3:5] == 0).all()
    assert (drawn[[0, -1]] == 255).all()
    assert_same(images, model.sample(12, picture=drawn))
    photo = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)).save(photo)
    engine.run(CHOOSE % base64.b64encode(photo.read_bytes()).decode())
    assert_same(remade(engine), model.sample(12, picture=photo))
    [known] = conditions_of(model.plan).kinds.values()
    assert (pictures(engine, ".drawing canvas")[0] == known.asked(photo)[..., :1]).all()
    assert engine.run("document.documentElement.scrollWidth") <= WIDTH
