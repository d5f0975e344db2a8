"""Exported folders make in diffusers the images that nevoa makes, each row of the table in docs/sharing.md."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nevoa.errors import NevoaError
from nevoa.formats.diffusers.export import export
from nevoa.formats.diffusers.load import read
from nevoa.formats.diffusers.unet import unet_of
from nevoa.model import Model
from nevoa.sampling import ImageNoise
from tests.formats.small_models import CLASSES, FOLDED, PLAIN, small_model

SOLVER = {"sampler": "dpm_solver", "steps": 7, "spacing": "karras"}
FLOW = {"schedule": "flow", "prediction": "flow"}
LINEAR = {"schedule": "linear", "scale_ends": True}
MODELS: dict[str, dict[str, Any]] = {
    "quick": {"network": FOLDED, "classes": CLASSES, "sampling": SOLVER},
    "quick, gray, of a size that is padded": {"network": FOLDED, "shape": (1, 18, 15), "sampling": SOLVER},
    "patches of large images, padded": {"network": FOLDED | {"patch": 4}, "shape": (3, 18, 20), "sampling": SOLVER},
    "flow without its schedule": {
        "network": FOLDED,
        "diffusion": {"prediction": "flow"},
        "classes": CLASSES,
        "sampling": SOLVER,
    },
    "flow": {"network": FOLDED, "diffusion": FLOW, "sampling": SOLVER},
    "flow that predicts x_0": {"diffusion": FLOW | {"prediction": "x0"}, "sampling": SOLVER},
    "every timestep": {"diffusion": LINEAR | {"prediction": "epsilon"}, "sampling": {"sampler": "euler"}},
    "no signal at the end": {"diffusion": LINEAR | {"zero_terminal_snr": True}, "sampling": SOLVER},
    "no clipping, guided": {"classes": CLASSES, "sampling": SOLVER | {"clip": False, "guidance": 2.0}},
    "a guide": {"network": FOLDED, "sampling": SOLVER | {"autoguidance": 1.7}, "guided": True},
    "a guide and a class": {
        "classes": CLASSES,
        "sampling": SOLVER | {"autoguidance": 0.5, "guidance": 2.0},
        "guided": True,
    },
    "augmented": {"network": FOLDED, "classes": CLASSES, "augment": "strong", "sampling": SOLVER},
    "x_0": {"diffusion": {"prediction": "x0"}, "sampling": {"sampler": "ddim", "steps": 9}},
    "a quadratic schedule": {"diffusion": {"schedule": "quadratic", "timesteps": 1000}, "sampling": SOLVER},
}


def pipeline_of(folder: Path) -> Any:
    from diffusers.pipelines.pipeline_utils import DiffusionPipeline

    pipeline = DiffusionPipeline.from_pretrained(folder, trust_remote_code=True, low_cpu_mem_usage=False)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def starting_noise(model: Model, count: int) -> torch.Tensor:
    return ImageNoise(0, 0, count, model.shape)()


def test_many_classes_keep_their_order_and_earlier_exports_open(tmp_path: Path) -> None:
    names = tuple(f"class {number}" for number in range(12))
    export(small_model(network=FOLDED, classes=names), tmp_path / "m")
    assert read(tmp_path / "m").classes == names
    index = tmp_path / "m/model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"classes": [*names]}))
    assert read(tmp_path / "m").classes == names


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_images_are_those_of_nevoa(name: str, tmp_path: Path) -> None:
    model = small_model(**MODELS[name])
    assert export(model, tmp_path / "m") == "NevoaPipeline"
    theirs = pipeline_of(tmp_path / "m")(noise=starting_noise(model, 4), output_type="uint8").images
    ours = model.sample(4)
    assert ours.std() > 20
    assert abs(ours.astype(int) - theirs.astype(int)).max() <= 1


def test_labels_are_names_or_indices(tmp_path: Path) -> None:
    model = small_model(FOLDED, classes=CLASSES, sampling=SOLVER)
    export(model, tmp_path / "m")
    pipeline, noise = pipeline_of(tmp_path / "m"), starting_noise(model, 2)
    named = pipeline(class_labels=["fish", "cat"], noise=noise, output_type="uint8").images
    numbered = pipeline(class_labels=[2, 0], noise=noise, output_type="uint8").images
    assert (named == numbered).all()
    assert abs(named.astype(int) - model.sample(2, labels=["fish", "cat"]).astype(int)).max() <= 1
    with pytest.raises(ValueError, match="class_labels must be 0 to 2"):
        pipeline(class_labels=[3])


def test_a_generator_decides_the_images(tmp_path: Path) -> None:
    export(small_model(FOLDED, sampling=SOLVER), tmp_path / "m")
    pipeline = pipeline_of(tmp_path / "m")
    one, again, other = (
        np.asarray(
            pipeline(batch_size=2, generator=torch.Generator().manual_seed(seed), num_inference_steps=3).images[1]
        )
        for seed in (1, 1, 2)
    )
    assert (one == again).all()
    assert (one != other).any()


def test_a_plain_model_is_a_ddpm_pipeline_without_code_of_ours(tmp_path: Path) -> None:
    """All noises of DDPMPipeline come from one generator, so the same noise is given to nevoa's steps one by one."""
    linear = {"schedule": "linear", "timesteps": 20, "prediction": "epsilon", "scale_ends": True}
    model = small_model(PLAIN, diffusion=linear, sampling={"sampler": "ddpm", "variance": "large"})
    assert export(model, tmp_path / "m") == "DDPMPipeline"
    assert not list(tmp_path.rglob("*.py"))
    from diffusers.pipelines.ddpm.pipeline_ddpm import DDPMPipeline

    pipeline: Any = DDPMPipeline.from_pretrained(tmp_path / "m", low_cpu_mem_usage=False)
    pipeline.set_progress_bar_config(disable=True)
    options: Any = {"batch_size": 2, "num_inference_steps": 20, "output_type": "np"}
    theirs = pipeline(generator=torch.Generator().manual_seed(5), **options).images
    assert abs(_with_noise_of(torch.Generator().manual_seed(5), model) - theirs).max() < 1 / 255


