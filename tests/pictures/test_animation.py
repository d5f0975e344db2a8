"""Animations."""

from pathlib import Path

import numpy as np
from PIL import Image

from nevoa.pictures import save_gif


def test_a_gif_plays_its_frames_and_holds_the_last(tmp_path: Path) -> None:
    frames = [Image.new("L", (8, 8), shade) for shade in (0, 100, 255)]
    save_gif(frames, tmp_path / "x.gif", seconds=0.3, hold_seconds=1.0)
    with Image.open(tmp_path / "x.gif") as gif:
        assert getattr(gif, "n_frames", 1) == 3
        durations = []
        for index in range(3):
            gif.seek(index)
            durations.append(gif.info["duration"])
    assert durations == [100, 100, 1100]


def test_a_gif_of_noise_is_small_and_ends_exactly(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (16, 64, 64), dtype=np.uint8)
    save_gif([Image.fromarray(one) for one in noise], tmp_path / "x.gif")
    assert (tmp_path / "x.gif").stat().st_size < 0.85 * noise.size
    with Image.open(tmp_path / "x.gif") as gif:
        gif.seek(15)
        np.testing.assert_array_equal(np.asarray(gif.convert("L")), noise[15])
        gif.seek(0)
        assert np.abs(np.asarray(gif.convert("L")).astype(int) - noise[0]).max() <= 8
