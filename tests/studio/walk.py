"""A walk from a .zip of pictures to new images, through all tabs: for a test, and for the pictures in docs."""

import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from nevoa.data import load_images
from nevoa.runs import Run, status_of
from nevoa.studio.workspace import Workspace
from tests.studio.browser import click, tab, write
from tests.waiting import until

COUNT = 500


def walk(page: Page, workspace: Workspace, minutes: str, options: Sequence[str]) -> Iterator[str]:
    """Walk, and stop where there is something to see, with its name.

    Args:
        minutes: of the training.
        options: of the config, for a small one.
    """
    pictures, run = clothes(workspace.folder.parent), workspace.runs / "clothes"
    yield from train(page, Run(run), pictures, minutes, options)
    yield from make(page)
    yield from paint_anew(page, pictures)
    tab(page, "Noise")
    write(page.get_by_label("number input for Timestep t"), "400")
    expect(page.get_by_role("cell", name="0.", exact=False).first).to_be_visible()
    yield "noise"
    compare(page)
    yield "runs"


def clothes(folder: Path) -> Path:
    """A .zip of real pictures in folders by class."""
    images = load_images("fashion_mnist_10k")
    some = slice(None, None, len(images) // COUNT)
    path = folder / "clothes.zip"
    with ZipFile(path, "w") as archive:
        for number, (pixels, label) in enumerate(zip(images.images[some], images.labels[some], strict=True)):
            file = BytesIO()
            Image.fromarray(pixels[..., 0]).save(file, "PNG")
            archive.writestr(f"{images.classes[label].replace('/', ' or ')}/{number:03d}.png", file.getvalue())
    return path


def train(page: Page, run: Run, pictures: Path, minutes: str, options: Sequence[str]) -> Iterator[str]:
    page.locator("input[type=file]").first.set_input_files(pictures)
    expect(page.get_by_role("combobox", name="Train on", exact=True)).to_have_value("studio/uploads/clothes.zip")
    expect(page.get_by_text(f"{COUNT - COUNT // 10} images, 28x28")).to_be_visible(timeout=60_000)
    write(page.get_by_label("Minutes", exact=True), minutes)
    yield "brought"
    page.get_by_role("button", name="More options").first.click()
    write(page.get_by_label("Options"), "\n".join(options))
    click(page, "What will it take?")
    expect(page.get_by_text("network, parameters")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="More options").first.click()
    click(page, "Start")
    until(lambda: len(run.previews()) > 0, 600)
    yield "training"
    expect(page.get_by_text(re.compile("^finished ·"))).to_be_visible(timeout=900_000)
    expect(page.get_by_role("button", name="Make new ones")).to_be_visible()
    yield "trained"
    assert status_of(run)[0] == "finished"


def make(page: Page) -> Iterator[str]:
    click(page, "Make new ones")
    way = page.get_by_label("number input for The way out of the noise")
    expect(way).to_be_visible(timeout=120_000)
    yield "made"
    write(way, "2")
    way.press("Enter")
    yield "on the way"


def paint_anew(page: Page, pictures: Path) -> Iterator[str]:
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
    yield "painted"
    write(page.get_by_label("number input for Images"), "4")
    photo = np.asarray(Image.open(BytesIO(data)))[..., None]
    for _ in range(3):
        ended.clear()
        click(page, "Make images")
        until(lambda: page.wait_for_timeout(100) or bool(ended), 80)
        if 0.5 < (downloaded(page) == photo).all(axis=(0, 3)).mean() < 1:
            break
        stroke(page, editor)  # on a busy machine the page may have missed the first one
    else:
        raise AssertionError("Nothing was painted anew.")
    yield "made anew"


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
