"""The page in a real browser: what a person does, and what may happen to page, server and trainer meanwhile."""

import os
import re
import shlex
import signal
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from gradio_client import Client
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

import nevoa
from nevoa.runs import Run, journal, status_of
from nevoa.studio.texts import Language
from nevoa.studio.workspace import Workspace
from tests.cli.conftest import nevoa_alone
from tests.conftest import TINY
from tests.small_runs import outcome
from tests.studio.browser import LOCALES, click, shot, tab, visit, write
from tests.studio.conftest import Server
from tests.waiting import until

pytestmark = pytest.mark.slow
TABS = {"en": ("Train", "Make", "Noise", "Runs"), "pt": ("Treinar", "Criar", "Ruído", "Treinos")}
# A checkpoint does not interrupt the training every moment.
CHECKPOINT = 400
SELDOM = f"training.checkpoint_every_images={CHECKPOINT}", "training.preview_every_images=4000", "training.threads=1"
# Hours: a test stops it. (1,200 steps were over before a busy page had found its button.)
ENDLESS = 10_000_000


def seen(run: Run) -> int:
    return max((line["images_seen"] for line in run.metrics()), default=0)


def state(page: Page, word: str) -> Locator:
    """The line below the bar that begins with the state of the run."""
    return page.get_by_text(re.compile(f"^{word} ·"))


def describe_training(page: Page, name: str, steps: int = ENDLESS) -> None:
    """Fill in the form of a training."""
    source = page.get_by_role("combobox", name="Train on", exact=True)
    write(source, "shapes")
    source.press("Enter")
    write(page.get_by_label("Minutes", exact=True).first, "0")
    page.get_by_role("button", name="More options").first.click()
    write(page.get_by_role("textbox", name=re.compile("^Name")), name)
    write(page.get_by_label("Options"), "\n".join([*TINY, *SELDOM, f"training.steps={steps}"]))


@pytest.fixture(scope="module")
def small(server: Server) -> Run:
    """A run to look at."""
    return nevoa.train("shapes", steps=4, out=Workspace(server.workspace).runs / "small", options=TINY, progress=False)


def test_a_training_outlives_page_server_and_trainer(page: Page, server: Server, chromium: Browser) -> None:
    workspace = Workspace(server.workspace)
    run = Run(workspace.runs / "clothes")
    describe_training(page, "clothes", steps=300)
    page.get_by_role("button", name="Start", exact=True).dblclick()
    until(lambda: seen(run) > 0)
    trainer = int([entry.about["pid"] for entry in journal.read(run) if entry.event == "started"][-1])
    os.kill(trainer, signal.SIGSTOP)  # it must not end before the page has shown it
    expect(state(page, "running")).to_be_visible()
    shot(page, "train-1280")
    assert len(list(workspace.jobs)) == 1
    name = page.get_by_role("textbox", name=re.compile("^Name"))
    assert name.input_value() == "clothes"  # so that another click finds the same job
    [job] = workspace.jobs
    page.close()
    server.kill()
    before = seen(run)
    os.kill(trainer, signal.SIGCONT)
    until(lambda: seen(run) > before + CHECKPOINT)
    os.kill(trainer, signal.SIGSTOP)
    server.start()
    again = chromium.new_page()
    visit(again, server.address)
    expect(state(again, "running")).to_be_visible()
    os.kill(trainer, signal.SIGKILL)
    expect(state(again, "stopped")).to_be_visible()
    click(again, "Resume")
    until(lambda: status_of(run)[0] == "finished", 180)
    expect(state(again, "finished")).to_be_visible()
    again.close()
    _, *arguments = shlex.split(job.command)
    straight = server.workspace.parent / "straight"
    straight.mkdir()
    nevoa_alone(*arguments, folder=straight)
    assert outcome(Run(straight / "runs/clothes")) == outcome(run)
    assert run.config_file.read_text() == (straight / "runs/clothes/config.toml").read_text()


