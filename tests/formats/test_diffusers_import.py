"""Pipelines that diffusers itself has made open as models."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import nevoa
from nevoa.commands.load import load
from nevoa.errors import NevoaError
from nevoa.formats.diffusers.export import export
from nevoa.model import Model
from nevoa.networks import build_network
from nevoa.training.start import start_weights, starting_from
from tests.formats.small_models import CLASSES, FOLDED, PLAIN, small_model

UNET: dict[str, Any] = {
    "sample_size": 16,
    "block_out_channels": (8, 16),
    "layers_per_block": 1,
    "norm_num_groups": 2,
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
    "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
}
T = 1000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A DDPMPipeline with random weights, as from google/ddpm-*."""
    from diffusers.models.unets.unet_2d import UNet2DModel
    from diffusers.pipelines.ddpm.pipeline_ddpm import DDPMPipeline
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

    torch.manual_seed(0)
    DDPMPipeline(UNet2DModel(**UNET), DDPMScheduler(num_train_timesteps=T)).save_pretrained(tmp_path / "theirs")
    return tmp_path / "theirs"


def test_it_is_a_model_like_any_other(folder: Path) -> None:
    model = nevoa.load(folder)
    assert model.shape == (3, 16, 16)
    assert (model.plan.diffusion.schedule, model.plan.diffusion.prediction) == ("linear", "epsilon")
    assert model.sample(2, sampler="dpm_solver", steps=3).shape == (2, 16, 16, 3)
    assert len(list(model.trajectory(2, sampler="heun", steps=3))) == 4


@pytest.mark.slow
def test_ddpm_sampling_is_that_of_the_pipeline(folder: Path) -> None:
    """From the same noise, in all T steps."""
    from diffusers.pipelines.ddpm.pipeline_ddpm import DDPMPipeline

    from nevoa.sampling import DDPM, timestep_grid, trajectory

    pipeline: Any = DDPMPipeline.from_pretrained(folder, low_cpu_mem_usage=False)
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(batch_size=1, generator=torch.Generator().manual_seed(3), output_type="np").images
    model, generator = load(folder), torch.Generator().manual_seed(3)

    def noise() -> torch.Tensor:
        return torch.randn(1, *model.shape, generator=generator)

    *_, end = trajectory(model.denoiser(clip=True), DDPM(), noise(), timestep_grid(model.schedule, T), noise)
    ours = ((end.x_t + 1) / 2).clamp(0, 1).permute(0, 2, 3, 1).numpy()
    assert ours.std() > 0.05
    assert abs(ours - theirs).max() < 1 / 255


@pytest.mark.parametrize(
    "scheduler", ["DDPMScheduler", "DDIMScheduler", "PNDMScheduler", "DPMSolverMultistepScheduler"]
)
@pytest.mark.parametrize(("name", "ours"), [("linear", "linear"), ("scaled_linear", "quadratic")])
def test_schedules_are_recognised(folder: Path, scheduler: str, name: str, ours: str) -> None:
    import diffusers

    made = getattr(diffusers, scheduler)(beta_schedule=name, beta_start=1e-4, beta_end=0.02)
    made.save_pretrained(folder / "scheduler")
    assert load(folder).plan.diffusion.schedule == ours


@pytest.mark.parametrize("scheduler", ["FlowMatchEulerDiscreteScheduler", "CMStochasticIterativeScheduler"])
def test_another_process_is_refused(folder: Path, scheduler: str) -> None:
    """It has no betas, and those by default would make noise of its images."""
    import diffusers

    getattr(diffusers, scheduler)().save_pretrained(folder / "scheduler")
    with pytest.raises(NevoaError, match="The schedule of this model is not one that nevoa knows"):
        load(folder)


def test_classes_without_names_are_refused(folder: Path) -> None:
    from diffusers.models.unets.unet_2d import UNet2DModel

    UNet2DModel(**UNET, num_class_embeds=3).save_pretrained(folder / "unet")
    with pytest.raises(NevoaError, match="has classes, but the index does not name them"):
        load(folder)


