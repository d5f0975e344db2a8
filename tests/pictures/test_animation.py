"""Animations."""

from pathlib import Path

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
