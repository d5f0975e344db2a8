"""Configs: what is written is read, and what cannot be is explained."""

from pathlib import Path

import pytest

from nevoa.config import parse, read_toml, to_toml
from nevoa.errors import NevoaError
from nevoa.presets import PRESETS, configure, merged, parse_overrides


@pytest.mark.parametrize("preset", PRESETS)
def test_a_config_survives_its_file(preset: str, tmp_path: Path) -> None:
    config = configure(preset=preset)
    (tmp_path / "config.toml").write_text(to_toml(config))
    assert read_toml(tmp_path / "config.toml") == config


def test_classic_is_the_notebook() -> None:
    config = configure(preset="classic")
    assert config.training.model_dump(exclude_defaults=True) == {"epochs": 10.0}
    assert (config.training.batch_size, config.training.learning_rate, config.training.loss) == (128, 1e-3, "huber")
    assert (config.training.optimizer, config.training.ema_decay, config.data.flip) == ("adam", 0.0, True)
    assert config.training.preview_every_images is None
    assert config.diffusion.model_dump() == {
        "schedule": "linear",
        "timesteps": 1000,
        "prediction": "epsilon",
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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["training.batchsize=8"], "Did you mean 'training.batch_size'"),
        (["diffusion.scedule=cosine"], "Did you mean 'diffusion.schedule'"),
        (["trainig.steps=8"], "Did you mean 'training'"),
        (["network.multiplier=[1]"], "Did you mean 'network.multipliers'"),
        (["diffusion.schedule=cosin"], "'linear', 'quadratic', 'sigmoid', 'cosine' or 'flow'"),
        (["training.steps=0"], "training.steps: Input should be greater than or equal to 1"),
        (["training.batch_size=many"], "training.batch_size: Input should be a valid integer"),
        (["network.attention=[true]"], "attention needs 2 values"),
        (["diffusion.zero_terminal_snr=true", "diffusion.prediction=epsilon"], "predict v or x0"),
        (["network.kind=residul"], "'residul' is not registered; pass --plugin FILE.py or install the package"),
        (["diffusion.schedule=flow", "diffusion.prediction=epsilon"], "schedule=flow: predict flow or x0"),
        (["diffusion.schedule=flow", "diffusion.prediction=v"], "schedule=flow: predict flow or x0"),
        (["diffusion.schedule=cosine", "diffusion.scale_ends=true"], "linear, quadratic and sigmoid"),
        (["diffusion.timesteps=10", "sampling.steps=20"], "at most diffusion.timesteps"),
        (["training.label_dropout=1"], "training.label_dropout: Input should be less than 1"),
        (["sampling.guidance=-1", "training.conditional=true"], "greater than or equal to 0"),
        (["sampling.guidance=2", "training.conditional=false"], "needs training.conditional=true"),
        (["batch_size=3"], "section.key=value"),
        (["training.seed"], "section.key=value"),
    ],
)
def test_a_wrong_option_is_explained(options: list[str], message: str) -> None:
    with pytest.raises(NevoaError) as error:
        configure(options=options)
    assert message in str(error.value)


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


def test_a_preset_adapts_to_fewer_timesteps() -> None:
    assert configure(options=["diffusion.timesteps=5"]).sampling.steps is None
    assert configure(options=["diffusion.timesteps=500"]).sampling.steps == 7


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


def test_layers_lie_over_one_another() -> None:
    assert merged({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}, "b": {"z": 4}}) == {"a": {"x": 1, "y": 3}, "b": {"z": 4}}


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[training")
    with pytest.raises(NevoaError, match=r"config\.toml"):
        read_toml(tmp_path / "config.toml")


def test_unknown_keys_of_a_file_are_errors() -> None:
    with pytest.raises(NevoaError, match=r"Did you mean 'data\.source'"):
        parse({"data": {"sorce": "x"}})


def test_a_config_of_before_classes_is_still_read_and_is_unconditional() -> None:
    """Neither its training nor its sampling says anything of them."""
    before = configure(options=["training.conditional=false"])
    tables = before.model_dump(mode="json")
    for section, key in (
        ("data", "classes"),
        ("training", "conditional"),
        ("training", "label_dropout"),
        ("sampling", "guidance"),
    ):
        del tables[section][key]
    assert parse(tables) == before
    assert before.classes == ()
    assert "classes" not in to_toml(before)


def test_classes_are_those_of_a_conditional_model_only() -> None:
    tables = {"data": {"classes": ["cat", "dog"]}}
    assert parse(tables).classes == ()
    assert parse({**tables, "training": {"conditional": True}}).classes == ("cat", "dog")


def test_a_setting_that_is_none_is_refused() -> None:
    """`classes` is what a config has found; the wish is `only`."""
    with pytest.raises(NevoaError, match="no keyword 'classes'"):
        configure("shapes", classes=("circle",))  # pyright: ignore[reportCallIssue]


def test_scale_ends_is_left_out_of_the_dump_while_it_is_false() -> None:
    """The dump is hashed in checkpoints: one of before the key has the same hash."""
    linear = ["diffusion.schedule=linear"]
    assert "scale_ends" not in configure(options=linear).model_dump_json()
    assert "scale_ends" not in to_toml(configure(options=linear))
    scaled = configure(options=[*linear, "diffusion.scale_ends=true"])
    assert parse(scaled.model_dump()) == scaled
    assert '"scale_ends":true' in scaled.model_dump_json()
    assert "scale_ends = true" in to_toml(scaled)


def test_the_preset_flow_is_quick_with_another_process() -> None:
    flow, quick = configure(preset="flow"), configure(preset="quick")
    assert (flow.diffusion.schedule, flow.diffusion.prediction) == ("flow", "flow")
    assert (flow.network, flow.training, flow.data) == (quick.network, quick.training, quick.data)
