"""The nearest image is that of brute force."""

import numpy as np
import pytest

import nevoa.data.nearest as module
from nevoa.data.nearest import nearest_images


def noise(count: int, width: int = 6, channels: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 6, width, channels), dtype=np.uint8)


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search in many blocks."""
    monkeypatch.setattr(module, "ROWS", 8)
    monkeypatch.setattr(module, "COLUMNS", 64)


@pytest.mark.parametrize(("width", "channels"), [(6, 1), (5, 3), (1, 1)])
def test_the_nearest_of_images_and_mirror_images_is_that_of_brute_force(
    width: int, channels: int, blocks: None
) -> None:
    images, training = noise(30, width, channels), noise(100, width, channels, seed=1)
    nearest, index, distance = nearest_images(images, training, mirrored=True)
    both = np.concatenate([training, training[:, :, ::-1]])
    apart = ((images[:, None].astype(float) - both[None]) ** 2).mean((2, 3, 4)) ** 0.5
    np.testing.assert_array_equal(nearest, both[apart.argmin(1)])
    np.testing.assert_array_equal(index, apart.argmin(1) % len(training))
    np.testing.assert_allclose(distance, apart.min(1))


def test_the_nearest_is_that_of_brute_force(blocks: None) -> None:
    images, training = noise(30), noise(200, seed=1)
    nearest, index, distance = nearest_images(images, training)
    others = nearest_images(training[50:80], training, own=np.arange(50, 80)).images
    apart = ((images[:, None].astype(float) - training[None]) ** 2).mean((2, 3, 4)) ** 0.5
    np.testing.assert_array_equal(nearest, training[apart.argmin(1)])
    np.testing.assert_array_equal(index, apart.argmin(1))
    np.testing.assert_allclose(distance, apart.min(1))
    apart = ((training[50:80, None].astype(float) - training[None]) ** 2).mean((2, 3, 4))
    np.testing.assert_array_equal(others, training[apart.argsort(1)[:, 1]])
