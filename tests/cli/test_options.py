"""Options shared by commands."""

from dataclasses import fields

import pytest

from nevoa.cli.options import AllSamplingFlags, SourceFlags, names_of
from nevoa.cli.train import TrainingFlags
from nevoa.config import DataConfig, SamplingConfig


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        ([], []),
        (["cat,dog"], ["cat", "dog"]),
        (["cat", "dog, cow"], ["cat", "dog", "cow"]),
        ([" cat , 3"], ["cat", "3"]),
        (['"tench, Tinca tinca",cat'], ["tench, Tinca tinca", "cat"]),
        ([""], [""]),
        (["cat\ndog"], ["cat dog"]),
    ],
)
def test_names_are_separated_by_commas_or_given_one_by_one(texts: list[str], names: list[str]) -> None:
    assert names_of(texts) == names


def test_groups_of_options_are_keys_of_the_config() -> None:
    assert SourceFlags(classes=("cat",), size="9").keywords().keys() <= DataConfig.model_fields.keys()
    assert AllSamplingFlags().keywords().keys() == SamplingConfig.model_fields.keys()


@pytest.mark.parametrize("group", [SourceFlags, AllSamplingFlags, TrainingFlags])
def test_every_option_has_a_help_text(group: type) -> None:
    docs = "".join(kind.__doc__ or "" for kind in group.__mro__)
    assert all(f"\n        {field.name}: " in docs for field in fields(group))
