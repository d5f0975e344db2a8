"""Arrays in, pictures out: grids, rows, animations, strips with titles, the sheet of a measurement."""

from nevoa.pictures.animation import save_gif
from nevoa.pictures.grid import enlarged, grid, titled_rows, titled_strip
from nevoa.pictures.quality import quality_sheet

__all__ = ["enlarged", "grid", "quality_sheet", "save_gif", "titled_rows", "titled_strip"]
