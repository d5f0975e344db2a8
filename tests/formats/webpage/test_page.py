"""What a visitor does on the page, in a real browser, from a file, with the network cut."""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from nevoa.commands.load import load
from nevoa.diffusion import Autoguided
from nevoa.formats.webpage import export
from nevoa.formats.webpage.description import FILLING_STEPS, ways
from nevoa.formats.webpage.tape import ends_of
from nevoa.formats.webpage.weights import rounded
from nevoa.model import Model
from nevoa.runs import card
from nevoa.runs.run import Run
from tests.axe import violations
from tests.formats.small_models import FOLDED, small_model
from tests.formats.small_run import run_of
from tests.formats.webpage.server import served
from tests.formats.webpage.test_sampling import assert_same
from tests.formats.webpage.visit import Visit, made
from tests.small_runs import updated

pytestmark = pytest.mark.slow

# Names are what a user's folders are called.
CLASSES = ("cat", "</script><img src=x onerror=alert(1)>", "peixe-espada")
STEPS = 4
SHOWN = {"steps": STEPS, "sampler": "dpm_solver", "spacing": "karras"}

# Counts how often images of the grid are drawn, each time until the browser can show them.
DRAWN = """() => {
  const put = CanvasRenderingContext2D.prototype.putImageData;
  let pending = false;
  globalThis.drawn = 0;
  CanvasRenderingContext2D.prototype.putImageData = function (...values) {
    if (this.canvas.closest("#grid") && !pending) {
      pending = true;
      drawn++;
      setTimeout(() => { pending = false; });
    }
    put.apply(this, values);
  };
}"""
MOVING = """[...document.querySelectorAll("*")].map((one) => getComputedStyle(one)).filter((style) =>
  style.transitionDuration !== "0s" || style.animationName !== "none").length"""

expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = run_of(tmp_path_factory.mktemp("runs") / "zoo", shape=(3, 8, 8), classes=CLASSES, sampling=SHOWN)
    card.set_quality(run, "| | score | floor |\n| --- | --- | --- |\n| fd_fashion | 1.25 | 0.5±0.1 |")
    return run


@pytest.fixture(scope="module")
def model(run: Run) -> Model:
    """The run's model, with the weights that its page has."""
    model = load(run.folder, "cpu")
    rounded(model.network)
    return model


@pytest.fixture(scope="module")
def file(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "zoo.html"
    export(load(run.folder, "cpu"), path)
    return path


def tiles(page: Page) -> Locator:
    return page.locator("#grid button")


def picture(canvas: Locator) -> np.ndarray:
    """The pixels of a canvas, uint8 `[H, W, 3]`."""
    code = "(c) => [c.height, c.width, ...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    height, width, *pixels = canvas.evaluate(code)
    return np.array(pixels, np.uint8).reshape(height, width, 4)[:, :, :3]


def pictures(page: Page) -> np.ndarray:
    return np.stack([picture(tile.locator("canvas")) for tile in tiles(page).all()])


def slide(page: Page, name: str, value: int | float) -> None:
    page.locator(f"#{name}").fill(str(value))


def saved(page: Page, button: str) -> Image.Image:
    with page.expect_download() as download:
        page.locator(f"#{button}").click()
    return Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))


def test_the_images_are_those_of_nevoa_sample(page: Page, model: Model) -> None:
    assert_same(pictures(page), model.sample(6))
    page.get_by_role("button", name="New images").click()
    expect(page.get_by_label("Seed")).to_have_value("1")
    made(page)
    assert_same(pictures(page), model.sample(6, seed=1))


@pytest.mark.parametrize("by", ["Enter", "New images"])
def test_a_typed_seed_is_the_one_that_is_drawn(by: str, page: Page, model: Model) -> None:
    seed = page.get_by_label("Seed")
    seed.press("ControlOrMeta+a")
    seed.press_sequentially("42")
    if by == "Enter":
        seed.press("Enter")
    else:
        page.get_by_role("button", name=by).click()
    made(page)
    expect(seed).to_have_value("42")
    assert_same(pictures(page), model.sample(6, seed=42))
    page.get_by_role("button", name="New images").click()
    expect(seed).to_have_value("43")


