"""Somebody who has read nothing: no accordion is opened, and nothing is filled in that need not be."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

import nevoa
from nevoa.studio.choices import choices
from nevoa.studio.controls import MOST_MINUTES
from nevoa.studio.texts import MOST_LETTERS, Language, Texts, texts
from nevoa.studio.workspace import Workspace
from tests.conftest import TINY
from tests.studio.browser import LOCALES, click, tab, visit, write
from tests.studio.conftest import Server
from tests.waiting import until

pytestmark = pytest.mark.slow
UPLOAD = "studio/uploads/cats.zip"


@pytest.fixture(scope="module")
def cats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .zip of pictures."""
    path, rng = tmp_path_factory.mktemp("cats") / "cats.zip", np.random.default_rng(0)
    with ZipFile(path, "w") as file:
        for number in range(40):
            picture = BytesIO()
            Image.fromarray(rng.integers(0, 255, (16, 16, 3), np.uint8)).save(picture, "PNG")
            file.writestr(f"{number}.png", picture.getvalue())
    return path


@pytest.fixture
def workspace(server: Server) -> Iterator[Workspace]:
    """That of the server, in which nothing has been chosen yet."""
    found = Workspace(server.workspace)
    found.choices_file.unlink(missing_ok=True)
    yield found
    for job in found.jobs.active():
        found.jobs.stop(job)
    until(lambda: not found.jobs.active())


@pytest.fixture(params=LOCALES)
def language(request: pytest.FixtureRequest) -> Language:
    return request.param


@pytest.fixture
def say(language: Language) -> Texts:
    return texts(language)


@pytest.fixture
def fresh(workspace: Workspace, server: Server, chromium: Browser, language: Language) -> Iterator[Page]:
    """The page in a language."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale=LOCALES[language])
    context.clock.install()
    opened = context.new_page()
    visit(opened, server.address)
    yield opened
    context.close()


def source(page: Page, say: Texts) -> Locator:
    return page.get_by_role("combobox", name=say.label("source"), exact=True)


def upload(page: Page, say: Texts, path: Path, found: str = UPLOAD) -> None:
    page.locator("input[type=file]").first.set_input_files(path)
    expect(source(page, say)).to_have_value(found)


def minutes(page: Page, say: Texts) -> Locator:
    return page.get_by_label(say.label("minutes"), exact=True).first


def problem(page: Page) -> Locator:
    return page.get_by_test_id("toast-body")


def test_pictures_and_start_are_enough(fresh: Page, say: Texts, cats: Path, workspace: Workspace) -> None:
    upload(fresh, say, cats)
    click(fresh, say.label("start"))
    until(lambda: any(job.state == "running" for job in workspace.jobs))
    expect(fresh.get_by_role("button", name=say.label("stop"), exact=True)).to_be_visible()
    expect(problem(fresh)).to_have_count(0)
    [job] = workspace.jobs.active()
    assert job.record.arguments[:2] == ("train", UPLOAD)


def test_every_tab_does_what_it_is_for(fresh: Page, say: Texts, workspace: Workspace) -> None:
    name = f"small-{say.label('tab_runs')}"
    nevoa.train("shapes", steps=4, out=workspace.runs / name, options=TINY, progress=False)
    fresh.reload()
    expect(fresh.get_by_role("img", name=say.label("sheet"))).to_be_visible()
    expect(fresh.get_by_role("heading", name=name)).to_be_visible()
    click(fresh, say.label("make_new"))
    expect(fresh.get_by_role("img", name=say.label("grid"))).to_be_visible()
    expect(fresh.get_by_role("button", name="PNG")).to_be_visible()
    click(fresh, say.label("make"))
    tab(fresh, say.label("tab_noise"))
    write(fresh.get_by_label(f"number input for {say.label('timestep')}"), "400")
    tab(fresh, say.label("tab_runs"))
    fresh.get_by_label(say.label("chosen")).click()
    fresh.get_by_role("option", name=name).click()
    fresh.keyboard.press("Escape")
    click(fresh, say.label("compare"))
    plot = fresh.get_by_role("button", name=re.compile("^Thumbnail 1")).locator("img")
    expect(plot).to_be_visible()
    plot.scroll_into_view_if_needed()
    expect(plot).to_be_in_viewport(ratio=0.99)
    expect(problem(fresh)).to_have_count(0)


def test_who_returns_finds_the_newest_upload_and_the_last_choices(
    fresh: Page, say: Texts, cats: Path, workspace: Workspace
) -> None:
    upload(fresh, say, cats)
    write(minutes(fresh, say), "3")
    until(lambda: choices(workspace).minutes == 3)
    fresh.reload()
    expect(source(fresh, say)).to_have_value(UPLOAD)
    expect(minutes(fresh, say)).to_have_value("3")
    upload(fresh, say, cats)
    assert workspace.sources() == [UPLOAD]
    click(fresh, say.label("start"))
    until(lambda: bool(workspace.jobs.active()))
    [job] = workspace.jobs.active()
    assert {UPLOAD, "--minutes=3"} <= set(job.record.arguments)


def test_an_error_stays_as_a_sentence_of_the_language(fresh: Page, say: Texts, workspace: Workspace) -> None:
    chosen = source(fresh, say)
    expect(chosen).not_to_have_value("")
    chosen.fill("x" * 100_000)
    chosen.press("Enter")
    click(fresh, say.label("start"))
    sentence = fresh.get_by_text(say.error("odd_text", most=MOST_LETTERS)).first
    expect(sentence).to_be_visible()
    fresh.clock.fast_forward(3_600_000)
    expect(sentence).to_be_visible()
    expect(fresh.get_by_text("Error", exact=True).locator("visible=true")).to_have_count(0)
    assert not workspace.jobs.active()


def test_a_number_counts_as_typed_or_is_refused(fresh: Page, say: Texts, workspace: Workspace) -> None:
    write(minutes(fresh, say), "-1")
    click(fresh, say.label("start"))
    expect(problem(fresh)).to_contain_text(say.error("minutes", most=MOST_MINUTES))
    assert not workspace.jobs.active()
    tab(fresh, say.label("tab_make"))
    fresh.get_by_role("button", name=say.label("more")).locator("visible=true").click()
    write(fresh.get_by_label(say.label("seed_of_images"), exact=True).locator("visible=true"), "3.5")
    click(fresh, say.label("make"))
    expect(problem(fresh)).to_contain_text("seed must be a whole number from 0 to 9,223,372,036,854,775,807, not 3.5.")


def test_the_other_language_takes_the_place_of_this_one(fresh: Page, language: Language) -> None:
    [other] = LOCALES.keys() - {language}
    fresh.locator(f'a[href="/{other}/"]').click()
    expect(fresh).to_have_url(re.compile(f"/{other}/$"))


def test_make_offers_the_newest_run_and_its_classes(
    fresh: Page, say: Texts, workspace: Workspace, server: Server
) -> None:
    options = [*TINY, "training.condition=class"]
    for name, kinds in (("older", ["square", "star"]), ("newer", ["circle", "square"])):
        out = workspace.runs / f"{name}-{say.label('tab_make')}"
        nevoa.train("shapes", steps=2, only=kinds, out=out, options=options, progress=False)
    visit(fresh, server.address)
    tab(fresh, say.label("tab_make"))
    model = fresh.get_by_role("combobox", name=say.label("model"), exact=True)
    expect(model).to_have_value(f"newer-{say.label('tab_make')}")
    fresh.get_by_role("combobox", name=say.label("labels"), exact=True).locator("visible=true").click()
    expect(fresh.get_by_role("option")).to_contain_text(["circle", "square"])
