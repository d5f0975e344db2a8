"""From a folder of pictures to new images without a command, through all tabs: also the animation in the README."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, ViewportSize, expect

from nevoa.data import load_images
from nevoa.pictures import save_gif
from nevoa.runs import Run, status_of
from nevoa.studio.workspace import Workspace
from tests.conftest import TINY
from tests.studio.browser import SHOTS, click, tab, until
from tests.studio.conftest import Server

pytestmark = pytest.mark.slow
# For the README the walk trains the preset.
MINUTES, OPTIONS = ("4", []) if SHOTS else ("0", [*TINY, "training.steps=60", "training.threads=1"])
COUNT, FRAME_SIZE, SECONDS = 500, (880, 798), 2.5
USUAL, TALL = (ViewportSize(width=1280, height=height) for height in (900, 1160))
Look = Callable[[], None]


@pytest.fixture
def clothes(tmp_path: Path) -> Path:
    """A .zip of real pictures in folders by class."""
    images = load_images("fashion_mnist_10k")
    some = slice(None, None, len(images) // COUNT)
    path = tmp_path / "clothes.zip"
    with ZipFile(path, "w") as archive:
        for number, (pixels, label) in enumerate(zip(images.images[some], images.labels[some], strict=True)):
            file = BytesIO()
            Image.fromarray(pixels[..., 0]).save(file, "PNG")
            archive.writestr(f"{images.classes[label].replace('/', ' or ')}/{number:03d}.png", file.getvalue())
    return path


@pytest.fixture
def look(page: Page) -> Look:
    """Keep what a person sees now as the next frame of an animation."""
    frames: list[Image.Image] = []

    def take() -> None:
        if SHOTS:
            page.set_viewport_size(TALL)
            page.evaluate("scrollTo(0, 0)")
            page.wait_for_timeout(1_000)
            page.screenshot(path=Path(SHOTS, f"walk-{len(frames)}.png"))
            seen = Image.open(Path(SHOTS, f"walk-{len(frames)}.png")).convert("RGB")
            frames.append(seen.resize(FRAME_SIZE, Image.Resampling.LANCZOS).quantize(64, dither=Image.Dither.NONE))
            save_gif(frames, Path(SHOTS, "studio.gif"), SECONDS * len(frames))
            page.set_viewport_size(USUAL)

    return take


def test_from_pictures_to_new_images_through_all_tabs(page: Page, server: Server, clothes: Path, look: Look) -> None:
    run = Run(Workspace(server.workspace).runs / "clothes")
    bring(page, clothes)
    look()
    for _ in train(page, run):
        look()
    for _ in make(page):
        look()
    for _ in paint_anew(page, clothes):
        look()
    tab(page, "Noise")
    page.get_by_label("number input for Timestep t").fill("400")
    expect(page.get_by_role("cell", name="0.", exact=False).first).to_be_visible()
    look()
    compare(page)
    look()


def bring(page: Page, pictures: Path) -> None:
    page.locator("input[type=file]").first.set_input_files(pictures)
    expect(page.get_by_role("combobox", name="Train on", exact=True)).to_have_value("studio/uploads/clothes.zip")
    expect(page.get_by_text(f"{COUNT} images, 28x28")).to_be_visible(timeout=60_000)


def train(page: Page, run: Run) -> Iterator[None]:
    page.get_by_label("Minutes", exact=True).first.fill(MINUTES)
    page.get_by_role("button", name="More options").first.click()
    page.get_by_label("Options").fill("\n".join(OPTIONS))
    click(page, "What will it take?")
    expect(page.get_by_text("network, parameters")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="More options").first.click()
    click(page, "Start")
    until(lambda: len(run.previews()) > 1, 300)
    yield
    expect(page.get_by_text(re.compile("^finished ·"))).to_be_visible(timeout=600_000)
    yield
    assert status_of(run)[0] == "finished"


def make(page: Page) -> Iterator[None]:
    click(page, "Make new ones")
    way = page.get_by_label("number input for The way out of the noise")
    expect(way).to_be_visible(timeout=120_000)
    yield
    way.fill("2")
    way.press("Enter")
    yield


def paint_anew(page: Page, pictures: Path) -> Iterator[None]:
    """Outside of what the brush has touched, every pixel stays."""
    with ZipFile(pictures) as archive:
        data = archive.read(archive.namelist()[0])
    page.get_by_role("button", name="Start from an image").click()
    page.get_by_label("paint a part anew").click()
    editor = page.locator(".block", has=page.locator("canvas"))
    ended = list[str]()
    for end in ("requestfinished", "requestfailed"):  # where the page cuts it off before the server ends it
        page.on(end, lambda asked: ended.append(asked.url) if "/queue/data" in asked.url else None)
    with page.expect_request(lambda asked: "/queue/join" in asked.url and '"background":{' in (asked.post_data or "")):
        editor.locator("input[type=file]").set_input_files({"name": "one.png", "mimeType": "image/png", "buffer": data})
    ended.clear()
    # The page fits its brush to the picture, and then closes the stream of answers.
    until(lambda: page.wait_for_timeout(100) or bool(ended), 30)
    stroke(page, editor)
    yield
    page.get_by_label("number input for Images").fill("4")
    photo = np.asarray(Image.open(BytesIO(data)))[..., None]
    for patience in (30, 60, 80):
        click(page, "Make images")
        with suppress(AssertionError):
            until(lambda: 0.5 < (downloaded(page) == photo).all(axis=(0, 3)).mean() < 1, patience)
            break
        stroke(page, editor)  # on a busy machine the page may have missed the first one
    else:
        raise AssertionError("Nothing was painted anew.")
    yield


def stroke(page: Page, editor: Locator) -> None:
    """Draw with the brush."""
    page.wait_for_timeout(1_000)
    canvas = editor.locator("canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 40, y)
    page.mouse.down()
    page.mouse.move(x + 40, y + 20, steps=8)
    page.mouse.up()


def downloaded(page: Page) -> np.ndarray:
    """The images that have been made last."""
    with page.expect_download() as download:
        page.get_by_role("button", name="NPY", exact=True).click()
    return np.load(download.value.path())


def compare(page: Page) -> None:
    tab(page, "Runs")
    page.get_by_label("Chosen runs").click()
    page.get_by_role("option", name="clothes").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Check, export, remove").click()
    click(page, "Check")
    expect(page.get_by_text("parts are valid")).to_be_visible(timeout=60_000)
    click(page, "Compare losses")
    expect(page.get_by_role("button", name=re.compile("^Thumbnail 1"))).to_be_visible(timeout=60_000)
