"""Settings of the documentation site; `make docs` builds it.

The source folder is the whole repository, so that a link between README.md, docs/ and lessons/ leads to the same place
on the site and where the files are read without it.
"""

import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import nevoa
from nevoa.formats import webpage
from nevoa.runs import PACKAGED, packaged_names

project = "nevoa"
copyright = "the authors of nevoa, MIT licence"
release = nevoa.__version__
language = "en"
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**.md", "lessons/**.md"]
exclude_patterns = [".*", "benchmarks", "build", "examples", "runs", "scripts", "src", "tests"]
suppress_warnings = ["myst.header"]  # a page may begin with any level of heading

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",  # equations without a script or a font from elsewhere
]
nitpicky = True
# Names of other libraries, and classes within a room that only its functions return.
nitpick_ignore_regex = [
    ("py:.*", r"(?!nevoa\.).*"),
    ("py:.*", r"nevoa\.(model\.Start|network_config\.Annotated|(\w+\.){2,}.*)"),
]

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4

nb_execution_mode = "cache"
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_merge_streams = True  # lines that are printed one after the other are one block
# Sliders need a kernel and scripts from elsewhere; the still pictures beside them need neither.
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
nb_ipywidgets_js: dict[str, Any] = {}

default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_use_ivar = True
napoleon_use_rtype = False
python_maximum_signature_line_length = 100

html_theme = "furo"
html_title = "nevoa"
html_show_sphinx = False
html_copy_source = False


def speak_portuguese(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Name the language of a page in Portuguese."""
    if "pt" in page.replace(".", "/").split("/"):
        context["language"] = "pt"


def offer_notebook(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Put the notebook of a lesson beside its page, and a link to it below the title."""
    notebook = Path(app.srcdir, f"{page}.ipynb")
    if notebook.exists():
        target = Path(app.outdir, f"{page}.ipynb")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(notebook, target)
        portuguese = context["language"] == "pt"
        words = "Transfira o notebook desta lição" if portuguese else "Download the notebook of this lesson"
        link = f'<p><a href="{notebook.name}" download>{words}</a></p>'
        context["body"] = context["body"].replace("</h1>", f"</h1>{link}", 1)


def lead_to_the_root(app: Sphinx, error: Exception | None) -> None:
    """Write the page that opens with the folder of the site."""
    target = f"{root_doc}.html"
    refresh = f'<!doctype html><title>nevoa</title><meta http-equiv="refresh" content="0; url={target}">'
    Path(app.outdir, "index.html").write_text(f'{refresh}<a href="{target}">nevoa</a>\n')


def make_pages(app: Sphinx, error: Exception | None) -> None:
    """Put the pages of the packaged models beside the pages about them: the first one as clothes.html."""
    for name in packaged_names():
        page = "clothes" if name == PACKAGED.name else name
        webpage.export(nevoa.load(name, "cpu"), Path(app.outdir, f"{page}.html"))


def setup(app: Sphinx) -> None:
    app.connect("html-page-context", speak_portuguese)
    app.connect("html-page-context", offer_notebook)
    app.connect("build-finished", lead_to_the_root)
    app.connect("build-finished", make_pages)
