"""The canvas of a page of pictures, in a real browser, from a file, without a connection."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from nevoa.conditions import conditions_of
from nevoa.conditions.picture import Edges
from nevoa.data import fitted, pixels_of
from nevoa.formats.webpage import export
from nevoa.formats.webpage.weights import rounded
from nevoa.model import Model, Shape
from tests.axe import violations
from tests.formats.small_models import CLASSES, FOLDED, small_model
from tests.formats.small_run import plan_of
from tests.formats.webpage.library import pictures as pictures_of
from tests.formats.webpage.test_page import picture, pictures, tiles
from tests.formats.webpage.test_sampling import assert_same
from tests.formats.webpage.visit import Visit, made

pytestmark = pytest.mark.slow

SAMPLING = {"steps": 3, "sampler": "dpm_solver", "spacing": "karras", "guidance": 2.5}
SHAPE: Shape = (3, 16, 12)
KINDS = "picture", "downscaled:4", "gray", "edges", "masked"


def model_of(*kinds: str, shape: Shape = SHAPE, classes: tuple[str, ...] = ()) -> Model:
    """A model of the weights that its page has."""
    model = small_model(FOLDED, shape, classes, sampling=SAMPLING, conditions=pictures_of(*kinds, shape=shape))
    rounded(model.network)
    return replace(model, plan=plan_of(model))


def visited(
    model: Model, chromium: Browser, folder: Path, start: Path | None = None, **options: Any
) -> tuple[Visit, str]:
    """A visit to the page of a model, whose canvas begins with a picture, and its address."""
    export(model, folder / "page.html", picture=start)
    address = (folder / "page.html").as_uri()
    visit = Visit(chromium, address, **options)
    made(visit.page)
    return visit, address


def photo(folder: Path, clear: bool = False) -> Path:
    """A photo of steps and noise, of another size than the model's; if it is to be, with a part that is transparent."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 200, (10, 14, 3), np.uint8).repeat(7, 0).repeat(5, 1)
    pixels += rng.integers(0, 50, pixels.shape, np.uint8)
    alpha = np.full((*pixels.shape[:2], 1), 255, np.uint8)
    alpha[20:50, 30:50] = 0
    path = folder / "photo.png"
    Image.fromarray(np.concatenate([pixels, alpha], axis=2) if clear else pixels).save(path)
    return path


def canvas(page: Page, kind: str = "") -> Locator:
    return page.get_by_role("group", name=kind).locator("canvas") if kind else page.locator(".drawing canvas")


def stroke(page: Page, *places: tuple[float, float]) -> None:
    """Draw from one place of the canvas to the next, in shares of its sides."""
    box = canvas(page).bounding_box()
    assert box
    for n, (x, y) in enumerate(places):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if not n:
            page.mouse.down()
    page.mouse.up()


