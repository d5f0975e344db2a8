"""Arguments of numpy and torch mean what they hold; others are refused by name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nevoa._util.arguments import device_name, one_or_more, path_of, to_python, whole, yes_or_no
from nevoa.errors import NevoaError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("cat"), "cat"),
        (torch.tensor(3), 3),
        (np.array(["cat", "dog"]), ("cat", "dog")),
        (torch.tensor([1, 2]), (1, 2)),
        ([np.int64(3), torch.tensor(4)], (3, 4)),
        (range(2), (0, 1)),
        (Path("a"), Path("a")),
        (None, None),
    ],
)
def test_values_of_numpy_and_torch_become_those_of_python(value: Any, expected: Any) -> None:
    found = to_python(value)
    assert found == expected
    assert type(found) is type(expected)


def test_one_name_or_number_is_a_tuple_of_one() -> None:
    assert one_or_more("Bag") == ("Bag",)
    assert one_or_more(np.int64(3)) == (3,)
    assert one_or_more(["Bag", 3]) == ("Bag", 3)


@pytest.mark.parametrize("value", [-1, 10**20, 2.5, 2.0, True, "2", None, [1], np.float64(2)])
def test_a_number_that_is_not_whole_or_out_of_range_is_refused_by_name(value: Any) -> None:
    with pytest.raises(NevoaError, match=r"^count must be a whole number from 0 to 1,000, not "):
        whole("count", value, 0, 1000)


def test_whole_numbers_of_numpy_and_torch_are_numbers() -> None:
    assert [whole("count", value) for value in (7, np.int64(7), np.uint8(7), torch.tensor(7))] == [7] * 4


def test_a_word_is_no_truth_value_and_a_number_no_path() -> None:
    assert yes_or_no("progress", np.bool_(False)) is False
    with pytest.raises(NevoaError, match="progress must be True or False, not 'no'"):
        yes_or_no("progress", "no")
    assert path_of("out", Path("a")) == path_of("out", "a") == Path("a")
    with pytest.raises(NevoaError, match="out must be a path"):
        path_of("out", 3)


def test_the_first_device_of_a_kind_may_have_its_index() -> None:
    assert device_name("cuda:0") == device_name(torch.device("cuda", 0)) == "cuda"
    with pytest.raises(NevoaError, match="CUDA_VISIBLE_DEVICES"):
        device_name("cuda:1")