@pytest.mark.parametrize("typed", ["-5", "3.5", "4294967296", ""])
def test_what_is_no_seed_draws_nothing_and_says_so(typed: str, page: Page) -> None:
    sentence = "The seed must be a whole number from 0 to 4,294,967,295."
    before, seed = pictures(page), page.get_by_label("Seed")
    seed.press("ControlOrMeta+a")
    seed.press("Delete")
    seed.press_sequentially(typed)
    page.get_by_role("button", name="New images").click()
    expect(page.locator("#seed-problem")).to_have_text(sentence)
    expect(page.locator("#status")).to_have_text(sentence)
    expect(seed).to_have_value(typed)
    expect(seed).to_be_focused()
    slide(page, "steps", 6)
    expect(page.locator("#status")).to_have_text(sentence)
    assert np.array_equal(pictures(page), before)
    seed.fill("7")
    seed.press("Enter")
    made(page)
    expect(page.locator("#seed-problem")).to_be_hidden()


def test_each_control_is_an_option_of_nevoa_sample(page: Page, model: Model) -> None:
    page.get_by_role("radio", name="peixe-espada").check()
    expect(tiles(page)).to_have_count(12)
    made(page)
    assert_same(pictures(page), model.sample(12, labels="peixe-espada"))
    page.get_by_role("radio").first.check()
    expect(tiles(page)).to_have_count(6)
    slide(page, "guidance", 3)
    made(page)
    page.get_by_label("Sampler").select_option("DDIM")
    slide(page, "steps", 6)
    expect(page.locator("#steps-value")).to_contain_text("7 ·")
    made(page)
    assert_same(pictures(page), model.sample(6, sampler="ddim", steps=7, guidance=3))


def test_the_way_of_an_image_can_be_seen_and_kept(page: Page, model: Model) -> None:
    tiles(page).nth(1).click()
    expect(page.locator("#viewer")).to_be_visible()
    expect(page.locator("#viewer-title")).to_have_text(f"Image 2: {CLASSES[1]}")
    assert page.locator("#strip button").count() == STEPS + 1
    states = list(model.trajectory(2))
    for step in (0, 2, STEPS):
        page.locator("#strip button").nth(step).click()
        expect(page.locator("#scrub-label")).to_have_text(f"Step {step} of {STEPS}, timestep {states[step].t}")
    page.locator("#scrub").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#scrub-label")).to_contain_text(f"Step {STEPS - 1} of")
    shown = picture(page.locator("#picture"))
    png = np.asarray(saved(page, "image-png").convert("RGB"))
    assert np.array_equal(png[::64, ::64], shown)
    gif = saved(page, "image-gif")
    assert getattr(gif, "n_frames", 1) == STEPS + 1
    gif.seek(STEPS - 1)
    assert abs(np.asarray(gif.convert("RGB"))[::64, ::64].astype(int) - shown).max() <= 8
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#viewer")).to_be_hidden()


