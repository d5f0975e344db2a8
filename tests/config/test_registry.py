"""One door: parts of every kind are registered, found, listed and refused alike."""

import re
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn

import nevoa
from nevoa.config import ConditionPlan, NetworkConfig
from nevoa.config.presets import configure
from nevoa.config.registry import KINDS, Table, UnregisteredError, register, table_of, unregister
from nevoa.data import Dataset
from nevoa.diffusion import named_schedule
from nevoa.errors import NevoaError
from nevoa.evaluation import Metric
from nevoa.formats import Export

pytestmark = pytest.mark.usefixtures("registered")


class Network(nn.Module):
    def forward(self) -> None: ...


class Config(NetworkConfig): ...


class Condition:
    def tensor(self) -> None: ...


class Plan(ConditionPlan): ...


class Sampler:
    def step(self) -> None: ...


PARTS: dict[str, Any] = {
    "network": Network,
    "condition": Condition,
    "schedule": lambda steps: None,
    "sampler": Sampler,
    "loss": lambda output, target: None,
    "optimizer": torch.optim.SGD,
    "metric": Metric({}),
    "export": Export(lambda model, path: "", (".x",)),
    "preset": {"training": {"steps": 3}},
    "dataset": Dataset({"train": 1}, 1, None, "CC0"),
}


def options_of(kind: str) -> type | None:
    return {"network": Config, "condition": Plan}.get(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_one_door(kind: str) -> None:
    register(kind, "mine", PARTS[kind], options_of(kind))
    assert table_of(kind)["mine"] is PARTS[kind]
    assert table_of(kind).options("mine") is options_of(kind)
    assert {*table_of(kind)} >= {*table_of(kind).own, "mine"}
    unregister(kind, "mine")
    assert "mine" not in table_of(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_that_nobody_registered_says_what_to_do(kind: str) -> None:
    name = f"{table_of(kind).own[0]}x"
    wanted = rf"There is no {kind} '{name}'\. Did you mean '{name[:-1]}'\? Known: .* add --plugin FILE\.py or install"
    with pytest.raises(UnregisteredError, match=wanted):
        table_of(kind)[name]
    assert table_of(kind).get(name) is None


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_with_nevoa_is_there_and_stays(kind: str) -> None:
    for name in table_of(kind).own:
        assert not isinstance(table_of(kind)[name], str | None)
        with pytest.raises(NevoaError, match=f"The {kind} '{name}' is already registered by the package nevoa"):
            register(kind, name, PARTS[kind], options_of(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_of_another_kind_is_refused(kind: str) -> None:
    with pytest.raises(NevoaError, match=f"The {kind} to register must be "):
        register(kind, "mine", 7, options_of(kind))
    assert "mine" not in table_of(kind)


@pytest.mark.parametrize("part", [Network(), Config, {"width": 3}])
def test_a_network_is_a_class_of_modules(part: Any) -> None:
    with pytest.raises(NevoaError, match=re.escape("must be a subclass of torch.nn.Module")):
        register("network", "mine", part, Config)


def test_only_networks_have_options_and_all_of_them_do() -> None:
    with pytest.raises(NevoaError, match=r"A network needs a subclass of nevoa\.config\.NetworkConfig as options"):
        register("network", "mine", Network)
    with pytest.raises(NevoaError, match="A loss has no options"):
        register("loss", "mine", PARTS["loss"], Config)


def test_an_unknown_kind_is_a_sentence() -> None:
    with pytest.raises(NevoaError, match=r"There is no kind of part 'samplr'\. Did you mean 'sampler'\?"):
        register("samplr", "mine", Sampler)


@pytest.mark.parametrize("name", ["", "two words", "object", "object:x", "../x", "ä.b"])
def test_a_name_that_a_config_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(NevoaError, match="cannot be named"):
        register("loss", name, PARTS["loss"])


def test_a_notebook_may_run_a_cell_again() -> None:
    """What Python registers itself is replaced; what a plugin has registered is not."""
    register("sampler", "mine", Sampler)
    register("sampler", "mine", changed := type("Changed", (Sampler,), {}))
    assert table_of("sampler")["mine"] is changed


def test_a_row_of_the_table_is_imported_when_it_is_used() -> None:
    assert Table("thing", {"root": "math:sqrt"})["root"](9) == 3


def test_names_and_presets_need_no_torch() -> None:
    script = (
        "import sys, nevoa, importlib.metadata; importlib.metadata.entry_points = lambda group: []\n"
        "from nevoa.config.registry import EXPORTS, METRICS, PRESETS, SAMPLERS\n"
        "assert {'quick'} < {*PRESETS} and {'web'} < {*EXPORTS} and {'bits'} < {*METRICS} and {'heun'} < {*SAMPLERS}\n"
        "nevoa.configure('shapes', 'classic')\nsys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    ("key", "name", "meant"),
    [
        ("diffusion.schedule", "liner", "linear"),
        ("sampling.sampler", "huen", "heun"),
        ("training.loss", "hubr", "huber"),
        ("training.optimizer", "moun", "muon"),
        ("network.kind", "unt", "unet"),
    ],
)
def test_a_config_knows_the_names_of_the_tables(key: str, name: str, meant: str) -> None:
    with pytest.raises(NevoaError, match=f"Did you mean '{meant}'"):
        configure(options=[f"{key}={name}"])


def test_ends_are_scaled_of_every_schedule_that_takes_scaled_and_of_no_other() -> None:
    def plain(steps: int) -> nevoa.diffusion.Schedule:
        return nevoa.diffusion.NoiseSchedule.cosine(steps)

    def scalable(steps: int, scaled: bool = False) -> nevoa.diffusion.Schedule:
        return nevoa.diffusion.NoiseSchedule.linear(steps, scaled)

    register("schedule", "plain", plain)
    register("schedule", "scalable", scalable)
    options = ["diffusion.scale_ends=true", "diffusion.timesteps=50"]
    config = configure(options=[*options, "diffusion.schedule=scalable"])
    found = named_schedule(config.diffusion.schedule, 50, scale_ends=True)
    assert torch.equal(found.signal, nevoa.diffusion.NoiseSchedule.linear(50, scaled=True).signal)
    for name in ("plain", "cosine", "flow"):
        with pytest.raises(NevoaError, match=f"scale_ends is not for the schedule {name}"):
            configure(options=[*options, f"diffusion.schedule={name}", "diffusion.prediction=x0"])
        with pytest.raises(NevoaError, match=f"scale_ends is not for the schedule {name}"):
            named_schedule(name, 50, scale_ends=True)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda steps: None, "NoneType is not a schedule: it needs 'signal' and 'noise'"),
        (lambda steps: nevoa.diffusion.RectifiedFlow(7), "must have 50 timesteps, not 7"),
    ],
)
def test_what_is_no_such_schedule_is_a_sentence(made: Any, message: str) -> None:
    register("schedule", "wrong", made)
    with pytest.raises(NevoaError, match=message):
        named_schedule("wrong", 50)


@pytest.mark.parametrize(
    ("suffixes", "samplers", "message"),
    [
        (".foo", None, r"suffixes of an export must be a tuple of names, such as \('.foo',\), not '.foo'"),
        (("foo",), None, "suffixes of an export must begin with a dot"),
        ((), None, "suffixes of an export must begin with a dot"),
        ((".foo",), "ddim", "samplers of an export must be a tuple of names"),
    ],
)
def test_an_export_that_forgets_a_comma_or_a_dot_is_refused(suffixes: Any, samplers: Any, message: str) -> None:
    with pytest.raises(NevoaError, match=message):
        Export(lambda model, path: "", suffixes, samplers=samplers)
