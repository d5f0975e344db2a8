"""Exported ONNX files, run by onnxruntime."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nevoa.conditions import conditions_of
from nevoa.config.condition import NumberPlan, PicturePlan, TagsPlan, TextPlan
from nevoa.errors import NevoaError
from nevoa.formats.diffusers.network import DiffusersUNet
from nevoa.formats.onnx import export
from nevoa.model import Model
from tests.formats.small_models import CLASSES, FOLDED, small_model

pytestmark = pytest.mark.slow

SOLVER = {"sampler": "dpm_solver", "steps": 7, "spacing": "karras"}
MODELS: dict[str, dict[str, Any]] = {
    "quick": {"network": FOLDED, "classes": CLASSES, "diffusion": {"prediction": "flow"}, "sampling": SOLVER},
    "classic, padded": {"network": {"kind": "unet", "dim": 8, "multipliers": [1, 2]}, "shape": (1, 13, 14)},
    "attention": {},
    "augmented": {"network": FOLDED, "classes": CLASSES, "augment": "strong", "sampling": SOLVER},
    "patches of large images, padded": {"network": FOLDED | {"patch": 4}, "shape": (3, 18, 20), "classes": CLASSES},
    "guided": {"network": FOLDED, "classes": CLASSES, "sampling": SOLVER | {"autoguidance": 1.7}, "guided": True},
}


class Smallest(torch.nn.Conv2d):
    """Its export takes a second, that of a U-Net seven."""

    def forward(self, x_t: torch.Tensor, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:  # pyright: ignore
        return super().forward(x_t) * (1 + t.view(-1, 1, 1, 1) / 50) + label.view(-1, 1, 1, 1) / 10


def smallest_model(**wishes: Any) -> Model:
    model = small_model(FOLDED, classes=CLASSES, **wishes)
    torch.manual_seed(0)
    return Model(model.plan, Smallest(3, 3, 3, padding=1), model.shape)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Path]:
    """A model, and its file; an export takes seconds."""
    model, path = small_model(**MODELS["quick"]), tmp_path_factory.mktemp("onnx") / "m.onnx"
    export(model, path)
    return model, path


def session(path: Path) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def evaluated(model: Model, path: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The prediction of the file and that of the network, for so many images."""
    rng = torch.Generator().manual_seed(count)
    x_t, t = torch.randn(count, *model.shape, generator=rng), torch.arange(1, count + 1) * 7
    label = [torch.arange(count) % (len(model.classes) + 1)] if model.classes else []
    inputs = {"image": x_t, "timestep": t} | ({"label": label[0]} if label else {})
    (found,) = session(path).run(None, {name: value.numpy() for name, value in inputs.items()})
    with torch.no_grad():
        return found, model.guided(model.settings().autoguidance)(x_t, t, *label).numpy()


@pytest.mark.parametrize("name", [name for name in MODELS if name != "quick"])
def test_one_evaluation_is_that_of_torch(name: str, tmp_path: Path) -> None:
    model = small_model(**MODELS[name])
    export(model, tmp_path / "m.onnx")
    _check_evaluations(model, tmp_path / "m.onnx")


def test_each_kind_of_condition_is_an_input(tmp_path: Path) -> None:
    """With a guide, whose conditions are the same; a name says which input is which."""
    number, tags = NumberPlan(name="age", low=0, high=90), TagsPlan(tags=("hat", "red", "smile"))
    gray = PicturePlan(kind="gray", channels=3, height=16, width=16, consistent=True)
    small = PicturePlan(kind="downscaled", channels=3, height=16, width=16, factor=4, consistent=True)
    kinds = {"text": TextPlan(buckets=64), "number:age": number, "tags": tags, "gray": gray, "downscaled:4": small}
    plans = {name: one.model_dump() for name, one in kinds.items()}
    model = small_model(FOLDED, classes=CLASSES, conditions=plans, sampling=SOLVER, guided=True)
    export(model, tmp_path / "m.onnx")
    values = {"text": ["a red cat", None], "number:age": [None, 30.0], "tags": [["hat", "red"], None]}
    values["gray"] = [np.full((16, 16, 2), 200, np.uint8), None]
    values["downscaled:4"] = [None, np.full((16, 16, 4), 50, np.uint8)]
    condition: Any = conditions_of(model.plan).of(values | {"class": [1, None]}, 2)
    x_t, t = torch.randn(2, *model.shape, generator=torch.Generator().manual_seed(0)), torch.tensor([7, 40])
    inputs = {"image": x_t, "timestep": t, **condition}
    (found,) = session(tmp_path / "m.onnx").run(None, {name: value.numpy() for name, value in inputs.items()})
    with torch.no_grad():
        expected = model.guided(model.settings().autoguidance)(x_t, t, condition).numpy()
    assert abs(found - expected).max() < 1e-5 * max(1, abs(expected).max())
    about = session(tmp_path / "m.onnx").get_modelmeta().custom_metadata_map["conditions"]
    assert json.loads(about) == json.loads(json.dumps(plans))


def test_one_evaluation_of_quick_is_that_of_torch(quick: tuple[Model, Path]) -> None:
    _check_evaluations(*quick)


