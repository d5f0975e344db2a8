"""Many images on one sheet."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

Images = UInt8[np.ndarray, "N H W C"]

# A 28x28 image is 7 mm wide on a common screen; twice that can be looked at.
SMALL_SIDE = 64


def grid(
    images: Images, columns: int | None = None, gap: int = 2, scale: int | None = None, rows: int | None = None
) -> Image.Image:
    """Images row by row on a white sheet; as square a sheet as can be unless `columns` is given.

    `rows` in its place fills the sheet column by column, so that image n is in row n % rows.
    `scale` enlarges each pixel to a square of that side; None picks what makes small images visible.
    """
    if scale is None:
        scale = max(1, round(SMALL_SIDE / max(images.shape[1:3])))
    down = rows is not None
    columns = columns or math.ceil(len(images) / rows if rows else math.sqrt(len(images)))
    tiles = enlarged(images, scale)
    count, height, width, channels = tiles.shape
    rows = rows or math.ceil(count / columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, channels), 255, np.uint8)
    for index, tile in enumerate(tiles):
        row, column = reversed(divmod(index, rows)) if down else divmod(index, columns)
        top, left = gap + row * (height + gap), gap + column * (width + gap)
        sheet[top : top + height, left : left + width] = tile
    return _picture(sheet)


def titled_strip(images: Images, titles: Sequence[str], side: int = 128) -> Image.Image:
    """Images side by side, each with its title below. Small ones are enlarged in whole pixels to about `side`."""
    strip = grid(images, columns=len(images), gap=4, scale=max(1, round(side / images.shape[2])))
    size = max(11, min(16, strip.width // len(images) // 7))
    font, line = ImageFont.load_default(size), math.ceil(size * 1.8)
    sheet = Image.new(strip.mode, (strip.width, strip.height + line), 255 if strip.mode == "L" else (255, 255, 255))
    sheet.paste(strip)
    draw = ImageDraw.Draw(sheet)
    pitch = (strip.width - 4) / len(images)
    for index, title in enumerate(titles):
        middle = (4 + index * pitch + (pitch - 4) / 2, strip.height + line / 2 - 2)
        draw.text(middle, title, fill=0 if strip.mode == "L" else (0, 0, 0), font=font, anchor="mm")
    return sheet


def titled_rows(rows: Sequence[Images], titles: Sequence[str]) -> Image.Image:
    """A row of images for each title, which stands before it. Small ones are enlarged in whole pixels."""
    longest = max(map(len, rows))
    blank = np.full((1, *rows[0].shape[1:]), 255, np.uint8)
    filled = [np.concatenate([row, blank.repeat(longest - len(row), axis=0)]) for row in rows]
    sheet = grid(np.concatenate(filled), columns=longest).convert("RGB")
    font = ImageFont.load_default(max(11, min(16, sheet.height // len(rows) // 3)))
    width = math.ceil(max(font.getlength(title) for title in titles[: len(rows)])) + 16
    result = Image.new("RGB", (width + sheet.width, sheet.height), (255, 255, 255))
    result.paste(sheet, (width, 0))
    draw, pitch = ImageDraw.Draw(result), sheet.height / len(rows)
    for index, title in enumerate(titles[: len(rows)]):
        draw.text((width - 8, (index + 0.5) * pitch), title, fill=(0, 0, 0), font=font, anchor="rm")
    return result


def enlarged(images: Images, scale: int) -> UInt8[np.ndarray, "N sH sW C"]:
    """Every pixel as a square of `scale` by `scale`."""
    return images.repeat(scale, axis=1).repeat(scale, axis=2)


def _picture(sheet: UInt8[np.ndarray, "H W C"]) -> Image.Image:
    return Image.fromarray(sheet[:, :, 0] if sheet.shape[2] == 1 else sheet)
