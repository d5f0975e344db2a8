"""Pictures of the forward process."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa.commands.noise import FRAMES, SHOWN, equal_changes, noise, noised
from nevoa.diffusion import SCHEDULES
from nevoa.errors import NevoaError


@pytest.mark.slow
def test_each_schedule_has_its_row_and_its_curves(tmp_path: Path) -> None:
    """From above: the rows, each its own; below them the curves of all schedules, in colours."""
    noise("fashion_mnist_10k:9", schedule="linear,cosine", at=[0, 500], out=tmp_path / "x.png")
    picture = np.asarray(Image.open(tmp_path / "x.png").convert("RGB")).astype(int)
    row = 4 + 140 + 4 + 29
    (clean, late), (clean_too, late_too) = (
        [picture[top + 4 : top + 144, left : left + 140] for left in (_left(picture), _left(picture) + 144)]
        for top in (0, row)
    )
    np.testing.assert_array_equal(clean, clean_too)
    assert not np.array_equal(late, late_too)
    colours = np.ptp(picture, axis=2) > 60
    assert not colours[: 2 * row].any() and colours[2 * row :].any()


def _left(picture: np.ndarray) -> int:
    """Where the first tile begins: it is black at its left edge."""
    return int(np.argmax((picture[4:144] == 0).all(axis=(0, 2))))


@pytest.mark.slow
def test_an_animation_goes_from_the_image_to_noise(tmp_path: Path) -> None:
    noise("fashion_mnist_10k:9", schedule=["linear", "flow,cosine"], out=tmp_path / "x.gif")
    with Image.open(tmp_path / "x.gif") as gif:
        assert getattr(gif, "n_frames", 1) == FRAMES
        first = np.asarray(gif.convert("L")).astype(int)
        gif.seek(FRAMES - 1)
        last = np.asarray(gif.convert("L")).astype(int)
    tiles = [slice(4 + 144 * n, 144 + 144 * n) for n in range(3)]
    assert all(np.array_equal(first[4:144, tiles[0]], first[4:144, tile]) for tile in tiles)
    assert np.abs(first - last)[4:144].mean() > 50


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_timesteps_of_a_picture_suit_its_schedule(name: str) -> None:
    """Each image differs visibly from the next, most of all on a picture of black and white."""
    schedules = [SCHEDULES[name]()]
    timesteps = equal_changes(schedules, SHOWN)
    assert (timesteps[0], timesteps[-1], len(timesteps)) == (0, 1000, SHOWN)
    pixels = 255 * np.random.default_rng(0).integers(0, 2, (32, 32, 3), dtype=np.uint8)
    images = noised(pixels, schedules, timesteps, seed=0)[0].astype(float)
    changes = np.abs(np.diff(images, axis=0)).mean(axis=(1, 2, 3))
    assert changes.min() > 8


def test_a_seed_below_zero_is_refused() -> None:
    """numpy would raise an error of its own."""
    with pytest.raises(NevoaError, match="seed must be a whole number"):
        noised(np.zeros((4, 4, 1), np.uint8), [SCHEDULES["linear"]()], [1], seed=-1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schedule": ("linear,cosin",)}, "no schedule 'cosin'. Did you mean 'cosine'"),
        ({"at": ("0,1",), "out": Path("x.gif")}, "--at is for a picture"),
        ({"at": ("0,1001",)}, "timesteps are 0 to 1000"),
        ({"at": ("",)}, "list of whole numbers such as 0,100,1000, not ''"),
        ({"out": Path("x.jpg")}, "a name in .png or .gif"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    options: dict, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NevoaError, match=message):
        noise("fashion_mnist_10k:9", **options)
    assert not list(tmp_path.iterdir())