def _check_evaluations(model: Model, path: Path) -> None:
    """For any number of images."""
    for count in (1, 2, 5):
        found, expected = evaluated(model, path, count)
        assert abs(found - expected).max() < 1e-5 * max(1, abs(expected).max())


def test_half_the_bytes_change_the_prediction_as_rounding_the_weights_does(
    quick: tuple[Model, Path], tmp_path: Path
) -> None:
    model, whole = copy.deepcopy(quick[0]), quick[1]
    export(model, tmp_path / "half.onnx", half=True)
    weights = 4 * model.parameters
    saved = whole.stat().st_size - (tmp_path / "half.onnx").stat().st_size
    assert 0.3 * weights < saved < 0.5 * weights
    found, exact = evaluated(model, tmp_path / "half.onnx", 3)
    for parameter in model.network.parameters():
        if parameter.numel() * 4 > 1024:
            parameter.data = parameter.data.half().float()
    _, rounded = evaluated(model, whole, 3)
    assert abs(found - rounded).max() < 1e-5 * max(1, abs(rounded).max())
    assert abs(found - exact).max() > 1e-5


@pytest.mark.parametrize("prediction", ["flow", "v", "epsilon", "x0"])
def test_the_loop_of_the_documentation_makes_the_images_of_nevoa(
    prediction: str, quick: tuple[Model, Path], tmp_path: Path
) -> None:
    """docs/sharing.md samples without torch."""
    text = (Path(__file__).parents[2] / "docs" / "sharing.md").read_text()
    code = text.split("```python\n# Sample without torch.\n")[1].split("```")[0]
    model, path = quick
    if prediction != model.plan.diffusion.prediction:
        clip = prediction != "x0"  # with random weights, 1 / signal makes far too large values of epsilon
        sampling, diffusion = SOLVER | {"clip": clip}, {"prediction": prediction}
        model, path = smallest_model(diffusion=diffusion, sampling=sampling), tmp_path / "m.onnx"
        export(model, path)
    noise = np.random.default_rng(0).standard_normal((4, *model.shape)).astype(np.float32)
    scope: dict[str, Any] = {}
    exec(code, scope)
    found = scope["sample"](session(path), noise, np.array([0, 1, 2, 0]))
    assert abs(found.astype(int) - _ours(model, noise).astype(int)).max() <= 1
    assert len(code.splitlines()) <= 30


def _ours(model: Model, noise: np.ndarray) -> np.ndarray:
    from nevoa.data import to_bytes
    from nevoa.sampling import DPMSolver, timestep_grid, trajectory

    denoiser = model.denoiser(clip=model.plan.sampling.clip, condition=torch.tensor([0, 1, 2, 0]))
    *_, end = trajectory(
        denoiser,
        DPMSolver(),
        torch.from_numpy(noise),
        timestep_grid(model.schedule, 7, "karras"),
        lambda: torch.zeros(0),
    )
    return to_bytes(end.x_t)


def test_the_file_describes_itself(quick: tuple[Model, Path]) -> None:
    model, path = quick
    about = {key: json.loads(text) for key, text in session(path).get_modelmeta().custom_metadata_map.items()}
    assert (about["classes"], about["prediction"], about["range"]) == (list(CLASSES), "flow", [-1, 1])
    assert len(about["grid"]) == 8
    assert about["signal"] == model.schedule.signal.tolist()


def test_the_file_says_how_to_sample(tmp_path: Path) -> None:
    """With the options of the command in place of the run's, and no fresh noise where the sampler adds none."""
    model = smallest_model(sampling=SOLVER | {"guidance": 2.0, "eta": 0.5})
    ways: dict[tuple[float, float], dict[str, Any]] = {
        (2.0, 0.0): {"sampler": "euler"},
        (3.0, 0.5): {"guidance": 3.0, "sampler": "ddim"},
    }
    for expected, given in ways.items():
        export(model, tmp_path / "m.onnx", **given)
        about = session(tmp_path / "m.onnx").get_modelmeta().custom_metadata_map
        assert (json.loads(about["guidance"]), json.loads(about["eta"])) == expected


def test_an_imported_network_can_be_exported(tmp_path: Path) -> None:
    unet = {"block_out_channels": [8, 16], "layers_per_block": 1, "norm_num_groups": 2, "attention_head_dim": 4}
    blocks = {"down_block_types": ["DownBlock2D"] * 2, "up_block_types": ["UpBlock2D"] * 2}
    model = small_model({"kind": "diffusers", "unet": json.dumps(unet | blocks)})
    assert isinstance(model.network, DiffusersUNet)
    export(model, tmp_path / "m.onnx")
    found, expected = evaluated(model, tmp_path / "m.onnx", 3)
    assert abs(found - expected).max() < 1e-5 * max(1, abs(expected).max())


class Looks(torch.nn.Conv2d):
    """Its forward pass depends on the values of the image."""

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:  # pyright: ignore
        return x if x.sum().item() > 0 else super().forward(x)


def test_a_network_that_cannot_be_exported_is_named(tmp_path: Path) -> None:
    model = small_model()
    with pytest.raises(NevoaError, match="torch cannot export Looks to ONNX"):
        export(Model(model.plan, Looks(3, 3, 1), model.shape), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())
