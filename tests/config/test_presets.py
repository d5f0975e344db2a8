"""Presets, and the layers over them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nevoa.config import Config
from nevoa.config.presets import configure, merged, parse_overrides
from nevoa.config.toml import read_toml, to_toml
from nevoa.errors import NevoaError


def test_classic_is_the_notebook() -> None:
    config = configure(preset="classic")
    assert config.training.model_dump(exclude_defaults=True) == {"epochs": 10.0}
    assert (config.training.batch_size, config.training.learning_rate, config.training.loss) == (128, 1e-3, "huber")
    assert (config.training.optimizer, config.training.ema_decay, config.data.augment) == ("adam", 0.0, {"flip": 0.5})
    assert config.training.preview_every_images is None
    assert config.diffusion.model_dump() == {
        "schedule": "linear",
        "timesteps": 1000,
        "prediction": "epsilon",
        "scale_ends": False,
        "zero_terminal_snr": False,
    }
    assert config.training.weighting == "simple"
    assert config.network.model_dump() == {
        "kind": "unet",
        "dim": 28,
        "multipliers": (1, 2, 4),
        "block": "convnext",
        "mult": 2,
    }


def test_ddpm_cifar10_is_ho_et_al() -> None:
    config = configure(preset="ddpm-cifar10")
    training = config.training
    assert (training.steps, training.batch_size, training.learning_rate) == (800_000, 128, 2e-4)
    assert (training.warmup_images, training.ema_decay, training.gradient_clip) == (5000 * 128, 0.9999, 1.0)
    assert config.network.model_dump()["dropout"] == 0.1
    assert config.sampling.variance == "large"


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(NevoaError, match="Did you mean 'classic'"):
        configure(preset="clasic")


def test_options_are_read_as_toml_else_as_text() -> None:
    assert parse_overrides(["a.b=3", "a.c=[1, 2]", "d.e=cosine", "d.f=true"]) == {
        "a": {"b": 3, "c": [1, 2]},
        "d": {"e": "cosine", "f": True},
    }


def test_a_budget_replaces_those_below() -> None:
    assert configure(steps=7).training.minutes is None
    assert configure(minutes=7).training.steps is None
    assert configure(preset="classic", minutes=2).training.epochs is None


def test_images_named_by_an_option_are_mirrored_as_those_named_first() -> None:
    """The notebook mirrors clothes, and digits would become other signs."""
    first, option = configure("mnist", "classic"), configure(preset="classic", options=["data.source=mnist"])
    assert first.data.augment == option.data.augment == "auto"


@pytest.mark.parametrize("given", ["text:em português", ["text:em português"], ("text:em português", "class")])
def test_a_column_of_captions_is_one_of_the_data(given: Any) -> None:
    """Asked for by keyword, option or file: what is learned is the text, and the data say where it is."""
    config = configure("photos/", steps=1, condition=given)
    assert config.data.caption_column == "em português"
    assert config.training.condition == (("text", "class") if "class" in given else ("text",))
    again = configure("photos/", steps=1, options=["data.caption_column=em português"], condition=["tags"])
    assert again.data == config.data
    assert configure("photos/", steps=1, condition="tags:em português") == again


def test_two_budgets_are_one_too_many() -> None:
    with pytest.raises(NevoaError, match="one of minutes, epochs and steps"):
        configure(minutes=1, steps=1)


def test_another_network_starts_from_its_own_defaults() -> None:
    config = configure(options=["network.kind=unet", "network.dim=12"])
    assert config.network.model_dump() == {
        "kind": "unet",
        "dim": 12,
        "multipliers": (1, 2, 4),
        "block": "convnext",
        "mult": 2,
    }


def test_a_network_without_a_kind_is_a_unet() -> None:
    """So naming that kind changes nothing, nor does another key."""
    assert merged({"network": {"dim": 16}}, {"network": {"kind": "unet"}}) == {"network": {"dim": 16, "kind": "unet"}}
    assert merged({"network": {"dim": 16}}, {"network": {"mult": 3}}) == {"network": {"dim": 16, "mult": 3}}
    assert merged({"network": {"dim": 16}}, {"network": {"kind": "residual"}}) == {"network": {"kind": "residual"}}


@pytest.mark.parametrize("option", ["data.source=2024", "training.conditional=[true]", "training.conditional={}"])
def test_a_value_of_another_type_is_a_sentence(option: str) -> None:
    with pytest.raises(NevoaError, match=option.partition("=")[0].replace("conditional", "condition")):
        configure(options=[option])


def test_the_former_key_of_classes_is_obeyed() -> None:
    for value, condition in (("true", ("class",)), ("false", ())):
        assert configure(options=[f"training.conditional={value}"]).training.condition == condition


def test_layers_lie_over_one_another() -> None:
    assert merged({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}, "b": {"z": 4}}) == {"a": {"x": 1, "y": 3}, "b": {"z": 4}}


def test_an_unknown_keyword_names_the_nearest() -> None:
    with pytest.raises(NevoaError, match=r"no keyword 'limti'\. Did you mean 'limit'"):
        configure("shapes", limti=3)  # pyright: ignore[reportCallIssue]
    # `classes` is resolved from the data; `only` chooses classes.
    with pytest.raises(NevoaError, match="no keyword 'classes'"):
        configure("shapes", classes=("circle",))  # pyright: ignore[reportCallIssue]


def test_a_keyword_that_is_none_is_not_given() -> None:
    assert configure("shapes", limit=None, seed=None, minutes=None) == configure("shapes")


def test_a_path_is_a_source_and_never_the_name_of_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert configure(tmp_path).data.source == str(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert configure(Path("digits")).data.source == str(tmp_path / "digits")
    assert configure("digits").data.source == "digits"


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Config]:
    """The config.toml of a run of five minutes."""
    options = ["training.condition=class", "network.dim=8", "data.augment=flip"]
    config = configure("photos", minutes=5, options=options)
    (tmp_path / "config.toml").write_text(to_toml(config))
    return tmp_path / "config.toml", config


def test_a_config_file_alone_is_that_config(saved: tuple[Path, Config]) -> None:
    file, config = saved
    assert config.training.minutes == 5
    assert configure(config=file) == configure(config=str(file)) == configure("photos", config=file) == config


def test_options_lie_over_a_config_file(saved: tuple[Path, Config]) -> None:
    file, config = saved
    changed = configure(config=file, steps=9, options=["network.dim=12", "training.seed=3"], limit=None)
    assert (changed.training.minutes, changed.training.steps, changed.training.seed) == (None, 9, 3)
    assert changed.network == config.network.model_copy(update={"dim": 12})
    assert changed.data == config.data


def test_a_config_file_is_asked_of_other_images_too(saved: tuple[Path, Config]) -> None:
    """All that it says, whether they are mirrored as well."""
    file, config = saved
    changed = configure("others", config=file, limit=10)
    assert changed.data == config.data.model_copy(update={"source": "others", "limit": 10})
    assert changed.training == config.training


def test_a_preset_and_a_config_file_are_one_too_many(saved: tuple[Path, Config]) -> None:
    with pytest.raises(NevoaError, match="not both"):
        configure(preset="classic", config=saved[0])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("format = 1", "has format 1, but this version of nevoa reads format 2"),
        ("format = 2\ncolour = 3", "There is no config key 'colour'"),
        ("training = [", "damaged"),
    ],
)
def test_a_config_file_of_another_version_is_refused(line: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(line)
    with pytest.raises(NevoaError, match=message):
        configure(config=tmp_path / "config.toml")
    with pytest.raises(NevoaError, match=r"none\.toml"):
        configure(config=tmp_path / "none.toml")


def test_a_config_file_without_a_budget_needs_one(saved: tuple[Path, Config]) -> None:
    file, _ = saved
    file.write_text("[data]\nsource = 'photos'\n")
    with pytest.raises(NevoaError, match="Choose how long to train"):
        configure(config=file)
    assert configure(config=file, steps=3).training.steps == 3
    assert read_toml(file, Config).training.steps is None


def test_natural_types_are_taken() -> None:
    numbers: dict[str, Any] = {"steps": np.int64(5), "limit": np.int64(9), "augment": np.float64(0.5)}
    config = configure(Path("pets"), size=(np.int64(8), 9), only="cat", **numbers)
    assert config.training.steps == 5
    assert (config.data.limit, config.data.size, config.data.only, config.data.conditioned["shift"]) == (
        9,
        (8, 9),
        ("cat",),
        0.5,
    )
    assert configure(only=torch.tensor([0, 2])).data.only == (0, 2)
    assert configure(device="cuda:0").training.device == "cuda"
    assert configure(device=torch.device("cpu")).training.device == "cpu"
    assert configure(options="training.steps=3") == configure(options=["training.steps=3"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": "7"}, r"training.steps: Input should be a valid integer \(given: '7'\)"),
        ({"steps": 5.5}, "training.steps: Input should be a valid integer"),
        ({"limit": True}, "data.limit: Input should be a valid integer"),
        ({"minutes": "5"}, "training.minutes: Input should be a valid number"),
        ({"augment": 2}, "data.augment: Input should be auto, none, strong or a chance"),
        ({"only": [True]}, "data.only: Input should be a valid string"),
        ({"device": "cuda:1"}, "CUDA_VISIBLE_DEVICES"),
    ],
)
def test_a_value_of_another_type_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(NevoaError, match=message):
        configure(**given)


def test_photos_leave_it_to_nevoa_what_to_start_from() -> None:
    assert configure("photos/", "photos").training.start == "auto"
    assert configure("photos/", "photos", options=["training.start=none"]).training.start is None
    assert not any(configure("photos/", name, steps=1).training.start for name in ("quick", "classic", "ddpm-cifar10"))