def test_a_schedule_that_is_only_tried_warns_of_nothing(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    export(small_model(FOLDED, diffusion={"schedule": "cosine", "timesteps": 100}), tmp_path / "m")
    recwarn.clear()
    assert load(tmp_path / "m").plan.diffusion.schedule == "cosine"
    assert [warning for warning in recwarn if "schedule" in str(warning.message)] == []


def test_few_ancestral_steps_come_back(tmp_path: Path) -> None:
    model = small_model(PLAIN, sampling={"sampler": "ddpm", "steps": 10, "spacing": "trailing"})
    assert export(model, tmp_path / "m") == "NevoaPipeline"
    assert load(tmp_path / "m").plan.sampling.steps == 10


def test_import_then_export_is_bit_equal(folder: Path, tmp_path: Path) -> None:
    assert export(load(folder), tmp_path / "again") == "DDPMPipeline"
    weights = Path("unet/diffusion_pytorch_model.safetensors")
    assert (folder / weights).read_bytes() == (tmp_path / "again" / weights).read_bytes()
    assert (
        json.loads((folder / "unet/config.json").read_text()).items()
        >= {
            key: value
            for key, value in json.loads((tmp_path / "again/unet/config.json").read_text()).items()
            if key != "_name_or_path"
        }.items()
    )


@pytest.mark.parametrize("prediction", ["v", "flow"])
def test_export_then_import_then_export_is_bit_equal(prediction: str, tmp_path: Path) -> None:
    options = {"sampler": "dpm_solver", "steps": 7, "spacing": "karras", "guidance": 1.5}
    model = small_model(FOLDED, classes=CLASSES, diffusion={"prediction": prediction}, sampling=options)
    export(model, tmp_path / "a")
    again = load(tmp_path / "a")
    assert (again.classes, again.shape, again.plan.sampling) == (model.classes, model.shape, model.plan.sampling)
    assert (again.plan.diffusion, again.parameters) == (model.plan.diffusion, _count(tmp_path / "a"))
    assert abs(again.sample(3).astype(int) - model.sample(3).astype(int)).max() <= 1
    export(again, tmp_path / "b")
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert len(files) == 5
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)


def test_a_guide_comes_back(tmp_path: Path) -> None:
    sampling = {"sampler": "dpm_solver", "steps": 7, "spacing": "karras", "autoguidance": 1.7}
    model = small_model(FOLDED, sampling=sampling, guided=True)
    export(model, tmp_path / "m")
    again = load(tmp_path / "m")
    for weight in (None, 1):
        found, expected = (one.sample(3, autoguidance=weight).astype(int) for one in (again, model))
        assert abs(found - expected).max() <= 1


def _count(folder: Path) -> int:
    from safetensors.torch import load_file

    return sum(tensor.numel() for tensor in load_file(folder / "unet/diffusion_pytorch_model.safetensors").values())


def test_an_old_repository_keeps_the_files_beside_the_index(folder: Path) -> None:
    for path in [*(folder / "unet").iterdir(), *(folder / "scheduler").iterdir()]:
        path.rename(folder / path.name)
    (folder / "unet").rmdir()
    (folder / "scheduler").rmdir()
    assert load(folder).shape == (3, 16, 16)


def test_tensors_of_older_versions_are_renamed(folder: Path) -> None:
    """Those of google/ddpm-* have the names that attention had then."""
    from safetensors.torch import load_file, save_file

    path, expected = folder / "unet" / "diffusion_pytorch_model.safetensors", load(folder).sample(1, steps=2)
    names = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    tensors = {
        re.sub("to_(q|k|v|out.0)", lambda new: names[new[0]], name): one for name, one in load_file(path).items()
    }
    assert sum("proj_attn" in name for name in tensors) == 8
    save_file(tensors, path)
    assert (load(folder).sample(1, steps=2) == expected).all()


