"""The look of the page: colours and type of the page that a model is exported to, light and dark."""

import re
import tomllib
from pathlib import Path
from string import Template

from gradio import I18n
from gradio.themes import Base

from nevoa.formats.webpage import STYLE
from nevoa.studio.texts import LANGUAGES, Language, texts

LOOK = Path(__file__).parent / "look"
# A name, its light value, its dark one.
COLOURS = re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", STYLE.read_text("utf-8"))
LIGHT, DARK = (" ".join(f"--{colour[0]}: {colour[n]};" for colour in COLOURS) for n in (1, 2))
CSS = f":root {{ {LIGHT} }} .dark {{ {DARK} }}\n{(LOOK / 'page.css').read_text('utf-8')}"
MIST = "radial-gradient(70rem 36rem at 18% -8rem, var(--mist), transparent), var(--ground)"


def theme() -> Base:
    """The theme. Its fonts are the system's: Gradio's own come from elsewhere."""
    base = Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"], radius_size="lg")
    colours = tomllib.loads((LOOK / "colours.toml").read_text("utf-8"))
    worn = {one: f"var(--{name})" for name, uses in colours.items() for one in uses.split()}
    worn["body_background_fill"] = MIST
    dark = {f"{one}_dark": value for one, value in worn.items() if hasattr(base, f"{one}_dark")}
    base.set(**worn, **dark)
    return base


def words() -> I18n:
    """Words that Gradio's own translations lack, which it would show by their keys."""
    tables = {language: texts(language).tables["gradio"] for language in LANGUAGES}
    return I18n(**{one: {f"common.{key}": word for key, word in table.items()} for one, table in tables.items()})


def head(language: Language) -> str:
    """A script that says the language of the page, and mends roles and names."""
    return Template((LOOK / "head.html").read_text("utf-8")).substitute(language=language)
