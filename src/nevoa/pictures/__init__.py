"""Arrays in, pictures out: grids, rows, animations, strips with titles."""

from nevoa.pictures.animation import save_gif
from nevoa.pictures.grid import enlarged, grid, titled_strip

__all__ = ["enlarged", "grid", "save_gif", "titled_strip"]
