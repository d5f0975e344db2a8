"""Animations."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image


def save_gif(frames: Sequence[Image.Image], path: Path, seconds: float = 4.0, hold_seconds: float = 2.0) -> None:
    """Save a looping GIF that plays all frames in `seconds`, then holds the last one for `hold_seconds`."""
    each = max(20, round(1000 * seconds / len(frames)))
    durations = [each] * (len(frames) - 1) + [each + round(1000 * hold_seconds)]
    first, *rest = frames
    first.save(path, format="GIF", save_all=True, append_images=rest, duration=durations, loop=0)
