"""Many images in one picture."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

Images = UInt8[np.ndarray, "N H W C"]

# A 28x28 image is 7 mm wide on a common screen, too small to see; images are enlarged to about this side.
SMALL_SIDE = 64


def grid(
    images: Images, columns: int | None = None, gap: int = 2, scale: int | None = None, rows: int | None = None
) -> Image.Image:
    """Arrange images row by row on white.

    Args:
        columns: images per row; by default the grid is as square as possible.
        gap: white pixels between images and around them.
        scale: side of the square that each pixel becomes; by default small images are enlarged.
        rows: fill the grid column by column instead, so that image n is in row n % rows.
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
    return Image.fromarray(sheet[:, :, 0] if channels == 1 else sheet)


def titled_grid(
    images: Images, titles: Sequence[str], columns: int | None = None, side: int = SMALL_SIDE
) -> Image.Image:
    """Arrange images row by row, each with its title below. Small images are enlarged to about `side`."""
    columns = min(columns or math.ceil(math.sqrt(len(images))), len(images))
    tiles = enlarged(images, max(1, round(side / images.shape[2])))
    count, height, width, _ = tiles.shape
    gap, size = 4, _font_size(titles, width)
    line = math.ceil(size * 1.8)
    below = np.full((count, gap + line, *tiles.shape[2:]), 255, np.uint8)
    sheet = grid(np.concatenate([tiles, below], axis=1), columns, gap, scale=1)
    sheet = sheet.crop((0, 0, sheet.width, sheet.height - gap))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size)
    for index, title in enumerate(titles):
        row, column = divmod(index, columns)
        left, top = gap + column * (width + gap), gap + row * (height + gap + line + gap)
        draw.text((left + width / 2, top + height + 2 + line / 2), title, fill="black", font=font, anchor="mm")
    return sheet


def _font_size(titles: Sequence[str], width: int) -> int:
    """The largest font size from 16 down to 8 at which every title fits the width."""
    sizes = range(16, 8, -1)
    return next((size for size in sizes if max(map(ImageFont.load_default(size).getlength, titles)) <= width), 8)


def titled_rows(rows: Sequence[UInt8[np.ndarray, "_ H W C"]], titles: Sequence[str]) -> Image.Image:
    """Draw a row of images for each title, with the title to its left. Small images are enlarged in whole pixels."""
    longest = max(map(len, rows))
    blank = np.full((1, *rows[0].shape[1:]), 255, np.uint8)
    filled = [np.concatenate([row, blank.repeat(longest - len(row), axis=0)]) for row in rows]
    sheet = grid(np.concatenate(filled), columns=longest).convert("RGB")
    font = ImageFont.load_default(max(11, min(16, sheet.height // len(rows) // 3)))
    width = math.ceil(max(font.getlength(title) for title in titles)) + 16
    result = Image.new("RGB", (width + sheet.width, sheet.height), "white")
    result.paste(sheet, (width, 0))
    draw, pitch = ImageDraw.Draw(result), sheet.height / len(rows)
    for index, title in enumerate(titles):
        draw.text((width - 8, (index + 0.5) * pitch), title, fill="black", font=font, anchor="rm")
    return result


def enlarged(images: Images, scale: int) -> UInt8[np.ndarray, "N sH sW C"]:
    """Enlarge every pixel to a square of `scale` by `scale`."""
    return images.repeat(scale, axis=1).repeat(scale, axis=2)
