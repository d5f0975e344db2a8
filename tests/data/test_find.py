"""What is a source, and what is not."""

from pathlib import Path

import pytest

from nevoa.data import (
    load_images,
    short_name,
)
from nevoa.data.find import find_source, images_beside, same_source
from nevoa.errors import NevoaError


def test_an_unknown_source_names_the_nearest() -> None:
    with pytest.raises(NevoaError, match="Did you mean 'fashion_mnist_10k'"):
        load_images("fashion_mnist_10")


def test_images_that_were_given_in_memory_are_asked_for() -> None:
    with pytest.raises(NevoaError, match=r"'images' were given in memory: pass them again .*nevoa\.train\(images"):
        load_images("object:images")


@pytest.mark.parametrize("text", ["~nosuchuser/x", "x" * 300 + "/a"])
def test_what_cannot_be_a_path_is_said(text: str) -> None:
    with pytest.raises(NevoaError, match="Cannot read"):
        find_source(text)


def test_the_home_of_nobody_is_a_path_like_others() -> None:
    """As in ~photos, a slip for ~/photos."""
    assert images_beside("~nobody-of-this-name/x", Path("runs/1")) is None
    assert not same_source("~nobody-of-this-name/x", "shapes")


def test_what_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "a.doc").write_text("x")
    with pytest.raises(NevoaError, match="is not a source of images: give a folder"):
        find_source(str(tmp_path / "a.doc"))
    with pytest.raises(NevoaError, match="There is no file or folder"):
        find_source(str(tmp_path / "gone"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shapes", "shapes"),
        ("/a/my cats.tar.gz", "my cats"),
        ("hf:a/b:c@refs/convert/parquet", "b"),
        ("photos/", "photos"),
    ],
)
def test_short_names(text: str, name: str) -> None:
    assert short_name(text) == name
