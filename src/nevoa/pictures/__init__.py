"""Arrays in, pictures out: grids, rows, animations, titled images, figures, and HTML for notebooks."""

from nevoa.pictures.animation import check_can_save, save_animation, save_gif, save_video
from nevoa.pictures.figures import loss_curve, loss_curves, quality_sheet, schedule_curves
from nevoa.pictures.grid import (
    LARGE_FRAME,
    above,
    class_grid,
    enlarged,
    enlargement,
    grid,
    named_rows,
    titled_grid,
    titled_rows,
)
from nevoa.pictures.html import html_line, html_page, png_bytes
from nevoa.pictures.plots import Plane, chart, plane, square
from nevoa.pictures.show import show

__all__ = [
    "LARGE_FRAME",
    "Plane",
    "above",
    "chart",
    "check_can_save",
    "class_grid",
    "enlarged",
    "enlargement",
    "grid",
    "html_line",
    "html_page",
    "loss_curve",
    "loss_curves",
    "named_rows",
    "plane",
    "png_bytes",
    "quality_sheet",
    "save_animation",
    "save_gif",
    "save_video",
    "schedule_curves",
    "show",
    "square",
    "titled_grid",
    "titled_rows",
]
