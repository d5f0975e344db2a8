"""Everybody can use the page: axe-core finds nothing, the keyboard reaches everything, and nothing moves unasked."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

import nevoa
from nevoa.studio.texts import LANGUAGES, Language, Texts, texts
from nevoa.studio.workspace import Workspace
from tests.axe import violations
from tests.conftest import TINY
from tests.studio.browser import LOCALES, click, tab, visit
from tests.studio.conftest import Server

pytestmark = pytest.mark.slow
TABS = "train", "make", "noise", "runs"
NAMES = """() => [...document.querySelectorAll("*")].flatMap(one =>
    ["aria-label", "title", "alt", "placeholder"].map(name => one.getAttribute(name)).filter(Boolean))"""
FOCUSED = "() => document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()"


@pytest.fixture(scope="module")
def trained(server: Server) -> Server:
    """A server with a run that knows classes, tags and a number."""
    pixels = np.random.default_rng(0).integers(0, 255, (32, 16, 16, 3), np.uint8)
    said: dict[str, Any] = {
        "labels": ["cat", "dog"] * 16,
        "captions": ["hat, smile"] * 32,
        "numbers": {"age": range(32)},
    }
    options = [*TINY, 'training.condition=["class", "tags", "number:age"]']
    run = Workspace(server.workspace).runs / "a"
    nevoa.train(pixels, steps=8, out=run, options=options, progress=False, **said)
    return server


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> Language:
    return request.param


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def opened(trained: Server, chromium: Browser, language: Language, scheme: Any) -> Iterator[Page]:
    """The page, of somebody who wants it still."""
    context = chromium.new_context(locale=LOCALES[language], color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    visit(page, trained.address)
    yield page
    context.close()


def check(page: Page) -> None:
    """Nothing breaks a rule, and no name is the key of one that is missing."""
    assert violations(page) == []
    assert [name for name in page.evaluate(NAMES) if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", name)] == []


def use(page: Page, name: str, say: Texts) -> None:
    """Let a tab show what it has."""
    if name == "train":
        expect(page.get_by_role("img", name=say.label("sheet"))).to_be_visible()
        expect(page.get_by_role("img", name=say.label("preview"))).to_be_visible()
    if name == "make":
        page.get_by_role("combobox", name=say.label("tags"), exact=True).click()
        page.get_by_role("option", name="smile").click()
        page.keyboard.press("Escape")
        page.get_by_role("checkbox", name="age").check()
        expect(page.get_by_role("slider", name="range slider for age")).to_have_attribute("max", "31")
        click(page, say.label("make"))
        expect(page.get_by_role("button", name="PNG")).to_be_visible()
    if name == "runs":
        click(page, say.label("compare"))
        expect(page.get_by_text(say.error("none_chosen"))).to_be_visible()


def test_nothing_breaks_a_rule_of_wcag(opened: Page, language: Language) -> None:
    say = texts(language)
    assert opened.locator("html").get_attribute("lang") == language
    for name in TABS:
        tab(opened, say.label(f"tab_{name}"))
        use(opened, name, say)
        check(opened)
        for opener in opened.locator("button.label-wrap:visible").all():
            opener.click()
        check(opened)
    assert opened.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize(("language", "scheme"), [("en", "light")], indirect=True)
def test_the_keyboard_is_enough(opened: Page) -> None:
    expect(opened.get_by_role("img", name="Images to train on")).to_be_visible()
    opened.get_by_role("tab", name="Train", exact=True).focus()
    reached = list[str]()
    for _ in range(30):
        opened.keyboard.press("Tab")
        reached.append(opened.evaluate(FOCUSED))
    wanted = ["Drop File Here", "Train on", "Minutes", "Start", "More options", "Make new ones", "More of this run"]
    places = [next(place for place, name in enumerate(reached) if name.startswith(one)) for one in wanted]
    assert places == sorted(places)
    opened.get_by_role("button", name="Make new ones").focus()
    opened.keyboard.press("Enter")
    expect(opened.get_by_role("button", name="PNG")).to_be_visible()
