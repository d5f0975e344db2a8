"""A model makes its images from the picture that a person draws on the canvas."""

from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image, ImageDraw

from nevoa.conditions import conditions_of
from nevoa.config import PicturePlan, Plan
from nevoa.data import load_images, load_test_images
from nevoa.model import Model
from nevoa.studio.canvas import Canvas, example_of, pictured
from nevoa.studio.controls import Page
from nevoa.studio.page import page
from nevoa.studio.texts import StudioError, texts
from nevoa.studio.weights import MOST_KINDS
from nevoa.studio.workspace import Workspace
from tests.formats.small_models import CLASSES, FOLDED, small_model
from tests.formats.small_run import plan_of, run_of
from tests.small_runs import updated
from tests.studio.test_asking import NOTHING

SHAPE: dict[str, Any] = {"channels": 3, "height": 16, "width": 16}
CHANCE = np.zeros(2)
KINDS = {"downscaled:4": {"kind": "downscaled", "factor": 4}, "gray": {}, "edges": {}, "masked": {}, "picture": {}}


def conditions(*names: str) -> dict[str, Any]:
    """Pictures, as a plan has them."""
    return {name: PicturePlan(**({"kind": name} | KINDS[name] | SHAPE)).model_dump() for name in names}


def model_of(*names: str) -> Model:
    return small_model(FOLDED, conditions=conditions(*names))


def on(background: Image.Image | None, *layers: Image.Image) -> dict[str, Any]:
    """Return a drawing as the editor passes it on."""
    size = (background or layers[0]).size
    composite = Image.new("RGBA", size)
    for one in (*([background] if background else []), *layers):
        composite.alpha_composite(one.convert("RGBA"))
    return {"background": background, "layers": [*layers], "composite": composite}


def stroke(size: tuple[int, int], box: tuple[int, int, int, int], colour: str) -> Image.Image:
    """A layer with a box in a colour."""
    layer = Image.new("RGBA", size)
    ImageDraw.Draw(layer).rectangle(box, colour)
    return layer


@pytest.fixture
def canvas(tmp_path: Path) -> Canvas:
    with gr.Blocks() as blocks:
        return Canvas(Page(blocks, Workspace(tmp_path), texts("en")))


@pytest.mark.parametrize("name", KINDS)
def test_a_model_of_pictures_shows_an_empty_canvas_of_its_proportions(name: str, canvas: Canvas) -> None:
    shown = canvas.of_model(model_of(name))
    empty, plan = shown[1]["value"], model_of(name).plan
    assert all(one["visible"] for one in shown)
    assert empty.size == (512, 512)
    assert empty.getcolors() == [(512 * 512, (0, 0, 0) if name == "edges" else (255, 255, 255))]
    for given in (None, {"background": None, "layers": [], "composite": None}, on(empty), on(None, empty)):
        assert pictured(plan, given) == {}
    wide = small_model(FOLDED, (3, 16, 48), conditions={name: {**conditions(name)[name], "width": 48}})
    assert canvas.of_model(wide)[1]["value"].size == (480, 160)


def test_a_model_of_several_pictures_shows_the_first_by_its_name(canvas: Canvas) -> None:
    model = model_of("gray", "edges")
    assert canvas.of_model(model)[0]["value"].startswith("gray: Picture to colour")
    assert [*pictured(model.plan, on(Image.new("RGB", (16, 16), "red")))["condition"]] == ["gray"]


def test_a_model_without_pictures_has_no_canvas(canvas: Canvas) -> None:
    model = small_model(classes=CLASSES)
    assert not any(one["visible"] for one in canvas.of_model(model))
    assert pictured(model.plan, on(Image.new("RGB", (16, 16), "red"))) == {}


@pytest.mark.parametrize(
    ("name", "line"), [("downscaled:4", 8), ("gray", 2), ("edges", 2), ("masked", 5), ("picture", 2)]
)
def test_a_brush_is_as_wide_as_some_pixels_of_an_image(name: str, line: int, canvas: Canvas) -> None:
    """Also on an upload, whatever its size."""
    model = model_of(name)
    _, shown, _ = canvas.of_model(model)
    fitted = canvas.fit_brush(model, {"background": Image.new("RGB", (160, 320))})
    assert [2 * one["brush"].default_size for one in (shown, fitted)] == [line * 32, line * 10]  # it is a radius


