"""Animations: GIF, and MP4 or WebM video with the extra `video`."""

import base64
from collections.abc import Sequence
from html import escape
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nevoa.errors import NevoaError

# The codec of each kind of file, and its constant quality, at which pixel art shows no blocks.
CODECS = {".mp4": ("libx264", {"crf": "12", "preset": "slow"}), ".webm": ("libvpx-vp9", {"crf": "12", "b:v": "0"})}
FRAMES_PER_SECOND = 30
# Round the 256 levels of a channel to 16, which halves the bytes of noise.
FEW_LEVELS = [round(level / 17) * 17 for level in range(256)]


def check_can_save(suffix: str) -> None:
    """Raise a NevoaError if an animation of that kind needs a package that is missing.

    Example:
        >>> check_can_save(".gif")
    """
    if suffix != ".gif" and find_spec("av") is None:
        raise NevoaError("Videos need the package PyAV: pip install 'nevoa[video]', or choose a name in .gif.")


def save_animation(frames: Sequence[Image.Image], path: Path) -> None:
    """Save an animation: .gif as in `save_gif`, .mp4, .webm or .html as in `save_video`.

    Example:
        >>> save_animation([grid(images[:n]) for n in (16, 16, 16)], Path("x.gif"))
    """
    (save_gif if path.suffix.lower() == ".gif" else save_video)(frames, path)


def save_gif(frames: Sequence[Image.Image], path: Path, seconds: float = 4.0, hold_seconds: float = 2.0) -> None:
    """Save a looping GIF that plays all frames in `seconds`, then holds the last one for `hold_seconds`.

    The last frame keeps its levels, up to the 256 colours that a GIF has for a frame: of gray images all. The others
    have 16 levels of each channel.

    Example:
        >>> save_gif([grid(images), grid(255 - images)], Path("negative.gif"), seconds=1)
    """
    each = max(20, round(1000 * seconds / len(frames)))
    durations = [each] * (len(frames) - 1) + [each + round(1000 * hold_seconds)]
    first, *rest = [*(frame.point(FEW_LEVELS * len(frame.getbands())) for frame in frames[:-1]), frames[-1]]
    first.save(path, format="GIF", save_all=True, append_images=rest, duration=durations, loop=0)


def save_video(frames: Sequence[Image.Image], path: Path, seconds: float = 4.0, hold_seconds: float = 2.0) -> None:
    """Save a video that plays all frames in `seconds`, then holds the last one for `hold_seconds`.

    Args:
        path: ends in .mp4 (H.264) or .webm (VP9), both with the colours that browsers and phones play (yuv420p), or in
            .html: a page with the MP4 inside, which starts by itself and repeats.

    Raises:
        NevoaError: the package PyAV is missing.

    Example:
        >>> save_video([grid(images), grid(255 - images)], Path("negative.mp4"), seconds=1)
    """
    repeats = _repeats(len(frames), seconds, hold_seconds)
    if path.suffix.lower() == ".html":
        _encode(frames, video := BytesIO(), ".mp4", repeats)
        path.write_text(video_page(video.getvalue(), path.stem), encoding="utf-8")
    else:
        _encode(frames, str(path), path.suffix.lower(), repeats)


def video_page(video: bytes, title: str) -> str:
    """Return an HTML page with an MP4 inside, which needs no other file."""
    source = base64.b64encode(video).decode()
    return (
        f'<!doctype html><meta charset="utf-8"><title>{escape(title)}</title>\n'
        '<video controls autoplay loop muted playsinline style="max-width: 100%; image-rendering: pixelated" '
        f'src="data:video/mp4;base64,{source}"></video>\n'
    )


def _repeats(count: int, seconds: float, hold_seconds: float) -> list[int]:
    """How many frames of the video each picture takes; the last one is held."""
    ends = [round((n + 1) * seconds * FRAMES_PER_SECOND / count) for n in range(count)]
    repeats = [max(1, end - start) for start, end in zip([0, *ends], ends, strict=False)]
    return [*repeats[:-1], repeats[-1] + round(hold_seconds * FRAMES_PER_SECOND)]


def _encode(frames: Sequence[Image.Image], file: str | BytesIO, suffix: str, repeats: Sequence[int]) -> None:
    check_can_save(suffix)
    import av

    codec, options = CODECS[suffix]
    # yuv420p needs an even width and height: the last column or row is doubled.
    even = [
        np.pad(np.asarray(one.convert("RGB")), ((0, one.height % 2), (0, one.width % 2), (0, 0)), "edge")
        for one in frames
    ]
    with av.open(file, "w", format=suffix[1:]) as container:
        stream: Any = container.add_stream(codec, rate=FRAMES_PER_SECOND, options=options)
        stream.height, stream.width = even[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture, repeat in zip(even, repeats, strict=True):
            for _ in range(repeat):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))
