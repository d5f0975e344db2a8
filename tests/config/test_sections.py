"""Configs: a file holds all of one, and a wrong key or value is explained."""

import json
from pathlib import Path
from typing import Any

import pytest

from nevoa.config import Config, ModelPlan, parse
from nevoa.config.network import ObjectNetworkConfig
from nevoa.config.presets import configure
from nevoa.config.registry import PRESETS
from nevoa.config.toml import read_toml, to_toml
from nevoa.errors import NevoaError
from nevoa.runs.model_files import read_plan


@pytest.mark.parametrize("preset", PRESETS)
def test_a_config_survives_its_file(preset: str, tmp_path: Path) -> None:
    config = configure("shapes", preset)
    (tmp_path / "config.toml").write_text(to_toml(config))
    assert read_toml(tmp_path / "config.toml", Config) == config


def test_photos_need_a_source() -> None:
    with pytest.raises(NevoaError, match=r"no images of its own. Give some: nevoa train FOLDER --preset photos"):
        configure(preset="photos")
    for config in (configure("photos/", "photos"), configure(preset="photos", options=["data.source=photos/"])):
        assert config.data.model_dump(exclude_defaults=True) == PRESETS["photos"]["data"] | {
            "source": "photos/",
            "holdout": "auto",
        }
    assert configure("photos/", "photos", size=32).data.size == 32


