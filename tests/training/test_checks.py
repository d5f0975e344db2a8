"""A training that cannot work is refused before anything is timed."""

import numpy as np
import pytest

from nevoa.config import Config
from nevoa.data import as_image_set
from nevoa.errors import NevoaError
from nevoa.training import prepare


def test_images_below_the_smallest_size_are_not_trained_on(tiny: Config) -> None:
    with pytest.raises(NevoaError, match="The images are 3x8; nevoa trains on 4x4 to 1024x1024: choose another --size"):
        prepare(tiny, as_image_set(np.zeros((20, 3, 8), np.uint8)))
