"""Images to be evaluated."""

from pathlib import Path

import numpy as np
import pytest

from nevoa.data import read_unchanged
from nevoa.errors import NevoaError
from tests.data.pictures import encoded, photo


def test_images_to_be_measured_are_not_changed(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(encoded(photo(number), "PNG"))
    np.testing.assert_array_equal(
        read_unchanged(tmp_path, 2), np.stack([np.asarray(photo(number)) for number in range(2)])
    )
    (tmp_path / "3.png").write_bytes(encoded(photo(3, (9, 9)), "PNG"))
    with pytest.raises(NevoaError, match=r"differ: 0.png is 30x40"):
        read_unchanged(tmp_path)
    (tmp_path / "3.png").write_bytes(b"bad")
    with pytest.raises(NevoaError, match=r"3.png: it is not an image"):
        read_unchanged(tmp_path)


def test_a_folder_that_is_called_like_a_data_set_is_measured_itself(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shapes").mkdir()
    Path("shapes/a.png").write_bytes(encoded(photo(), "PNG"))
    assert read_unchanged(Path("shapes")).shape == (1, 30, 40, 3)
