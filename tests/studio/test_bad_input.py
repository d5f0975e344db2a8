"""What a person may bring by mistake, or with bad intent: a sentence on the page, and nothing outside the workspace."""

import re
import shutil
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

import nevoa
from nevoa.studio.workspace import Workspace
from tests.conftest import TINY
from tests.studio.browser import click, tab, visit, write
from tests.studio.conftest import Server

pytestmark = pytest.mark.slow
ON_A_FULL_DISK = """
import shutil
from nevoa.cli.main import main
usage = shutil.disk_usage
shutil.disk_usage = lambda path: usage(path)._replace(free=0)
main()
"""


def look_at(page: Page, path: Path) -> None:
    """Drop a file, which shows its images."""
    page.locator("input[type=file]").first.set_input_files(path)
    expect(page.get_by_role("combobox", name="Train on", exact=True)).to_have_value(re.compile("studio/uploads/"))


def sentence(page: Page) -> Locator:
    toast = page.get_by_test_id("toast-body").first
    expect(toast).to_be_visible()
    assert "Traceback" not in toast.inner_text()
    assert len(toast.inner_text()) > 20
    return toast


def picture(side: int = 8) -> bytes:
    data = BytesIO()
    Image.new("L", (side, side), 90).save(data, "PNG")
    return data.getvalue()


@pytest.mark.parametrize("name", ["empty.zip", "bomb.zip", "photo.heic"])
def test_bad_files_are_a_sentence(page: Page, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "photo.heic":
        path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    else:
        with ZipFile(path, "w", ZIP_DEFLATED) as file:
            if name == "bomb.zip":
                file.writestr("a.png", bytes(300_000_000))
    look_at(page, path)
    sentence(page)


def test_images_that_do_not_exist_are_a_sentence_below_them(page: Page) -> None:
    source = page.get_by_role("combobox", name="Train on", exact=True)
    write(source, "nowhere/at/all")
    source.press("Enter")
    below = page.get_by_role("tabpanel").get_by_text("There is no file or folder nowhere/at/all.")
    expect(below).to_be_visible()
    expect(page.get_by_role("img", name="Images to train on")).to_have_count(0)


def test_a_model_that_does_not_exist_is_a_sentence(page: Page) -> None:
    tab(page, "Make")
    model = page.get_by_role("combobox", name="Model", exact=True)
    write(model, "nobody")
    model.press("Enter")
    click(page, "Make images")
    expect(sentence(page)).to_contain_text("nobody")


def test_names_that_lead_out_of_the_workspace_do_not(page: Page, server: Server, tmp_path: Path) -> None:
    before, outside = set(server.workspace.parent.rglob("x*")), tmp_path / "outside.png"
    with ZipFile(tmp_path / "x.zip", "w") as file:
        for name in ("../../x.png", str(outside), "a/../../../x.png", "good/1.png"):
            file.writestr(name, picture())
    look_at(page, tmp_path / "x.zip")
    expect(page.get_by_text(" images, 8x8")).to_be_visible()
    new = set(server.workspace.parent.rglob("x*")) - before
    assert {path.name for path in new} <= {"x.zip"}
    assert all(path.is_relative_to(server.workspace) for path in new)
    assert not outside.exists()


def test_ten_thousand_files_are_read(page: Page, tmp_path: Path) -> None:
    with ZipFile(tmp_path / "many.zip", "w") as file:
        for number in range(10_000):
            file.writestr(f"{number}.png", picture())
    look_at(page, tmp_path / "many.zip")
    expect(page.get_by_text("9,000 images")).to_be_visible(timeout=120_000)
    expect(page.get_by_text("1,000 more are set aside for measuring")).to_be_visible()


def test_a_full_disk_is_a_sentence(chromium: Browser, tmp_path: Path) -> None:
    server = Server(tmp_path / "workspace", ["-c", ON_A_FULL_DISK])
    page = chromium.new_page()
    try:
        visit(page, server.address)
        page.locator("input[type=file]").first.set_input_files(
            {"name": "a.png", "mimeType": "image/png", "buffer": picture()}
        )
        toast = sentence(page)
        page.wait_for_timeout(5_000)
        assert toast.inner_text().splitlines()[-1] == "HTTP 507: The disk has 0 MB left, too few for this: make room."
        assert not list(Workspace(server.workspace).uploads.iterdir())
    finally:
        page.close()
        server.kill()


@pytest.mark.parametrize(
    "button", ["Check", "Compare losses", "Compare samples", "Evaluate (minutes)", "Reports", "Export"]
)
def test_a_run_that_has_vanished_is_a_sentence(page: Page, server: Server, button: str) -> None:
    """Or that another page has removed meanwhile."""
    runs = Workspace(server.workspace).runs
    nevoa.train("shapes", steps=1, out=runs / "gone", options=TINY, progress=False)
    visit(page, server.address)
    tab(page, "Runs")
    page.get_by_label("Chosen runs").click()
    page.get_by_role("option", name="gone").click()
    page.keyboard.press("Escape")
    shutil.rmtree(runs / "gone")
    if button in ("Check", "Export"):
        page.get_by_role("button", name="Check, export, remove").click()
    click(page, button)
    expect(sentence(page)).to_contain_text("There is no run gone")