def opened(page: Page, file: Path) -> None:
    """Open a file by the button."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open a photo").click()
    chooser.value.set_files(file)


def remade(page: Page, asked: bool = True) -> np.ndarray:
    """The images, once they are made from the canvas, or from nothing again."""
    expect(tiles(page).first).to_have_attribute("aria-label", "Image 1: from the canvas" if asked else "Image 1")
    made(page)
    return pictures(page)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_becomes_the_picture_that_nevoa_makes_of_it(
    kind: str, channels: int, chromium: Browser, tmp_path: Path
) -> None:
    """To the last bit: scaled as Pillow does. Edges are those that training finds in it."""
    if (kind, channels) == ("gray", 1):
        pytest.skip("Of gray images there is no such picture.")
    model, file = model_of(kind, shape=(channels, *SHAPE[1:])), photo(tmp_path, clear=kind == "masked")
    [known] = conditions_of(model.plan).kinds.values()
    asked: Any = file
    if isinstance(known, Edges):
        pixels = pixels_of(fitted(Image.open(file), known.size), channels)
        asked = known.made(pixels[None], np.zeros(1))[0]
    value, factor = known.asked(asked), known.plan.factor
    visit, address = visited(model, chromium, tmp_path)
    opened(visit.page, file)
    assert_same(remade(visit.page), model.sample(12, picture=asked))
    there = value[::factor, ::factor, -1:] == 255
    expected = np.broadcast_to(value[::factor, ::factor, :-1], (*there.shape[:2], 3))
    np.testing.assert_array_equal(np.where(there, picture(canvas(visit.page)), 0), np.where(there, expected, 0))
    assert there.all() == (kind != "masked")
    visit.end(address)


@pytest.mark.parametrize("kind", ["picture", "downscaled:4", "gray", "edges"])
def test_what_is_drawn_is_asked_as_a_file_of_it_would_be(kind: str, chromium: Browser, tmp_path: Path) -> None:
    """A line without gaps, however fast the pointer; once it is wiped off, nothing is asked."""
    model = model_of(kind)
    visit, address = visited(model, chromium, tmp_path)
    page, paper = visit.page, 0 if kind == "edges" else 255
    empty = picture(canvas(page))
    assert (empty == paper).all()
    stroke(page, (0.1, 0.5), (0.9, 0.5))
    images, drawn = remade(page), picture(canvas(page))
    assert (drawn != paper).any(axis=(0, 2)).all()
    assert not (drawn != paper)[[0, -1]].any()
    [known] = conditions_of(model.plan).kinds.values()
    large = drawn.repeat(known.plan.factor, 0).repeat(known.plan.factor, 1)
    assert_same(images, model.sample(12, picture=large))
    page.get_by_role("button", name="Wipe").click()
    assert_same(remade(page, asked=False), model.sample(12))
    assert np.array_equal(picture(canvas(page)), empty)
    visit.end(address)


@pytest.mark.parametrize("kind", ["downscaled:4", "edges", "masked"])
def test_the_canvas_begins_with_the_picture_of_the_export(kind: str, chromium: Browser, tmp_path: Path) -> None:
    """So that the page draws what nevoa sample --picture does."""
    model, file = model_of(kind), photo(tmp_path, clear=kind == "masked")
    visit, address = visited(model, chromium, tmp_path, start=file)
    assert_same(remade(visit.page), model.sample(12, picture=file))
    [known] = conditions_of(model.plan).kinds.values()
    value, factor = known.asked(file), known.plan.factor
    there = value[::factor, ::factor, -1:] == 255
    shown = np.where(there, picture(canvas(visit.page)), 0)
    np.testing.assert_array_equal(shown, np.broadcast_to(value[::factor, ::factor, :-1], shown.shape))
    visit.page.get_by_role("button", name="Wipe").click()
    assert_same(remade(visit.page, asked=False), model.sample(12))
    visit.end(address)


def test_colours_and_the_width_of_the_brush_are_those_chosen(chromium: Browser, tmp_path: Path) -> None:
    visit, address = visited(model_of("picture"), chromium, tmp_path)
    page = visit.page
    page.get_by_role("radio", name="Red").check()
    page.get_by_label("Width of the brush").fill("4")
    stroke(page, (0.5, 0.5), (0.5, 0.5))
    red = (picture(canvas(page)) == (0xD0, 0x30, 0x30)).all(axis=2)
    assert red.any(axis=0).sum() == red.any(axis=1).sum() == 4
    page.get_by_label("Another colour").fill("#102030")
    assert not page.get_by_role("radio", name="Red").is_checked()
    page.get_by_label("Width of the brush").fill("1")
    stroke(page, (0.54, 0.53), (0.54, 0.53))
    own = (picture(canvas(page)) == (0x10, 0x20, 0x30)).all(axis=2)
    assert own.sum() == 1
    remade(page)
    visit.end(address)


def test_a_part_of_a_photo_is_missing_where_it_is_painted_over(chromium: Browser, tmp_path: Path) -> None:
    """And asks for nothing before."""
    model, file = model_of("masked"), photo(tmp_path)
    visit, address = visited(model, chromium, tmp_path)
    page = visit.page
    opened(page, file)
    expect(page.locator(".drawing [role=status]")).to_have_text("Now paint over the part to draw anew.")
    assert_same(remade(page, asked=False), model.sample(12))
    before = picture(canvas(page))
    stroke(page, (0.5, 0.2), (0.5, 0.6))
    images = remade(page)
    expect(page.locator(".drawing [role=status]")).to_be_hidden()
    missing = (picture(canvas(page)) != before).any(axis=2)
    assert 5 < missing.sum() < missing.size / 2
    covered = 0.75 * np.array([255, 122, 89]) + 0.25 * before[missing]
    assert abs(picture(canvas(page))[missing] - covered).max() <= 1
    clear = np.dstack([before, np.where(missing, 0, 255)]).astype(np.uint8)
    assert_same(images, model.sample(12, picture=clear))
    page.get_by_role("radio", name="To keep").check()
    stroke(page, (0.5, 0.2), (0.5, 0.6))
    assert_same(remade(page, asked=False), model.sample(12))
    assert np.array_equal(picture(canvas(page)), before)
    visit.end(address)


def test_a_stroke_that_begins_beside_the_canvas_draws_nothing(chromium: Browser, tmp_path: Path) -> None:
    visit, address = visited(model_of("edges"), chromium, tmp_path)
    stroke(visit.page, (-0.05, 0.5), (0.5, 0.5), (0.9, 0.5))
    assert not picture(canvas(visit.page)).any()
    stroke(visit.page, (0.5, 0.5), (0.9, 0.5))
    assert picture(canvas(visit.page)).any()
    remade(visit.page)
    visit.end(address)


@pytest.mark.parametrize("width", [1, 2])
def test_the_keyboard_draws(width: int, chromium: Browser, tmp_path: Path) -> None:
    """A line of four pixels and of a width: a wide brush reaches further at the ends, too."""
    model = model_of("edges")
    visit, address = visited(model, chromium, tmp_path)
    page = visit.page
    page.get_by_label("Width of the brush").fill(str(width))
    canvas(page).focus()
    for key in ["ArrowLeft"] * 3 + ["Space", "ArrowUp"] * 4:
        page.keyboard.press(key)
    images = remade(page)
    page.keyboard.press("Tab")  # the brush is seen only while the canvas has the focus
    drawn = picture(canvas(page))
    rows, columns = (drawn[..., 0] > 0).nonzero()
    assert (columns.max() - columns.min() + 1, rows.max() - rows.min() + 1) == (width, 3 + width)
    assert_same(images, model.sample(12, picture=drawn))
    visit.end(address)


def test_a_picture_joins_a_class_and_another_picture(chromium: Browser, tmp_path: Path) -> None:
    model = model_of("gray", "edges", classes=CLASSES)
    visit, address = visited(model, chromium, tmp_path)
    page = visit.page
    canvas(page, "Outlines to fill").click()
    page.get_by_role("radio", name="dog").check()
    expect(tiles(page).first).to_have_attribute("aria-label", "Image 1: dog, from the canvas")
    made(page)
    drawn = picture(canvas(page, "Outlines to fill"))
    assert_same(pictures(page), model.sample(12, labels="dog", condition={"edges": drawn}))
    visit.end(address)


def test_what_is_no_image_is_a_sentence(chromium: Browser, tmp_path: Path) -> None:
    """In both languages; what was drawn stays."""
    (tmp_path / "photo.png").write_text("none")
    visit, address = visited(model_of("gray"), chromium, tmp_path)
    page, said = visit.page, visit.page.locator(".drawing [role=status]")
    stroke(page, (0.1, 0.5), (0.9, 0.5))
    remade(page)
    before = picture(canvas(page))
    opened(page, tmp_path / "photo.png")
    expect(said).to_have_text("This browser cannot open the file as an image: choose a PNG or a JPEG.")
    assert np.array_equal(picture(canvas(page)), before)
    page.get_by_role("button", name="Português").click()
    expect(said).to_contain_text("Este navegador não consegue abrir o ficheiro")
    visit.end(address)


def test_a_model_that_draws_nothing_unasked_waits_for_a_picture(chromium: Browser, tmp_path: Path) -> None:
    model = model_of("edges")
    plan = model.plan.model_copy(update={"null_label": False})
    plan = plan.model_copy(update={"sampling": plan.sampling.model_copy(update={"guidance": 1.0})})
    model = replace(model, plan=plan)
    export(model, tmp_path / "page.html")
    visit = Visit(chromium, (tmp_path / "page.html").as_uri())
    expect(visit.page.locator("#status")).to_contain_text("This network draws nothing unasked")
    stroke(visit.page, (0.1, 0.5), (0.9, 0.5))
    images = remade(visit.page)
    assert_same(images, model.sample(12, picture=picture(canvas(visit.page))))
    visit.end((tmp_path / "page.html").as_uri())


@pytest.mark.parametrize(("locale", "scheme", "width"), [("en-GB", "light", 360), ("pt-PT", "dark", 1200)])
def test_whoever_reads_the_screen_can_draw(
    locale: str, scheme: Any, width: int, chromium: Browser, tmp_path: Path
) -> None:
    size: Any = {"width": width, "height": 720}
    model = model_of(*KINDS)
    visit, address = visited(
        model, chromium, tmp_path, locale=locale, color_scheme=scheme, viewport=size, bypass_csp=True
    )
    page = visit.page
    page.locator(".drawing input[type=file]").last.set_input_files(photo(tmp_path))
    expect(page.locator(".drawing [role=status]").last).not_to_be_empty()
    made(page)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    reached = set()
    page.locator("#language").focus()
    for _ in range(16):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.type ?? document.activeElement.tagName"))
    assert {"CANVAS", "radio", "color", "range", "button"} <= reached
    visit.end(address)
