"""The look of the page: colours and type of the page that a model is exported to, light and dark."""

import re

from gradio import I18n
from gradio.themes import Base

from nevoa.formats.webpage import STYLE
from nevoa.studio.texts import LANGUAGES, Language, texts

# A name, its light value, its dark one.
COLOURS = re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", STYLE.read_text("utf-8"))
LIGHT, DARK = (" ".join(f"--{colour[0]}: {colour[n]};" for colour in COLOURS) for n in (1, 2))
# Of a colour, what wears it, as Gradio's themes name it.
WORN = {
    "ground": "input_background_fill input_background_fill_focus input_background_fill_hover background_fill_secondary "
    "table_even_background_fill checkbox_background_color checkbox_background_color_hover "
    "checkbox_background_color_focus code_background_fill",
    "mist": "button_secondary_background_fill color_accent_soft checkbox_label_background_fill_hover "
    "stat_background_fill",
    "card": "block_background_fill background_fill_primary block_label_background_fill panel_background_fill "
    "button_secondary_background_fill_hover checkbox_label_background_fill checkbox_label_background_fill_selected "
    "table_odd_background_fill error_background_fill button_cancel_background_fill",
    "line": "border_color_primary block_border_color input_border_color table_border_color panel_border_color "
    "button_secondary_border_color checkbox_border_color checkbox_label_border_color block_label_border_color",
    "text": "body_text_color block_title_text_color button_secondary_text_color accordion_text_color table_text_color "
    "checkbox_label_text_color checkbox_label_text_color_selected button_secondary_text_color_hover",
    "soft": "body_text_color_subdued block_info_text_color block_label_text_color input_placeholder_color",
    "accent": "color_accent border_color_accent slider_color loader_color button_primary_background_fill "
    "button_primary_background_fill_hover button_primary_border_color button_primary_border_color_hover "
    "checkbox_background_color_selected checkbox_border_color_selected checkbox_border_color_focus "
    "checkbox_label_border_color_selected input_border_color_focus link_text_color link_text_color_hover "
    "link_text_color_visited link_text_color_active button_secondary_border_color_hover",
    "on-accent": "button_primary_text_color button_primary_text_color_hover",
    "warn": "error_text_color error_border_color error_icon_color button_cancel_text_color button_cancel_border_color "
    "button_cancel_text_color_hover",
}
MIST = "radial-gradient(70rem 36rem at 18% -8rem, var(--mist), transparent), var(--ground)"
CSS = (
    f":root {{ {LIGHT} }} .dark {{ {DARK} }}"
    """
.gradio-container { width: 100%; max-width: 76rem !important; margin: auto; }
.gradio-container main { width: 100%; }
h1 { letter-spacing: -0.02em; }
:focus-visible { outline: 3px solid var(--accent) !important; outline-offset: 2px; }
/* Above its picture, not on it. */
.block > label[data-testid="block-label"] { position: static; width: fit-content; }
.thumbnail-item { aspect-ratio: auto !important; }
.thumbnail-item img { height: auto !important; max-height: 28rem; }
.thumbnails img { max-height: 14rem; object-fit: contain; }
/* On a phone, a table is moved sideways: Gradio would break its words. */
.prose table { display: block; overflow: auto; overflow-wrap: normal; word-break: normal; border: 0; padding: 0; }
/* An error is a sentence that stays until it is closed; Gradio would write "Error" above it and over the results. */
.toast-title-row { visibility: hidden; }
[data-testid="status-tracker"]:has(> .error) { display: none !important; }
progress { appearance: none; width: 100%; height: 0.5rem; border: 0; border-radius: 1rem; overflow: hidden; }
progress, ::-webkit-progress-bar { background: var(--mist); }
::-webkit-progress-value { background: var(--accent); }
::-moz-progress-bar { background: var(--accent); }
@media (prefers-reduced-motion: reduce) {
  *, ::before, ::after { transition: none !important; animation: none !important; }
}
"""
)


def theme() -> Base:
    """The theme. Its fonts are the system's: Gradio's own come from elsewhere."""
    base = Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"], radius_size="lg")
    worn = {one: f"var(--{name})" for name, uses in WORN.items() for one in uses.split()}
    worn["body_background_fill"] = MIST
    dark = {f"{one}_dark": value for one, value in worn.items() if hasattr(base, f"{one}_dark")}
    base.set(**worn, **dark)
    return base


def words() -> I18n:
    """Words that Gradio's own translations lack, which it would show by their keys."""
    tables = {language: texts(language).tables["gradio"] for language in LANGUAGES}
    return I18n(**{one: {f"common.{key}": word for key, word in table.items()} for one, table in tables.items()})


def head(language: Language) -> str:
    """A script that says the language of the page, and mends roles and names.

    Gradio names a place to drop files otherwise than the words in it, and puts one button into another above an error.
    """
    return f"""<script>
document.documentElement.lang = "{language}";
new MutationObserver(() => {{
  document.querySelectorAll(".upload-container").forEach((place) => place.removeAttribute("aria-label"));
  document.querySelectorAll(".toast-header").forEach((head) => {{
    head.removeAttribute("role");
    head.removeAttribute("tabindex");
  }});
}}).observe(document.documentElement, {{ childList: true, subtree: true }});
</script>"""