def test_the_grid_can_be_kept(page: Page) -> None:
    shown = pictures(page)
    png = np.asarray(saved(page, "png").convert("RGB"))
    side = png.shape[1] // 3
    assert np.array_equal(png[: side : side // 8, side : 2 * side : side // 8], shown[1])
    gif = saved(page, "gif")
    assert getattr(gif, "n_frames", 1) == STEPS + 1
    assert gif.size == png.shape[1::-1]


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_a_part_can_be_drawn_anew(by: str, page: Page) -> None:
    tiles(page).first.click()
    before = picture(page.locator("#picture"))
    page.get_by_role("button", name="Redraw a part").click()
    page.get_by_role("button", name="Redraw it").click()
    expect(page.locator("#viewer-status")).to_have_text("Paint something first.")
    mask = page.locator("#mask")
    if by == "mouse":
        box = mask.bounding_box()
        assert box
        page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.1 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.9 * box["height"], steps=8)
        page.mouse.up()
    else:
        mask.focus()
        for key in ["ArrowRight"] * 3 + ["Space", "ArrowDown"] * 3:
            page.keyboard.press(key)
    assert (abs(picture(mask).astype(int) - (255, 122, 89)) <= 1).all(axis=2).any()  # what is painted is seen
    page.get_by_role("button", name="Redraw it").click()
    expect(page.locator("#viewer-status")).to_contain_text("Done.", timeout=60_000)
    after = picture(page.locator("#picture"))
    changed = (before != after).any(axis=2)
    assert changed[:, 5:].any()
    assert not changed[:, :5].any()
    assert np.array_equal(picture(tiles(page).first.locator("canvas")), after)
    page.get_by_role("button", name="Close").click()
    assert getattr(saved(page, "gif"), "n_frames", 1) == FILLING_STEPS + 1  # the others wait at their last state
    tiles(page).first.click()
    # Its noise does not give this image, so nothing can be blended with it.
    expect(page.locator("#blend")).to_be_hidden()


def test_a_part_that_is_drawn_anew_says_of_how_many_steps(page: Page) -> None:
    tiles(page).first.click()
    page.locator("#paint").press("Enter")
    page.keyboard.press("Space")
    page.evaluate("""() => {
      const label = document.getElementById("scrub-label");
      window.said = [];
      new MutationObserver(() => window.said.push(label.textContent)).observe(label, { childList: true });
    }""")
    page.locator("#fill").click()
    expect(page.locator("#viewer-status")).to_contain_text("Done.", timeout=60_000)
    said = page.evaluate("window.said")
    assert len(said) == FILLING_STEPS + 1
    assert all(f" of {FILLING_STEPS}, " in text for text in said)


def test_what_is_half_drawn_is_not_painted_on(page: Page) -> None:
    tiles(page).first.click()
    page.locator("#paint").press("Enter")
    page.keyboard.press("Space")
    # Both in one turn of the page's loop, before the first state comes.
    pressed = "['fill', 'paint'].forEach((id) => document.getElementById(id).click())"
    page.evaluate(pressed)
    expect(page.locator("#painting")).to_be_hidden()
    expect(page.locator("#viewer-status")).to_contain_text("Done.", timeout=60_000)
    page.locator("#paint").click()
    expect(page.locator("#painting")).to_be_visible()


def test_a_click_between_the_controls_keeps_the_image_open_and_one_beside_it_does_not(page: Page) -> None:
    tiles(page).first.click()
    box = page.locator("#viewer").bounding_box()
    assert box
    page.mouse.click(box["x"] + 4, box["y"] + 4)
    expect(page.locator("#viewer")).to_be_visible()
    page.mouse.click(box["x"] - 4, box["y"] + 4)
    expect(page.locator("#viewer")).to_be_hidden()


def test_the_keyboard_goes_back_to_where_the_painting_began(page: Page) -> None:
    tiles(page).first.press("Enter")
    page.locator("#paint").press("Enter")
    expect(page.locator("#mask")).to_be_focused()
    page.locator("#leave").press("Enter")
    expect(page.locator("#paint")).to_be_focused()


def test_two_images_can_be_blended(page: Page) -> None:
    first, last = pictures(page)[[0, 2]]
    tiles(page).nth(0).click()
    page.get_by_role("button", name="Blend with another").click()
    expect(page.locator("#status")).to_contain_text("Choose the other image")
    tiles(page).nth(2).click()
    expect(page.locator("#viewer-status")).to_contain_text("Move the slider")
    for place, expected in ((0, first), (8, last)):
        slide(page, "scrub", place)
        assert_same(picture(page.locator("#picture")), expected)
    slide(page, "scrub", 4)
    expect(page.locator("#picture-caption")).to_have_text("50 % of the way")
    assert abs(picture(page.locator("#picture")).astype(int) - first).mean() > 2


def test_escape_leaves_a_blend(page: Page) -> None:
    tiles(page).nth(0).click()
    page.get_by_role("button", name="Blend with another").click()
    page.keyboard.press("Escape")
    tiles(page).nth(2).click()
    expect(page.locator("#viewer-title")).to_contain_text("Image 3")


def test_new_images_leave_a_blend(page: Page) -> None:
    """The image that it began with is no longer there."""
    tiles(page).nth(0).click()
    page.get_by_role("button", name="Blend with another").click()
    page.get_by_role("button", name="New images").click()
    expect(page.locator("#gallery.choosing")).to_have_count(0)
    made(page)
    tiles(page).nth(2).click()
    expect(page.locator("#viewer-title")).to_contain_text("Image 3")


@pytest.mark.parametrize("steps", [3, 10])
def test_the_time_of_an_image_counts_the_guide_where_it_is_computed(steps: int, page: Page) -> None:
    model, calls = small_model(FOLDED, (3, 8, 8), guided=True), list[int]()
    network = model.guided(2.0)
    assert isinstance(network, Autoguided)
    for part in (network.network, network.guide):
        part.register_forward_hook(lambda *_: calls.append(1))
    model.sample(1, steps=steps, autoguidance=2.0)
    code = """([sampler, steps, guided]) => {
      const values = { sampler, steps, way: { grid: sampler.grids[steps] }, guidance: [], asked: [] };
      return $controls.Controls.prototype.evaluations.call(values, guided);
    }"""
    sampler = ways(model)["samplers"][0]
    assert steps < len(calls) < 2 * steps
    assert page.evaluate(code, [sampler, steps, ends_of(network.extra)]) == len(calls)


@pytest.mark.parametrize("guidance", [1.25, 7.5])
def test_the_guidance_of_a_run_stays_what_it_is(
    guidance: float, chromium: Browser, run: Run, model: Model, tmp_path: Path
) -> None:
    export(load(run.folder, "cpu"), tmp_path / "page.html", guidance=guidance)
    visit = Visit(chromium, (tmp_path / "page.html").as_uri())
    made(visit.page)
    assert_same(pictures(visit.page), model.sample(6, guidance=guidance))
    visit.end((tmp_path / "page.html").as_uri())


def test_a_distilled_model_offers_its_own_steps_alone(chromium: Browser, model: Model, tmp_path: Path) -> None:
    plan = model.plan.model_copy(update={"distilled_from": "runs/teacher"})
    distilled = replace(model, plan=updated(plan, "sampling", sampler="euler", steps=2))
    export(distilled, tmp_path / "page.html")
    visit = Visit(chromium, (tmp_path / "page.html").as_uri())
    made(visit.page)
    assert_same(pictures(visit.page), distilled.sample(6))
    expect(visit.page.get_by_label("Sampler").locator("option")).to_have_count(1)
    expect(visit.page.locator("#steps")).to_have_attribute("max", "0")
    expect(visit.page.locator("#guidance-control")).to_be_hidden()
    tiles(visit.page).first.click()
    expect(visit.page.locator("#blend")).to_be_visible()
    expect(visit.page.locator("#paint")).to_be_hidden()
    visit.end((tmp_path / "page.html").as_uri())


def test_of_a_long_way_a_hundred_states_are_kept(chromium: Browser, tmp_path: Path) -> None:
    """More would take a gigabyte, and an animation of them a minute."""
    steps = {"sampler": "ddpm", "steps": 150, "spacing": "trailing"}
    run = run_of(tmp_path / "long", shape=(1, 8, 8), classes=(), diffusion={"timesteps": 150}, sampling=steps)
    export(load(run.folder, "cpu"), tmp_path / "page.html")
    visit = Visit(chromium, (tmp_path / "page.html").as_uri())
    made(visit.page)
    assert getattr(saved(visit.page, "gif"), "n_frames", 1) == 100
    tiles(visit.page).first.click()
    expect(visit.page.locator("#scrub")).to_have_attribute("max", "99")
    states = list(load(run.folder, "cpu").trajectory(1))
    for step in (150, 148, 147, 145):
        expect(visit.page.locator("#scrub-label")).to_have_text(f"Step {step} of 150, timestep {states[step].t}")
        visit.page.locator("#scrub").press("ArrowLeft")
    visit.end((tmp_path / "page.html").as_uri())


def test_stop_stops(page: Page) -> None:
    page.get_by_label("Sampler").select_option("DDPM")
    expect(page.locator("#status")).to_contain_text("Step")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#status")).to_have_text("Stopped.")
    expect(page.locator("body.busy")).to_have_count(0)


def test_names_are_text_and_the_page_says_what_it_is(page: Page) -> None:
    assert page.locator("#choices span").all_text_contents() == ["A bit of everything", *CLASSES]
    assert page.locator("img").count() == 0
    text = page.locator("#about-text").text_content() or ""
    assert "fashion_mnist (licence of the data: MIT)" in text
    assert "Fréchet distance of 1.25 from real ones (fd_fashion;" in text
    assert text.count(". ") == 1


def test_the_licence_of_the_data_and_the_prompts_to_try_are_those_of_the_card(
    chromium: Browser, tmp_path: Path
) -> None:
    """Such as that of the packaged model of avatars, whose data have no row in the catalogue."""
    model = load("avatars", "cpu")
    export(model, tmp_path / "page.html")
    visit = Visit(chromium, (tmp_path / "page.html").as_uri())
    expect(visit.page.locator("#about-text")).to_contain_text("avatars (licence of the data: CC0 1.0)")
    made(visit.page)
    visit.page.get_by_role("button", name="long red hair and dark skin").click()
    made(visit.page)
    expect(tiles(visit.page).first).to_have_attribute("aria-label", "Image 1: long red hair and dark skin")
    expected = model.sample(12, prompt="long red hair and dark skin")
    assert_same(pictures(visit.page), expected)
    assert violations(visit.page) == []
    visit.end((tmp_path / "page.html").as_uri())


def test_a_licence_that_nobody_knows_is_unknown_in_both_languages(chromium: Browser, tmp_path: Path) -> None:
    run = run_of(tmp_path / "mine", source="photos/cats", shape=(1, 8, 8), classes=())
    export(load(run.folder, "cpu"), tmp_path / "page.html")
    visit = Visit(chromium, (tmp_path / "page.html").as_uri(), locale="pt-PT")
    expect(visit.page.locator("#about-text")).to_contain_text("cats (licença dos dados: desconhecida)")
    visit.page.get_by_role("button", name="English").click()
    expect(visit.page.locator("#about-text")).to_contain_text("cats (licence of the data: unknown)")
    visit.end((tmp_path / "page.html").as_uri())


def test_of_several_languages_the_first_that_the_page_has_is_shown(chromium: Browser, file: Path) -> None:
    context = chromium.new_context(offline=True)
    context.add_init_script("Object.defineProperty(navigator, 'languages', {value: ['fr', 'en-US', 'pt-BR']})")
    page = context.new_page()
    page.goto(file.as_uri())
    made(page)
    assert page.locator("html").get_attribute("lang") == "en"
    context.close()


def test_both_languages_can_be_read(chromium: Browser, file: Path) -> None:
    visit = Visit(chromium, file.as_uri(), locale="pt-PT")
    made(visit.page)
    expect(visit.page.get_by_role("button", name="Novas imagens")).to_be_visible()
    assert visit.page.locator("html").get_attribute("lang") == "pt"
    expect(visit.page.locator("#about-text")).to_contain_text("distância de Fréchet de 1,25 das reais (fd_fashion; 0")
    visit.page.get_by_role("button", name="English").click()
    expect(visit.page.get_by_role("button", name="New images")).to_be_visible()
    expect(visit.page.locator("#status")).to_contain_text("Here they are")
    visit.end(file.as_uri())


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1400, "light")])
def test_everything_fits_and_has_a_name(width: int, scheme: Any, chromium: Browser, file: Path) -> None:
    """On a phone, too; and a reader of the screen hears what each control is."""
    visit = Visit(chromium, file.as_uri(), viewport={"width": width, "height": 720}, color_scheme=scheme)
    page = visit.page
    made(page)
    tiles(page).first.click()
    for _ in range(2):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        named = "[...document.querySelectorAll('button, input, select, progress')].filter((e) => e.checkVisibility())"
        nameless = (
            "(e) => !(e.ariaLabel || e.textContent.trim() || [...(e.labels ?? [])].some((l) => l.textContent.trim()))"
        )
        assert page.evaluate(f"{named}.filter({nameless}).map((e) => e.outerHTML)") == []
        page.keyboard.press("Escape")
    visit.end(file.as_uri())


