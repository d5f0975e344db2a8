"""Draw docs/studio.gif and docs/studio.png: a walk through the studio, and the page after its training.

python scripts/make_studio_pictures.py [MINUTES]
"""

import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Page

from nevoa.pictures import save_gif
from nevoa.studio.workspace import Workspace

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.chromium import launched
from tests.studio.browser import visit
from tests.studio.conftest import Server
from tests.studio.walk import walk

DOCS = Path(__file__).parents[1] / "docs"
# Of the training: the preset on two cores.
MINUTES = "2"
SIZE, FRAME, COLOURS, SECONDS = (1280, 1100), (880, 756), 64, 2.5
# The labels of fields, pictures, buttons and folds that are in sight.
FIELDS, FOLDS = "[data-testid=block-info], [data-testid=block-label]", ".label-wrap > span:first-child"
LABELS = f"{FIELDS}, {FOLDS}, button.primary, button.secondary"


def seen(page: Page) -> Image.Image:
    """Return a screenshot of the visible part of the page."""
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1_000)
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def labels(page: Page) -> PngInfo:
    """Its words, so that a test can tell when they are no longer those of the page."""
    found = [text.strip() for text in page.locator(LABELS).filter(visible=True).all_inner_texts()]
    about = PngInfo()
    about.add_text("labels", "\n".join(dict.fromkeys(found)))
    return about


def draw(folder: Path, minutes: str = MINUTES, options: tuple[str, ...] = ()) -> None:
    """Draw both into a folder."""
    frames: list[Image.Image] = []
    with TemporaryDirectory() as place, launched() as browser:
        server = Server(Path(place, "workspace"))
        try:
            page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]}, locale="en-GB")
            visit(page, server.address)
            for name in walk(page, Workspace(server.workspace), minutes, options):
                picture = seen(page)
                frames.append(
                    picture.resize(FRAME, Image.Resampling.LANCZOS).quantize(COLOURS, dither=Image.Dither.NONE)
                )
                if name == "trained":
                    picture.quantize(128).save(folder / "studio.png", optimize=True, pnginfo=labels(page))
        finally:
            server.kill()
    save_gif(frames, folder / "studio.gif", SECONDS * len(frames))


if __name__ == "__main__":
    draw(DOCS, sys.argv[1] if len(sys.argv) > 1 else MINUTES)
