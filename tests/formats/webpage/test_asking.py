"""Prompts, tags and numbers on a page, in a real browser, from a file, without a connection."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from nevoa.conditions.text import LONGEST_PROMPT
from nevoa.config.condition import SEEN, seen_of
from nevoa.formats.webpage import export
from nevoa.formats.webpage.weights import rounded
from nevoa.model import Model
from tests.axe import violations
from tests.formats.small_models import CLASSES, FOLDED, small_model
from tests.formats.small_run import plan_of
from tests.formats.webpage.library import KINDS
from tests.formats.webpage.test_page import picture, pictures, saved, slide, tiles
from tests.formats.webpage.test_sampling import assert_same
from tests.formats.webpage.visit import Visit, made

pytestmark = pytest.mark.slow

STEPS = 3
SAMPLING = {"steps": STEPS, "sampler": "dpm_solver", "spacing": "karras", "guidance": 2.5}

# What a hasty visitor does before the engine is ready.
TYPED_AT_ONCE = """addEventListener("DOMContentLoaded", () => {
  const box = document.getElementById("prompt");
  box.value = "a hat";
  box.dispatchEvent(new Event("input", { bubbles: true }));
});"""


def model_of(**kinds: Any) -> Model:
    """A model of the weights that its page has."""
    model = small_model(FOLDED, (3, 8, 8), sampling=SAMPLING, conditions=kinds)
    rounded(model.network)
    return replace(model, plan=plan_of(model))


@pytest.fixture(scope="module")
def model() -> Model:
    return model_of(**KINDS)


@pytest.fixture(scope="module")
def file(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "asked.html"
    export(model, path)
    return path


def describe(page: Page, prompt: str) -> None:
    page.get_by_label("Describe an image").fill(prompt)
    page.keyboard.press("Enter")


def test_what_is_asked_is_drawn_as_by_nevoa_sample(page: Page, model: Model) -> None:
    """And when nothing is asked any more, what is drawn without it."""
    assert_same(pictures(page), model.sample(12))
    describe(page, "A red hat")
    made(page)
    expect(page.get_by_label("Seed")).to_have_value("0")
    assert_same(pictures(page), model.sample(12, prompt="A red hat"))
    for tag in ("red", "smile"):
        page.get_by_label(tag, exact=True).check()
    page.get_by_role("slider", name="age").fill("28")
    slide(page, "guidance", 3)
    made(page)
    expect(page.get_by_role("checkbox", name="age")).to_be_checked()
    asked: dict[str, Any] = {"prompt": "A red hat", "tags": ["red, smile"], "numbers": {"age": 30}}
    assert_same(pictures(page), model.sample(12, guidance=3, **asked))
    page.get_by_role("button", name="New images").click()
    made(page)
    assert_same(pictures(page), model.sample(12, seed=1, guidance=3, **asked))
    tiles(page).nth(1).click()
    expect(page.locator("#viewer-title")).to_have_text("Image 2: A red hat, red, smile, age 30")
    page.keyboard.press("Escape")
    for name in ("red", "smile", "age"):
        page.get_by_role("checkbox", name=name, exact=True).uncheck()
    describe(page, "  ")
    made(page)
    expect(tiles(page).first).to_have_attribute("aria-label", "Image 1")
    assert_same(pictures(page), model.sample(12, seed=1))


def test_what_is_not_wanted_is_kept_out_as_by_nevoa_sample(page: Page, model: Model) -> None:
    """As long as the guidance is above 1: at 1 it drops out of the sum."""
    unwanted = page.get_by_role("textbox", name="What it should not show")
    unwanted.fill("red")
    page.keyboard.press("Enter")
    made(page)
    assert_same(pictures(page), model.sample(12, not_="red"))
    describe(page, "a hat")
    made(page)
    expect(tiles(page).first).to_have_attribute("aria-label", "Image 1: a hat, without red")
    assert_same(pictures(page), model.sample(12, prompt="a hat", not_="red"))
    slide(page, "guidance", 1)
    made(page)
    expect(unwanted).to_be_hidden()
    expect(tiles(page).first).to_have_attribute("aria-label", "Image 1: a hat")
    assert_same(pictures(page), model.sample(12, prompt="a hat", guidance=1))


def test_each_kind_has_a_weight_of_its_own_as_in_nevoa_sample(page: Page, model: Model) -> None:
    """The slider of all moves them."""
    describe(page, "a hat")
    page.get_by_role("slider", name="age").fill("28")
    page.get_by_text("One for each kind").click()
    weights = page.locator("#by-kind")
    weights.get_by_label("Description").fill("4")
    weights.get_by_label("age").fill("0.5")
    made(page)
    expect(page.locator("#guidance-value")).to_have_text("4.0 · 2.5 · 0.5")
    asked: dict[str, Any] = {"prompt": "a hat", "numbers": {"age": 30}}
    expected = model.sample(12, guidance={"text": 4.0, "number:age": 0.5}, **asked)
    assert_same(pictures(page), expected)
    slide(page, "guidance", 3)
    made(page)
    expect(weights.get_by_label("age")).to_have_value("3")
    assert_same(pictures(page), model.sample(12, guidance=3, **asked))


def test_the_weights_of_an_export_are_those_that_the_page_begins_with(
    model: Model, chromium: Browser, tmp_path: Path
) -> None:
    guidance = {"text": 3.25, "number:age": 1.0}
    export(model, tmp_path / "page.html", guidance=guidance)
    visit = Visit(chromium, (tmp_path / "page.html").as_uri())
    describe(visit.page, "a hat")
    made(visit.page)
    assert_same(pictures(visit.page), model.sample(12, guidance=guidance, prompt="a hat"))
    visit.end((tmp_path / "page.html").as_uri())


def test_a_prompt_that_is_typed_while_the_page_loads_is_drawn_of_the_same_seed(page: Page, model: Model) -> None:
    """Also if the page draws it before Enter is pressed."""
    page.add_init_script(TYPED_AT_ONCE)
    page.reload()
    made(page)
    assert_same(pictures(page), model.sample(12, prompt="a hat"))
    page.get_by_label("Describe an image").press("Enter")
    made(page)
    expect(page.get_by_label("Seed")).to_have_value("0")
    assert_same(pictures(page), model.sample(12, prompt="a hat"))
    page.get_by_role("button", name="New images").click()
    expect(page.get_by_label("Seed")).to_have_value("1")


@pytest.mark.parametrize("known", ["tags", "classes"])
def test_a_tag_or_a_class_is_kept_out_of_a_model_without_prompts(known: str, chromium: Browser, tmp_path: Path) -> None:
    options: dict[str, Any] = {"classes": CLASSES} if known == "classes" else {"conditions": {"tags": KINDS["tags"]}}
    model = small_model(FOLDED, (3, 8, 8), sampling=SAMPLING, **options)
    rounded(model.network)
    model = replace(model, plan=plan_of(model))
    export(model, tmp_path / "page.html")
    visit = Visit(chromium, (tmp_path / "page.html").as_uri())
    made(visit.page)
    name = "dog" if known == "classes" else "hat"
    visit.page.get_by_role("combobox", name="What it should not show").select_option(name)
    made(visit.page)
    assert_same(pictures(visit.page), model.sample(len(pictures(visit.page)), not_=name))
    expect(visit.page.locator("#not")).to_be_hidden()
    visit.end((tmp_path / "page.html").as_uri())


def test_a_slider_reaches_each_whole_number_however_large(chromium: Browser, tmp_path: Path) -> None:
    model = model_of(**{"number:year": KINDS["number:age"] | {"name": "year", "low": 1_000_000, "high": 1_000_100}})
    export(model, tmp_path / "page.html")
    visit = Visit(chromium, (tmp_path / "page.html").as_uri())
    visit.page.get_by_role("slider", name="year").fill("1")
    made(visit.page)
    expect(visit.page.locator("#numbers output")).to_have_text("1000001")
    assert_same(pictures(visit.page), model.sample(len(pictures(visit.page)), numbers={"year": 1_000_001}))
    visit.end((tmp_path / "page.html").as_uri())


def test_images_of_a_prompt_are_kept_and_blended_and_drawn_anew(page: Page) -> None:
    describe(page, "a hat")
    made(page)
    first = pictures(page)[0]
    assert getattr(saved(page, "gif"), "n_frames", 1) == STEPS + 1
    tiles(page).first.click()
    page.get_by_role("button", name="Blend with another").click()
    tiles(page).nth(2).click()
    expect(page.locator("#viewer-status")).to_contain_text("Move the slider")
    slide(page, "scrub", 0)
    assert_same(picture(page.locator("#picture")), first)
    page.keyboard.press("Escape")
    tiles(page).first.click()
    page.get_by_role("button", name="Redraw a part").click()
    page.locator("#mask").click()
    page.get_by_role("button", name="Redraw it").click()
    expect(page.locator("#viewer-status")).to_contain_text("Done.", timeout=60_000)


def test_the_page_names_the_words_that_it_does_not_read_or_know(chromium: Browser, tmp_path: Path) -> None:
    """In both languages."""
    export(model_of(text=KINDS["text"] | {"seen": seen_of(bytes(SEEN // 8))}), tmp_path / "page.html")
    visit = Visit(chromium, (tmp_path / "page.html").as_uri())
    notice = visit.page.locator("#prompt-notice")
    describe(visit.page, "one two 🐱 four, FIVE six")
    unknown = (
        "The network has never seen these words: one, two, 🐱, four, ,, five. It goes by words that look like them."
    )
    expect(notice).to_have_text(f"The network does not read: six. {unknown}")
    expect(visit.page.locator("#prompt-help")).to_contain_text("the first 6 words")
    visit.page.get_by_role("button", name="Português").click()
    expect(notice).to_contain_text("A rede não lê: six. A rede nunca viu estas palavras: one, two")
    expect(visit.page.get_by_label("Descreva uma imagem")).to_be_visible()
    for hidden in ("classes", "tags", "numbers"):
        expect(visit.page.locator(f"#{hidden}")).to_be_hidden()
    expect(visit.page.locator("#by-kind")).to_be_hidden()
    visit.end((tmp_path / "page.html").as_uri())


def test_a_prompt_is_as_long_as_it_may_be(page: Page, model: Model) -> None:
    page.get_by_label("Describe an image").click()
    page.keyboard.insert_text("hat " * 2500)
    typed = page.get_by_label("Describe an image").input_value()
    assert typed == ("hat " * 2500)[:LONGEST_PROMPT]
    page.keyboard.press("Enter")
    made(page)
    with pytest.warns(UserWarning, match="reads the first 6 words"):
        expected = model.sample(12, prompt=typed)
    assert_same(pictures(page), expected)


def test_many_tags_can_be_searched(chromium: Browser, tmp_path: Path) -> None:
    """One that is chosen stays in sight."""
    model = model_of(tags={"kind": "tags", "tags": tuple(f"tag {n}" for n in range(40))})
    export(model, tmp_path / "page.html")
    visit = Visit(chromium, (tmp_path / "page.html").as_uri())
    chips = visit.page.locator("#tag-choices label:visible")
    visit.page.get_by_label("tag 7", exact=True).check()
    visit.page.get_by_label("Find a tag").fill("TAG 3")
    assert chips.all_text_contents() == ["tag 3", "tag 7", *(f"tag {n}" for n in range(30, 40))]
    made(visit.page)
    assert_same(pictures(visit.page), model.sample(12, tags=["tag 7"]))
    visit.end((tmp_path / "page.html").as_uri())


def test_classes_beside_other_kinds_are_drawn_only_if_chosen(chromium: Browser, tmp_path: Path) -> None:
    model = small_model(FOLDED, (3, 8, 8), CLASSES, sampling=SAMPLING, conditions={"number:age": KINDS["number:age"]})
    rounded(model.network)
    model = replace(model, plan=plan_of(model))
    export(model, tmp_path / "page.html")
    visit = Visit(chromium, (tmp_path / "page.html").as_uri())
    made(visit.page)
    assert_same(pictures(visit.page), model.sample(12))
    visit.page.get_by_role("radio", name="dog").check()
    made(visit.page)
    assert_same(pictures(visit.page), model.sample(12, labels="dog"))
    visit.end((tmp_path / "page.html").as_uri())


def test_a_model_that_draws_nothing_unasked_says_so(chromium: Browser, tmp_path: Path) -> None:
    model = model_of(text=KINDS["text"])
    plan = model.plan.model_copy(update={"null_label": False})
    plan = plan.model_copy(update={"sampling": plan.sampling.model_copy(update={"guidance": 1.0})})
    export(replace(model, plan=plan), tmp_path / "page.html")
    visit = Visit(chromium, (tmp_path / "page.html").as_uri())
    expect(visit.page.locator("#status")).to_contain_text("This network draws nothing unasked")
    for hidden in ("guidance-control", "not-control", "unwanted-control"):
        expect(visit.page.locator(f"#{hidden}")).to_be_hidden()
    describe(visit.page, "a hat")
    made(visit.page)
    assert_same(pictures(visit.page), replace(model, plan=plan).sample(12, prompt="a hat"))
    visit.end((tmp_path / "page.html").as_uri())


@pytest.mark.parametrize(("locale", "scheme", "width"), [("en-GB", "light", 360), ("pt-PT", "dark", 1200)])
def test_whoever_reads_the_screen_can_ask(locale: str, scheme: Any, width: int, chromium: Browser, file: Path) -> None:
    size: Any = {"width": width, "height": 720}
    visit = Visit(chromium, file.as_uri(), locale=locale, color_scheme=scheme, viewport=size, bypass_csp=True)
    visit.page.locator("#prompt").fill("one two three four five six seven " + "w" * 100)
    visit.page.locator("#not").fill("w" * 100)
    visit.page.keyboard.press("Enter")
    visit.page.locator("#numbers input").last.fill("40")
    visit.page.locator("#by-kind summary").click()
    made(visit.page)
    assert violations(visit.page) == []
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    reached = set()
    visit.page.locator("#language").focus()
    for _ in range(40):
        visit.page.keyboard.press("Tab")
        reached.add(visit.page.evaluate("document.activeElement.id || document.activeElement.closest('[id]')?.id"))
    assert {"prompt", "not", "tag-choices", "numbers", "guidance"} <= reached
    visit.end(file.as_uri())