def test_two_pages_start_one_training_and_either_stops_it(
    page: Page, server: Server, chromium: Browser, small: Run
) -> None:
    """Both show it from then on, though there is another run."""
    jobs, other = Workspace(server.workspace).jobs, chromium.new_page(locale="en-GB")
    visit(other, server.address)
    for one in (page, other):
        describe_training(one, "both")
    for one in (page, other):
        click(one, "Start")
    expect(state(page, "running")).to_be_visible()
    expect(state(other, "running")).to_be_visible()
    click(other, "Stop")
    expect(state(page, "stopped")).to_be_visible()
    other.close()
    assert [job.record.run for job in jobs].count("both") == 1


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A .zip of pictures in two classes, one with the name of an attack, and a file that is no picture."""
    path = tmp_path / "pictures.zip"
    with ZipFile(path, "w") as file:
        for number, name in enumerate(("cat", "<img src=x onerror=alert(1)>") * 8):
            picture = BytesIO()
            Image.new("RGB", (40, 40), (number * 12, 90, 200)).save(picture, "PNG")
            file.writestr(f"{name}/{number}.png", picture.getvalue())
        file.writestr("cat/broken.png", b"no picture")
    return path


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", ["en", "pt"])
def test_all_tabs_in_both_languages_on_a_screen_and_on_a_phone(
    server: Server, chromium: Browser, small: Run, width: int, language: Language
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900}, locale=LOCALES[language])
    page = context.new_page()
    visit(page, server.address)
    page.wait_for_timeout(500)
    assert page.url.endswith(f"/{language}/")
    for name in TABS[language]:
        tab(page, name)
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        shot(page, f"{TABS['en'][TABS[language].index(name)].lower()}-{language}-{width}")
    context.close()


def test_dropped_images_are_shown_with_what_was_left_out(page: Page, archive: Path) -> None:
    page.locator("input[type=file]").first.set_input_files(archive)
    expect(page.get_by_role("combobox", name="Train on", exact=True)).to_have_value("studio/uploads/pictures.zip")
    expect(page.get_by_text("16 images")).to_be_visible()
    expect(page.get_by_text("broken.png")).to_be_visible()
    expect(page.get_by_text("<img src=x onerror=alert(1)> (8)")).to_be_visible()
    shot(page, "dropped")


def test_images_are_made_and_their_way_is_kept(page: Page, server: Server, small: Run) -> None:
    workspace = Workspace(server.workspace)
    newest = next(name for name in workspace.run_names() if workspace.run(name).has_model)
    tab(page, "Make")
    expect(page.get_by_role("combobox", name="Model", exact=True)).to_have_value(newest)
    write(page.get_by_label("number input for Images"), "4")
    click(page, "Make images")
    way = page.get_by_label("number input for The way out of the noise")
    expect(way).to_be_visible()
    shot(page, "made")
    with page.expect_download() as download:
        page.get_by_role("button", name="NPY", exact=True).click()
    assert np.array_equal(np.load(download.value.path()), nevoa.load(workspace.runs / newest).sample(4))


def test_a_run_is_removed_only_by_its_name(page: Page, server: Server) -> None:
    run = nevoa.train("shapes", steps=2, out=Workspace(server.workspace).runs / "old", options=TINY, progress=False)
    visit(page, server.address)
    tab(page, "Runs")
    page.get_by_label("Chosen runs").click()
    page.get_by_role("option", name="old").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Check, export, remove").click()
    click(page, "Remove")
    expect(page.get_by_test_id("toast-body").first).to_contain_text("type its name")
    assert run.exists
    write(page.get_by_label("Name of the run to remove"), "old")
    click(page, "Remove")
    expect(page.get_by_text("old is removed")).to_be_visible()
    assert not run.folder.exists()


def test_a_program_calls_what_the_page_calls(server: Server, small: Run) -> None:
    """The three calls of docs/studio.md."""
    client = Client(f"{server.address}/en/", verbose=False, analytics_enabled=False)
    summary, sheet = client.predict("shapes", "", "", "", api_name="/images")
    assert "shapes" in summary
    assert Path(sheet if isinstance(sheet, str) else sheet["path"]).stat().st_size > 1000
    options = "\n".join([*TINY, "training.steps=2"])
    command = client.predict("shapes", "", "", "", "by-api", "quick", None, "", 0, options, api_name="/train")[0]
    assert "nevoa train shapes" in str(command)
    workspace = Workspace(server.workspace)
    until(lambda: workspace.jobs.of_run("by-api").state == "ended")  # pyright: ignore[reportOptionalMemberAccess]
    assert workspace.run("by-api").has_model
    assert "small" in str(client.predict(api_name="/runs")[0])
