"""Videos, decoded again."""

import base64
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa.pictures import save_animation
from nevoa.pictures.animation import FRAMES_PER_SECOND


def pictures(count: int = 5) -> list[Image.Image]:
    """Squares of gray, nine pixels wide: every picture differs from the others everywhere."""
    levels = np.linspace(20, 235, count)[:, None, None].repeat(5, axis=1).repeat(5, axis=2)
    squares = np.random.default_rng(0).permuted(levels, axis=0)
    return [Image.fromarray(np.kron(one, np.ones((9, 9))).astype(np.uint8)).convert("RGB") for one in squares]


def decoded(path: Path) -> tuple[list[np.ndarray], str, str]:
    """The frames, the codec and the format of the pixels."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        return (
            [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)],
            context.name,
            str(context.pix_fmt),
        )


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "h264"), (".webm", "vp9")])
def test_the_frames_are_the_pictures_and_the_last_one_stays(suffix: str, codec: str, tmp_path: Path) -> None:
    """Four seconds for all, then two for the last; each within what the eye can see."""
    shown = pictures()
    save_animation(shown, tmp_path / f"x{suffix}")
    frames, found, colours = decoded(tmp_path / f"x{suffix}")
    assert codec in found
    assert colours == "yuv420p"
    assert len(frames) == 6 * FRAMES_PER_SECOND
    each = 4 * FRAMES_PER_SECOND // len(shown)
    for number, picture in enumerate(shown):
        frame = frames[number * each + each // 2][:45, :45].astype(float)
        assert abs(frame - np.asarray(picture)).mean() < 4
    assert abs(frames[-1][:45, :45].astype(float) - np.asarray(shown[-1])).mean() < 4
    assert frames[0].shape == (46, 46, 3)


def test_a_page_holds_the_video_and_asks_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_text("mine")
    save_animation(pictures(3), tmp_path / "x.html")
    page = (tmp_path / "x.html").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.html", "x.mp4"]
    assert (tmp_path / "x.mp4").read_text() == "mine"
    assert "http" not in page
    (source,) = re.findall(r'src="data:video/mp4;base64,([^"]+)"', page)
    (tmp_path / "x.mp4").write_bytes(base64.b64decode(source))
    assert len(decoded(tmp_path / "x.mp4")[0]) == 6 * FRAMES_PER_SECOND