@pytest.mark.parametrize("name", ["downscaled:4", "gray", "edges", "picture"])
def test_what_is_drawn_is_what_a_file_of_it_asks(name: str, canvas: Canvas, tmp_path: Path) -> None:
    model = model_of(name)
    empty, colour = canvas.of_model(model)[1]["value"], "#ffffff" if name == "edges" else "#4060a0"
    drawn = empty.copy()
    ImageDraw.Draw(drawn).rectangle((128, 256, 383, 383), colour)
    drawn.save(tmp_path / "drawn.png")
    kind = conditions_of(model.plan).kinds[name]
    line = stroke(empty.size, (128, 256, 383, 383), colour)
    for given in (on(empty, line), on(None, line)):  # the second after the canvas was cleared
        [found] = pictured(model.plan, given)["condition"].values()
        np.testing.assert_array_equal(kind.asked(found), kind.asked(tmp_path / "drawn.png"))
    assert len(np.unique(kind.asked(found)[..., 0])) > 1


def test_what_is_painted_over_or_transparent_is_missing() -> None:
    plan, photo = model_of("masked").plan, Image.new("RGBA", (16, 16), "#4060a0")
    photo.paste((0, 0, 0, 0), (0, 0, 3, 16))
    [found] = pictured(plan, on(photo, stroke(photo.size, (8, 4, 15, 7), "red")))["condition"].values()
    picture = conditions_of(plan).kinds["masked"].asked(found)
    missing = np.zeros((16, 16), bool)
    missing[:, :3] = missing[4:8, 8:] = True
    np.testing.assert_array_equal(picture[..., 3] == 0, missing)
    assert (picture[~missing][:, :3] == (0x40, 0x60, 0xA0)).all()


def test_a_photo_without_a_missing_part_is_a_sentence() -> None:
    with pytest.raises(StudioError, match="Nothing is painted over, so nothing is missing: paint over the part"):
        pictured(model_of("masked").plan, on(Image.new("RGB", (16, 16), "red")))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of ten images of blocks."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("photos")
    for n in range(10):
        blocks = rng.integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(blocks.repeat(4, 0).repeat(4, 1)).save(folder / f"{n}.png")
    return folder


def plan_on(name: str, photos: Path) -> Plan:
    """The plan of a model that was trained on all but two images of a folder."""
    return updated(plan_of(model_of(name), str(photos)), "data", size=16, channels=3, holdout=2)


@pytest.mark.parametrize("name", ["downscaled:4", "gray", "edges", "masked"])
def test_an_example_asks_for_what_training_would_make_of_a_held_out_image(name: str, photos: Path) -> None:
    plan = plan_on(name, photos)
    [found] = pictured(plan, example_of(plan))["condition"].values()
    [kind] = conditions_of(plan).kinds.values()
    picture = kind.asked(found)
    there = picture[..., -1:] > 0
    assert there.all() == (name != "masked")
    held_out = load_test_images(plan.data, load_images(plan.data))
    assert len(held_out) == 2
    wholes = [*held_out.images] if name == "masked" else [one[..., :-1] for one in kind.made(held_out.images, CHANCE)]
    assert any(np.array_equal(np.where(there, whole, 0), picture[..., :-1]) for whole in wholes)


def test_the_button_shows_an_example_of_the_run(photos: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    run_of(workspace.runs / "drawn", str(photos), shape=(3, 16, 16), classes=(), conditions=conditions("gray"))
    [show] = [event.fn for event in page(workspace, "en").fns.values() if event.name == "show_example"]
    assert show
    shown = show("drawn")
    assert (shown["value"]["background"].size, shown["brush"].default_size) == ((16, 16), 1)


def test_images_without_pictures_have_no_example(photos: Path) -> None:
    with pytest.raises(StudioError, match="have no pictures beside them"):
        example_of(plan_on("picture", photos))


@pytest.mark.slow
@pytest.mark.parametrize("names", [("edges",), ("edges", "gray")])
def test_the_button_makes_images_from_what_is_drawn(names: tuple[str, ...], tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    workspace.served.mkdir(parents=True)
    run = run_of(workspace.runs / "drawn", classes=(), conditions=conditions(*names), sampling={"steps": 3})
    [make] = [event for event in page(workspace, "en").fns.values() if event.api_name == "make"]
    assert make.fn
    weights, nothing = [2.0, [], *[1.0] * MOST_KINDS], [*NOTHING, *[0] * 8]
    empty, line = Image.new("RGB", (64, 64), "black"), stroke((64, 64), (8, 8, 40, 16), "white")
    by_hand: list[dict[str, Any]] = [{"condition": {"edges": on(empty, line)["composite"]}, "guidance": 2.0}, {}]
    for canvas, options in zip((on(empty, line), on(empty)), by_hand, strict=True):
        chosen = ["", 0, 1.0, "new", None, None, 0.6, None, canvas, *weights, *nothing]
        *_, last = make.fn("drawn", 2, 7, *chosen)
        [made] = [value for value in last.values() if hasattr(value, "states")]
        np.testing.assert_array_equal(made.states[-1], run.model("cpu").sample(2, 7, **options))
