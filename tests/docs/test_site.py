"""The documentation site: it builds without a warning, its links lead somewhere, and it asks nobody for anything.

Lessons are built from their text here; tests/lessons executes them.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.chromium import launched
from tests.docs.examples import public

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does, but without executing the lessons."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "-c", "docs"]
    options = ["-D", "nb_execution_mode=off", "-d", str(folder / "doctrees"), ".", str(folder / "html")]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


class Page(HTMLParser):
    """What a page links to, what it loads, and the places in it that links may name."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.places.add(value or "")
            elif name == "src" or (name == "href" and tag == "link"):
                self.loaded.append(value or "")
            elif name == "href":
                self.links.append(value or "")


@cache
def read(path: Path) -> Page:
    return Page(path)


def dead(path: Path) -> Iterator[str]:
    """The links of a page to files, or to places in pages, that do not exist."""
    page = read(path)
    for link in [*page.links, *page.loaded]:
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = path.parent / unquote(parts.path) if parts.path else path
        if not target.exists() or (parts.fragment and unquote(parts.fragment) not in read(target.resolve()).places):
            yield link


def pages(site: Path) -> list[Path]:
    return [path.resolve() for path in site.rglob("*.html") if "_static" not in path.parts]


def test_every_link_leads_somewhere(site: Path) -> None:
    assert {path.name: links for path in pages(site) if (links := list(dead(path)))} == {}


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for path in pages(site):
        assert not [one for one in read(path).loaded if urlsplit(one).scheme not in ("", "data")], path


@pytest.mark.parametrize("document", ["README.md", "README.pt.md", "docs/*.md", "docs/*/*.md", "lessons/*/[0-9]*.md"])
def test_every_document_is_a_page(site: Path, document: str) -> None:
    for path in ROOT.glob(document):
        assert (site / path.relative_to(ROOT).with_suffix(".html")).exists(), path


@pytest.mark.parametrize("notebook", sorted(ROOT.glob("lessons/*/*.ipynb")), ids=lambda path: path.stem)
def test_the_page_of_a_lesson_offers_its_notebook(site: Path, notebook: Path) -> None:
    page = (site / notebook.relative_to(ROOT)).with_suffix(".html")
    assert notebook.name in read(page).links
    assert page.with_name(notebook.name).read_bytes() == notebook.read_bytes()


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    reference = {path.stem: read(path.resolve()) for path in (site / "docs" / "api").glob("*.html")}
    links = {link.rpartition(".")[2] for link in reference["nevoa"].links}
    for name in public():
        room, _, own = name.removeprefix("nevoa.").rpartition(".")
        assert name in reference[room].places if room else own in links, name


def test_every_public_name_leads_to_its_source(site: Path) -> None:
    sourced: set[str] = set()
    for path in (site / "docs" / "api").glob("*.html"):
        sourced |= {urlsplit(link).fragment for link in read(path.resolve()).links if "_modules/" in link}
    for name, each in public().items():
        assert each.__qualname__ in sourced, name


def imported_by_apps() -> Iterator[str]:
    """The names of nevoa that the studio, the lessons, the trackers and the web page import from other rooms."""
    source = ROOT / "src"
    for app in ("studio", "lessons", "trackers", "formats/webpage"):
        own = f"nevoa.{app.replace('/', '.')}"
        for path in (source / "nevoa" / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("nevoa."):
                    names = (f"{node.module}.{alias.name}" for alias in node.names)
                    yield from (name for name in names if not name.startswith(f"{own}."))


def test_apps_import_only_names_of_the_reference(site: Path) -> None:
    places = {place for path in (site / "docs" / "api").glob("*.html") for place in read(path.resolve()).places}
    assert sorted({*imported_by_apps()} - places) == []


def test_pages_name_their_language(site: Path) -> None:
    for name, language in {"docs/index": "en", "docs/pt/index": "pt", "README": "en", "README.pt": "pt"}.items():
        assert f'<html class="no-js" lang="{language}"' in (site / f"{name}.html").read_text("utf-8")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_shows_equations_without_a_request(site: Path, chromium: Browser, width: int) -> None:
    page, requests = chromium.new_page(viewport={"width": width, "height": 900}), []
    page.on("request", lambda request: requests.append(request.url))
    for name in ("docs/index", "docs/api/sampling", "docs/benchmarks", "docs/pt/relatorio"):
        page.goto((site / f"{name}.html").as_uri(), wait_until="networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") == width, name
    page.locator("mjx-container").first.wait_for()
    assert page.locator("mjx-container").count() > 100
    assert page.locator("mjx-merror").count() == 0
    assert [url for url in requests if urlsplit(url).scheme not in ("file", "data")] == []
    page.close()


@pytest.mark.parametrize(
    ("name", "word", "found"), [("index", "held-out", "Your images"), ("docs/pt/index", "treino", "relatório")]
)
def test_the_search_needs_no_network(site: Path, chromium: Browser, name: str, word: str, found: str) -> None:
    page = chromium.new_page(offline=True)
    page.goto((site / f"{name}.html").as_uri())
    page.get_by_role("textbox", name="Search").first.fill(word)
    page.keyboard.press("Enter")
    expect(page.locator("ul.search")).to_contain_text(found, timeout=60_000)
    page.close()


@pytest.mark.parametrize("name", ["docs/index", "docs/pt/index"])
def test_a_link_leads_to_new_clothes_and_to_emoji_in_words(site: Path, chromium: Browser, name: str) -> None:
    page = chromium.new_page(locale="pt-PT" if "pt" in name else "en-GB")
    page.goto((site / f"{name}.html").as_uri())
    page.locator("a[href$='clothes.html']").click()
    expect(page.locator("#status")).to_contain_text("Aqui estão" if "pt" in name else "Here they are", timeout=60_000)
    page.go_back()
    page.locator("a[href$='emoji.html']").click()
    label = "Descreva uma imagem" if "pt" in name else "Describe an image"
    page.get_by_label(label).fill("red heart")
    page.close()
