"""HTML that notebooks display: a heading, a table and pictures, in one self-contained text."""

import base64
import io
from collections.abc import Mapping
from html import escape

from PIL import Image


def html_page(title: str, rows: Mapping[str, object], pictures: Mapping[str, Image.Image]) -> str:
    """Return HTML with a title, a table of named values, and pictures with their captions.

    Text is escaped; pictures are embedded as PNG, so the text needs no other file.

    Example:
        >>> html_page("a run", {"images seen": 640}, {})
        '<h3>a run</h3><table><tr><th>images seen</th><td>640</td></tr></table>'
    """
    cells = "".join(f"<tr>{_cells(name, value)}</tr>" for name, value in rows.items())
    figures = "".join(_figure(caption, picture) for caption, picture in pictures.items())
    return f"<h3>{escape(title)}</h3><table>{cells}</table>{figures}"


def html_line(values: Mapping[str, object]) -> str:
    """Return HTML with a table of one line: each name, then its value.

    Example:
        >>> html_line({"step": 3})
        '<table><tr><th>step</th><td>3</td></tr></table>'
    """
    return f"<table><tr>{''.join(_cells(name, value) for name, value in values.items())}</tr></table>"


def png_bytes(picture: Image.Image) -> bytes:
    """Encode a picture as PNG.

    Example:
        >>> png_bytes(grid(images))[1:4]
        b'PNG'
    """
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def _cells(name: str, value: object) -> str:
    return f"<th>{escape(name)}</th><td>{escape(str(value))}</td>"


def _figure(caption: str, picture: Image.Image) -> str:
    source = base64.b64encode(png_bytes(picture)).decode()
    name = escape(caption, quote=True)
    return (
        '<figure style="display: inline-block; vertical-align: top">'
        f'<img src="data:image/png;base64,{source}" alt="{name}"><figcaption>{name}</figcaption></figure>'
    )