def test_a_guide_is_turned_off_in_the_pipeline_or_left_out_of_it(tmp_path: Path) -> None:
    model = small_model(FOLDED, sampling=SOLVER | {"autoguidance": 1.7}, guided=True)
    noise, alone = starting_noise(model, 2), model.sample(2, autoguidance=1).astype(int)
    assert abs(model.sample(2) - alone).max() > 20
    export(model, tmp_path / "both")
    export(model, tmp_path / "one", autoguidance=1)
    assert (tmp_path / "both/guide").is_dir()
    assert not (tmp_path / "one/guide").exists()
    off = pipeline_of(tmp_path / "both")(noise=noise, output_type="uint8", autoguidance=1).images
    assert abs(off - alone).max() <= 1
    one = pipeline_of(tmp_path / "one")
    assert abs(one(noise=noise, output_type="uint8").images - alone).max() <= 1
    with pytest.raises(ValueError, match="has no guide"):
        one(noise=noise, autoguidance=2)


def test_a_plain_model_that_predicts_flow_is_no_ddpm_pipeline(tmp_path: Path) -> None:
    model = small_model(PLAIN, diffusion={"prediction": "flow"}, sampling={"sampler": "ddpm"})
    assert export(model, tmp_path / "m") == "NevoaPipeline"


def _with_noise_of(generator: torch.Generator, model: Model) -> np.ndarray:
    from nevoa.sampling import as_sampler, timestep_grid, trajectory

    def noise() -> torch.Tensor:
        return torch.randn(2, *model.shape, generator=generator)

    settings = model.settings()
    sampler = as_sampler(settings.sampler, settings.variance)
    *_, end = trajectory(model.denoiser(settings.clip), sampler, noise(), timestep_grid(model.schedule, 20), noise)
    return ((end.x_t + 1) / 2).clamp(0, 1).permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("name", [name for name in MODELS if "padded" not in name])
def test_network_outputs_agree(name: str) -> None:
    model = small_model(**MODELS[name])
    unet, patch = unet_of(model), getattr(model.plan.network, "patch", 1)
    t = torch.tensor([1, 2, 25, 50])
    x_t, label = starting_noise(model, 4), torch.tensor([0, 1, 2, 3]) if model.classes else None
    with torch.no_grad():
        ours = model.network(x_t, t) if label is None else model.network(x_t, t, label)
        folded = torch.nn.functional.pixel_unshuffle(x_t, patch)
        theirs = torch.nn.functional.pixel_shuffle(unet(folded, t - 1, label).sample, patch)
    assert (ours - theirs).abs().max() < 1e-5 * max(1, float(ours.abs().max()))


@pytest.mark.slow
def test_the_folder_needs_no_nevoa(tmp_path: Path) -> None:
    """Another process, in which nevoa cannot be imported, makes images."""
    export(small_model(FOLDED, classes=CLASSES, sampling=SOLVER), tmp_path / "m")
    code = (
        "import sys; sys.modules['nevoa'] = None\n"
        "from diffusers import DiffusionPipeline\n"
        f"pipeline = DiffusionPipeline.from_pretrained({str(tmp_path / 'm')!r}, trust_remote_code=True)\n"
        "print(len(pipeline(class_labels=[0, 1], num_inference_steps=2).images))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "2"


def test_the_schedule_has_its_name_where_there_is_one(tmp_path: Path) -> None:
    for schedule, name in (("linear", "linear"), ("quadratic", "scaled_linear"), ("cosine", None)):
        model = small_model(diffusion={"schedule": schedule, "timesteps": 1000}, sampling=SOLVER)
        export(model, tmp_path / schedule)
        written = json.loads((tmp_path / schedule / "scheduler" / "scheduler_config.json").read_text())
        assert (written["trained_betas"] is None) == (name is not None)
        assert name in (None, written["beta_schedule"])


class Mine(torch.nn.Conv2d):
    def __init__(self) -> None:
        super().__init__(3, 3, 1)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"network": {"kind": "unet", "dim": 12}}, "A network of kind 'unet' is not a UNet2DModel"),
        ({"network": PLAIN | {"dim": 24, "multipliers": [1, 3], "groups": 32}}, r"group norms of this network have \["),
        ({"sampling": {"sampler": "heun"}}, "add --sampler dpm_solver"),
        ({"sampling": {"sampler": "ddim", "eta": 0.5}}, "add --eta 0"),
        ({"sampling": {"sampler": "ddpm"}, "diffusion": FLOW}, "add --sampler dpm_solver"),
    ],
)
def test_what_diffusers_cannot_do_is_refused(change: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(NevoaError, match=sentence):
        options: Any = {"sampling": SOLVER} | change
        export(small_model(**options), tmp_path / "m")
    assert not (tmp_path / "m").exists()