@pytest.mark.parametrize("locale", ["en-GB", "pt-PT"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_breaks_wcag_2_1_aa(locale: str, scheme: Any, chromium: Browser, file: Path) -> None:
    """With a wrong seed in the form, with an image open, and with a brush in hand."""
    # Where the page's policy holds, axe-core could not run.
    visit = Visit(chromium, file.as_uri(), locale=locale, color_scheme=scheme, bypass_csp=True)
    page = visit.page
    made(page)
    assert violations(page) == []
    page.locator("#seed").fill("-5")
    page.locator("#seed").press("Enter")
    expect(page.locator("#seed-problem")).to_be_visible()
    assert violations(page) == []
    tiles(page).first.click()
    assert violations(page) == []
    page.locator("#paint").click()
    assert violations(page) == []
    visit.end(file.as_uri())


def test_less_motion_shows_the_images_and_not_how_they_come(chromium: Browser, file: Path) -> None:
    visit = Visit(chromium, file.as_uri(), reduced_motion="reduce")
    made(visit.page)
    visit.page.evaluate(DRAWN)
    visit.page.get_by_role("button", name="New images").click()
    made(visit.page)
    assert visit.page.evaluate("drawn") == 1
    tiles(visit.page).first.click()
    assert visit.page.locator("#strip button").count() == STEPS + 1
    assert visit.page.evaluate(MOVING) == 0
    visit.end(file.as_uri())


def test_everything_can_be_reached_by_keyboard(page: Page) -> None:
    page.locator("#language").focus()
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.closest('[id]')?.id"))
    controls = {"grid", "again", "choices", "steps", "guidance", "sampler", "seed", "png", "gif", "about"}
    assert controls <= reached
    tiles(page).first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#viewer-title")).to_be_focused()


def test_a_graphics_card_draws_the_same(chromium: Browser, file: Path, model: Model) -> None:
    visit = Visit(chromium, f"{file.as_uri()}#engine=webgpu")
    expect(visit.page.locator("body")).to_have_attribute("data-engine", "WebGPU", timeout=60_000)
    expect(visit.page.locator("#status")).to_contain_text("Here they are", timeout=60_000)
    assert_same(pictures(visit.page), model.sample(6))
    visit.end(file.as_uri())


@pytest.mark.parametrize("damage", ["A", "!", ""])
def test_damaged_weights_are_a_sentence(damage: str, chromium: Browser, file: Path, tmp_path: Path) -> None:
    """Another letter, one that base64 does not have, one too few."""
    text = file.read_text()
    place = text.index('id="weights">') + 3000
    old = text[place]
    (tmp_path / "x.html").write_text(text[:place] + (damage if damage != old else "B") + text[place + 1 :])
    visit = Visit(chromium, (tmp_path / "x.html").as_uri())
    expect(visit.page.get_by_role("alert")).to_contain_text("The weights in this page are damaged")
    visit.end((tmp_path / "x.html").as_uri())


@pytest.fixture
def site(run: Run, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A page as a folder, and the address of a server of it."""
    export(load(run.folder, "cpu"), tmp_path / "site")
    with served(tmp_path / "site") as address:
        yield tmp_path / "site", address


def test_a_folder_works_on_a_server(site: tuple[Path, str], chromium: Browser, model: Model) -> None:
    folder, address = site
    names = sorted(path.name for path in folder.iterdir())
    assert names[0] == "index.html"
    assert re.fullmatch(r"weights-[0-9a-f]{8}\.bin", names[1])
    visit = Visit(chromium, address)
    made(visit.page)
    assert_same(pictures(visit.page), model.sample(6))
    visit.end(address)


def test_a_folder_without_a_server_says_so(site: tuple[Path, str], chromium: Browser) -> None:
    visit = Visit(chromium, (site[0] / "index.html").as_uri())
    expect(visit.page.get_by_role("alert")).to_contain_text(
        "The weights were not found. This page belongs on a web server"
    )
    visit.context.close()
