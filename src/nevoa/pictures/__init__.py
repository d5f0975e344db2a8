"""Arrays in, pictures out: grids, rows, animations, strips with titles, the sheet of a measurement."""

from nevoa.pictures.animation import save_gif
from nevoa.pictures.figures import quality_sheet
from nevoa.pictures.grid import enlarged, grid, titled_rows, titled_strip

__all__ = ["enlarged", "grid", "quality_sheet", "save_gif", "titled_rows", "titled_strip"]