def test_training_further_needs_a_source() -> None:
    start = {"data": {"size": [8, 8]}}
    with pytest.raises(NevoaError, match=r"Name the images to train the model on: nevoa train SOURCE --from MODEL"):
        configure(start=start, steps=1)
    assert configure("shapes", start=start, steps=1).data.source == "shapes"
    assert configure(start=start, steps=1, options=["data.source=shapes"]).data.source == "shapes"
    assert configure(start={"data": {"source": "shapes"}}, steps=1).data.source == "shapes"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["training.batchsize=8"], "Did you mean 'training.batch_size'"),
        (["diffusion.scedule=cosine"], "Did you mean 'diffusion.schedule'"),
        (["trainig.steps=8"], "Did you mean 'training'"),
        (["network.multiplier=[1]"], "Did you mean 'network.multipliers'"),
        (["diffusion.schedule=cosin"], "Known: cosine, flow, linear, quadratic, sigmoid."),
        (["training.batch_size=100000000"], "training.batch_size: Input should be less than or equal to 100000"),
        (["training.threads=5000"], "training.threads: Input should be less than or equal to 1024"),
        (["training.steps=1000000000000"], "training.steps: Input should be less than or equal to 1000000000"),
        (["training.minutes=1e12"], "training.minutes: Input should be less than or equal to 10000000"),
        (["data.limit=1000000000000"], "data.limit: Input should be less than or equal to 1000000000"),
        (["training.abc=3"], "There is no config key 'training.abc'. Known: "),
        (
            ["training.condition=class:kind"],
            "training.condition: class takes no column: call the column of the classes",
        ),
        (["training.condition=text:"], "training.condition must name one column of captions, as in text:COLUMN"),
        (['training.condition=["text:a", "tags:b"]'], "training.condition must name one column of captions"),
        (["training.steps=0"], "training.steps: Input should be greater than or equal to 1"),
        (
            ["training.batch_size=many"],
            "training.batch_size: Input should be a valid integer or 'auto' (given: 'many')",
        ),
        (["training.precision=half"], "Input should be 'float32', 'bfloat16' or 'float16' or 'auto' (given: 'half')"),
        (["network.attention=[true]"], "attention needs 2 values"),
        (["network.attention=[true]", "network.multipliers=[1, 2]"], "attention needs 2 values"),
        (["network.attention=x"], "Input should be a list, such as [1, 2], or 'auto' (given: 'x')"),
        (
            ["network.multipliers=1,2"],
            "network.multipliers: Input should be a list, such as [1, 2], or 'auto' (given: '1,2')",
        ),
        (["diffusion.zero_terminal_snr=true", "diffusion.prediction=epsilon"], "predict v, x0 or flow"),
        (["network.kind=residul"], "There is no network 'residul'. Did you mean 'residual'?"),
        (["diffusion.schedule=flow", "diffusion.prediction=epsilon"], "schedule=flow: predict flow or x0"),
        (["diffusion.schedule=flow", "diffusion.prediction=v"], "schedule=flow: predict flow or x0"),
        (["diffusion.schedule=cosine", "diffusion.scale_ends=true"], "scale_ends is not for the schedule cosine"),
        (["diffusion.timesteps=10", "sampling.steps=20"], "at most diffusion.timesteps"),
        (["diffusion.timesteps=10", "training.preview_steps=11"], "preview_steps must be at most diffusion.timesteps"),
        (["training.label_dropout=1"], "training.label_dropout: Input should be less than 1"),
        (["sampling.guidance=-1", "training.condition=class"], "greater than or equal to 0"),
        (["sampling.guidance=2", "training.condition=none"], "needs a condition"),
        (
            [
                "sampling.guidance=2",
                "training.condition=class",
                "training.objective=path",
                "training.start=runs/teacher",
                "training.guide=0",
                "diffusion.prediction=flow",
            ],
            "sampling.guidance is not for a distilled model: leave it out",
        ),
        (["batch_size=3"], "section.key=value"),
        (["training.seed"], "section.key=value"),
    ],
)
def test_a_wrong_option_is_explained(options: list[str], message: str) -> None:
    with pytest.raises(NevoaError) as error:
        configure(options=options)
    assert message in str(error.value)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[training")
    with pytest.raises(NevoaError, match=r"config\.toml"):
        read_toml(tmp_path / "config.toml", Config)


def test_unknown_keys_of_a_file_are_errors() -> None:
    with pytest.raises(NevoaError, match=r"Did you mean 'data\.source'"):
        parse({"data": {"sorce": "x"}})


def of_format_1(tables: dict[str, Any], folder: Path) -> ModelPlan:
    """The plan of a model that was saved with a config in place of a plan."""
    path = folder / "config.json"
    path.write_text(json.dumps({"format": 1, "shape": [1, 8, 8], "sha256": "", "config": tables}))
    return read_plan(path)[0]


def test_a_model_of_before_classes_is_still_read_and_is_unconditional(tmp_path: Path) -> None:
    """Its file has none of the keys that came with classes."""
    before = configure(
        options=["training.condition=none", "network.kind=unet", "diffusion.prediction=v", "sampling.steps=7"]
    )
    tables = before.model_dump(mode="json")
    for section, key in (("training", "condition"), ("training", "label_dropout"), ("sampling", "guidance")):
        del tables[section][key]
    plan = of_format_1(tables, tmp_path)
    assert (plan.network, plan.sampling.model_dump()) == (before.network, before.sampling.model_dump())
    assert plan.diffusion.model_dump() == before.diffusion.model_dump()
    assert (plan.classes, plan.works_without_condition) == ((), True)


def test_classes_are_those_of_a_conditional_model_only(tmp_path: Path) -> None:
    tables = configure(options=["network.kind=unet", "diffusion.prediction=v", "sampling.steps=7"]).model_dump(
        mode="json"
    )
    tables["data"] |= {"classes": ["cat", "dog"], "fingerprint": "f" * 64}
    for conditional, classes in ((False, ()), (True, ("cat", "dog"))):
        tables["training"]["conditional"] = conditional
        assert of_format_1(tables, tmp_path).classes == classes


def test_scale_ends_survives_the_dump() -> None:
    scaled = configure(options=["diffusion.schedule=linear", "diffusion.scale_ends=true"])
    assert parse(scaled.model_dump()) == scaled
    assert "scale_ends = true" in to_toml(scaled)


def test_a_damaged_network_is_explained() -> None:
    for network in ({"kind": ["unet"]}, {"kind": 3}, [], 3, {"kind": "unet", "dim": {}}):
        with pytest.raises(NevoaError, match="network"):
            parse({"network": network})
    with pytest.raises(NevoaError, match=r"config key 'data\.sorce'"):
        parse({"data": {"sorce": "x"}, "network": 3})


def test_a_network_object_is_named_in_the_file(tmp_path: Path) -> None:
    config = parse({"network": {"kind": "object", "class_name": "models.Dit"}})
    assert isinstance(config.network, ObjectNetworkConfig)
    (tmp_path / "config.toml").write_text(to_toml(config))
    assert read_toml(tmp_path / "config.toml", Config) == config


SIZES = [(None, None), ("64", 64), (64, 64), ("30x50", (30, 50)), ("30X50", (30, 50)), ([30, 50], (30, 50))]


@pytest.mark.parametrize(("given", "size"), SIZES)
def test_a_size_is_a_side_or_height_and_width(given: object, size: object) -> None:
    assert parse({"data": {"size": given}}).data.size == size


@pytest.mark.parametrize("wrong", ["", "x", "3x", "1x2x3", "big"])
def test_text_that_is_no_size_is_explained(wrong: str) -> None:
    with pytest.raises(NevoaError, match="HEIGHTxWIDTH"):
        parse({"data": {"size": wrong}})


def test_an_unknown_key_of_a_condition_is_one_of_a_newer_nevoa() -> None:
    tables = {"conditions": {"text": {"kind": "text", "language": "pt"}}, "data": {"source": "x"}}
    with pytest.raises(NevoaError, match=r"no config key 'conditions\.text\..*language'\. If a newer nevoa wrote it"):
        parse(tables, ModelPlan)


@pytest.mark.parametrize(("section", "others"), [("training", "data."), ("network", "training."), ("data", "network.")])
def test_an_unknown_key_is_answered_by_the_keys_of_its_section(section: str, others: str) -> None:
    with pytest.raises(NevoaError, match=rf"There is no config key '{section}\.colour'.* Known: {section}\.") as caught:
        parse({section: {"colour": 1}})
    assert others not in str(caught.value)
