"""The catalogue of named data sets."""

import pytest

from nevoa.data import CATALOG


@pytest.mark.parametrize("name", CATALOG)
def test_the_catalogue_is_whole(name: str) -> None:
    row = CATALOG[name]
    assert "train" in row.counts
    assert row.where and row.licence