def _changed(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_what_is_no_such_pipeline_is_refused(folder: Path) -> None:
    weights, index = folder / "unet/diffusion_pytorch_model.safetensors", folder / "model_index.json"
    scheduler, unet = folder / "scheduler/scheduler_config.json", folder / "unet/config.json"
    damages = [
        (lambda: weights.rename(weights.with_suffix(".bin")), "opens no pickle"),
        (lambda: weights.write_bytes(weights.read_bytes()[:1000]), "damaged"),
        (lambda: _changed(index, vae=["diffusers", "AutoencoderKL"]), "add --prompt"),
        (lambda: _changed(index, unet=["diffusers", "UNet2DConditionModel"]), "add --prompt"),
        (lambda: _changed(scheduler, beta_start=0.003), "schedule of this model is not one that nevoa knows"),
        (lambda: _changed(scheduler, variance_type="learned_range"), "predicts its variance"),
        (lambda: _changed(unet, sample_size=None), "does not say its sample_size"),
        (lambda: _changed(unet, layers_per_block=3), "does not fit the config"),
        (lambda: _changed(unet, layers_per_block=10**18), "64 at most"),
        (lambda: _changed(unet, block_out_channels=[8, 100_000_000]), "does not fit the config|describes no network"),
        (lambda: index.write_text("{"), "model_index.json"),
    ]
    whole = {path: path.read_bytes() for path in folder.rglob("*.*")}
    for damage, sentence in damages:
        damage()
        with pytest.raises(NevoaError, match=sentence):
            load(folder)
        for path, content in whole.items():
            path.write_bytes(content)
    assert load(folder).sample(1, steps=2, sampler="ddim").shape == (1, 16, 16, 3)


def test_one_fine_tuning_step_is_a_training_step_of_diffusers(folder: Path) -> None:
    """Written by hand with diffusers' scheduler and torch's Adam, with the timesteps and noise that nevoa draws."""
    from diffusers.models.unets.unet_2d import UNet2DModel
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

    from nevoa.data import Batches, to_unit
    from nevoa.training import Wish, prepare
    from nevoa.training.noise import TrainingNoise, uniform

    pixels = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
    options = ["training.batch_size=4", "training.precision=float32", "training.warmup_images=0", "training.threads=1"]
    start = load(folder)
    config = nevoa.configure("object:images", start=starting_from(start), steps=1, augment="none", options=options)
    images = nevoa.data.load_images(pixels)
    (step,) = nevoa.fit(config, images=images, start=start)
    job = prepare(config, images, Wish(start=start))

    unet = UNet2DModel.from_pretrained(folder / "unet", low_cpu_mem_usage=False)
    assert isinstance(unet, UNet2DModel)
    scheduler: Any = DDPMScheduler.from_pretrained(folder / "scheduler")
    optimizer = torch.optim.Adam(unet.parameters())
    x_0 = to_unit(Batches(job.images, 0).take(0, 4).images)
    t, epsilon = TrainingNoise(0, uniform(T), (3, 16, 16), 0.1).take(0, 4)
    prediction = unet(scheduler.add_noise(x_0, epsilon, t - 1), t - 1).sample
    loss = torch.nn.functional.mse_loss(prediction, epsilon)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
    optimizer.param_groups[0]["lr"] = step.learning_rate
    optimizer.step()
    assert step.loss == pytest.approx(loss.item(), rel=1e-5)
    for (name, ours), theirs in zip(step.model.network.named_parameters(), unet.parameters(), strict=True):
        # the average after the first update is nine tenths of the new weights
        assert name
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0.11 * step.learning_rate)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["ours", "theirs"])
def test_an_added_class_starts_as_the_model_without_classes(source: str, folder: Path) -> None:
    model = load(folder) if source == "theirs" else small_model(PLAIN)
    _same_prediction(model, ("cat", "dog"), {0: None, 1: None, 2: None})


def test_known_classes_stay_and_a_dropped_condition_is_the_null_label() -> None:
    model = small_model(PLAIN, classes=CLASSES)
    _same_prediction(model, ("horse", "dog"), {0: 3, 1: 1, 2: 3})
    _same_prediction(model, (), {None: 3})


def _same_prediction(model: Model, classes: tuple[str, ...], labels: dict[int | None, int | None]) -> None:
    network = build_network(model.plan.network, model.shape[0], len(classes)).eval()
    network.load_state_dict(start_weights(model, network, classes))
    x_t, t = torch.randn(1, *model.shape), torch.tensor([7])
    for ours, before in labels.items():
        old, new = ([] if label is None else [torch.tensor([label])] for label in (before, ours))
        with torch.no_grad():
            torch.testing.assert_close(network(x_t, t, *new), model.network(x_t, t, *old), rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_a_fine_tuned_run_stops_resumes_and_opens(folder: Path, tmp_path: Path) -> None:
    """Bit for bit, without the model that it started from."""
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
    labels = ["cat", "dog"] * 6
    options = ["training.batch_size=4", "training.checkpoint_every_images=8", "training.preview_every_images=1000"]

    def train(out: str, steps: int, **more: Any) -> Any:
        kept = {"options": [*options, "sampling.steps=2"], "progress": False, "labels": labels} | more
        return nevoa.train(pixels, out=tmp_path / out, start=load(folder), steps=steps, **kept)

    whole = train("whole", 4)
    steps = nevoa.fit(
        whole.config(), tmp_path / "cut", images=nevoa.data.as_image_set(pixels, labels), start=load(folder)
    )
    for _ in range(3):
        next(steps)
    steps.close()
    cut = nevoa.Run(tmp_path / "cut")
    for _ in nevoa.fit(cut.config(), tmp_path / "cut", images=nevoa.data.as_image_set(pixels, labels)):
        pass
    assert cut.weights_file.read_bytes() == whole.weights_file.read_bytes()
    model = whole.model()
    assert (model.classes, whole.plan().training.start) == (("cat", "dog"), str(folder))
    assert model.sample(2, steps=2, guidance=2).shape == (2, 16, 16, 3)


@pytest.mark.slow
def test_a_start_that_does_not_fit_or_is_missing_is_refused(folder: Path, tmp_path: Path) -> None:
    model = small_model(PLAIN)
    config = nevoa.configure("object:images", start=starting_from(model), steps=1)
    with pytest.raises(NevoaError, match=r"start must be a model, such as nevoa.load\('runs/a'\)"):
        nevoa.train(np.zeros((4, 16, 16, 3), np.uint8), start="runs/a", steps=1)  # pyright: ignore[reportArgumentType]
    with pytest.raises(NevoaError, match="give it as start"):
        nevoa.fit(config, images=np.zeros((4, 16, 16, 3), np.uint8))
    with pytest.raises(NevoaError, match="leave out the network's own settings"):
        nevoa.train(
            np.zeros((4, 16, 16, 3), np.uint8), start=model, steps=1, options="network.dim=16", out=tmp_path / "r"
        )
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("plan", [{"null_label": False}, {"distilled_from": "runs/teacher"}])
def test_a_network_that_cannot_be_guided_by_a_class_is_not(plan: dict[str, Any], tmp_path: Path) -> None:
    """Neither by nevoa nor in diffusers: an embedding was never trained, or the steps do not add up to guidance."""
    from diffusers.pipelines.pipeline_utils import DiffusionPipeline

    model = small_model(FOLDED, classes=CLASSES, sampling={"steps": 2})
    export(replace(model, plan=model.plan.model_copy(update=plan)), tmp_path / "m")
    found = load(tmp_path / "m", "cpu")
    assert not found.plan.works_without_condition
    assert abs(found.sample(3).astype(int) - model.sample(3)).max() <= 1
    with pytest.raises(NevoaError, match="this one never was"):
        found.sample(1, guidance=2)
    pipeline: Any = DiffusionPipeline.from_pretrained(tmp_path / "m", trust_remote_code=True, low_cpu_mem_usage=False)
    pipeline(guidance_scale=1)
    with pytest.raises(ValueError, match="takes no guidance"):
        pipeline(guidance_scale=2)
