"""Text-to-image pipelines of diffusers make the images that diffusers makes."""

import json
import shutil
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from nevoa.cli.main import app
from nevoa.commands.batches import sampled
from nevoa.data import hub, to_bytes
from nevoa.errors import NevoaError
from nevoa.formats.diffusers import text_to_image
from nevoa.formats.diffusers.text_to_image import PATTERNS, TextToImage, open_text_to_image
from tests.formats.small_models import small_model
from tests.formats.small_text_to_image import small_text_to_image

PROMPT, STEPS = "um gato", 4
SCHEDULERS = ("PNDMScheduler", "DDIMScheduler", "HeunDiscreteScheduler", "EulerDiscreteScheduler", "DDPMScheduler")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_text_to_image(tmp_path_factory.mktemp("text_to_image"))


@pytest.fixture
def model(folder: Path) -> TextToImage:
    return open_text_to_image(str(folder), PROMPT)


def with_scheduler(model: TextToImage, name: str) -> TextToImage:
    import diffusers

    model.pipeline.scheduler = getattr(diffusers, name).from_config(model.pipeline.scheduler.config)
    return model


def images_of(model: TextToImage, count: int, **options: Any) -> np.ndarray:
    settings: dict[str, Any] = {"steps": STEPS, "seed": 3} | options
    batches = sampled(model, count, 1, settings["steps"], settings)
    return np.concatenate([images for (images,) in batches])


def noise(number: int = 0) -> torch.Generator:
    return text_to_image.noise_of_image(3, number)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_the_images_are_those_of_the_pipeline(scheduler: str, model: TextToImage) -> None:
    ours = images_of(with_scheduler(model, scheduler), 2, guidance=3.0)
    theirs = model.pipeline(
        [PROMPT] * 2, num_inference_steps=STEPS, guidance_scale=3.0, generator=[noise(0), noise(1)], output_type="np"
    ).images
    assert ours.std() > 20
    np.testing.assert_array_equal(ours, (theirs * 255).round().astype(np.uint8))


def test_guidance_and_size_are_those_asked_for(folder: Path, model: TextToImage) -> None:
    wide = open_text_to_image(str(folder), PROMPT, (16, 32))
    assert (model.shape, wide.shape) == ((3, 16, 16), (3, 16, 32))
    assert images_of(wide, 1).shape == (1, 16, 32, 3)
    usual, none = images_of(model, 1), images_of(model, 1, guidance=1.0)
    np.testing.assert_array_equal(usual, images_of(model, 1, guidance=7.5))
    assert (usual != none).any()


def test_what_images_do_not_show_is_the_negative_prompt_of_the_pipeline(model: TextToImage) -> None:
    ours = images_of(replace(model, unwanted="azul"), 1)
    theirs = model.pipeline(
        PROMPT, negative_prompt="azul", num_inference_steps=STEPS, generator=[noise()], output_type="np"
    ).images
    np.testing.assert_array_equal(ours, (theirs * 255).round().astype(np.uint8))
    assert (ours != images_of(model, 1)).any()


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_the_states_lead_from_decoded_noise_to_the_image(scheduler: str, model: TextToImage) -> None:
    """PNDM takes one call more than steps, and Heun two calls in a step."""
    vae = with_scheduler(model, scheduler).pipeline.vae
    (states,) = model.trajectories(1, seed=3, steps=STEPS)
    found = [state.x_t for state in states]
    assert len(found) == STEPS + 1
    model.pipeline.scheduler.set_timesteps(STEPS)
    start = torch.randn(1, 4, 8, 8, generator=noise()) * model.pipeline.scheduler.init_noise_sigma
    with torch.no_grad():
        decoded = vae.decode(start / vae.config.scaling_factor).sample.clamp(-1, 1)
    torch.testing.assert_close(found[0], decoded)
    np.testing.assert_array_equal(to_bytes(found[-1]), images_of(model, 1))


def test_the_states_between_are_those_that_the_pipeline_reports(model: TextToImage) -> None:
    reported: list[torch.Tensor] = []

    def report(pipeline: Any, step: int, t: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        reported.append(pipeline.vae.decode(tensors["latents"] / pipeline.vae.config.scaling_factor).sample)
        return tensors

    pipeline = with_scheduler(model, "DDIMScheduler").pipeline
    pipeline(PROMPT, num_inference_steps=STEPS, generator=noise(), callback_on_step_end=report)
    (states,) = model.trajectories(1, seed=3, steps=STEPS)
    for theirs, state in zip(reported, list(states)[1:], strict=True):
        torch.testing.assert_close(state.x_t, theirs.clamp(-1, 1))


@pytest.mark.parametrize(
    ("calls", "taken"), [(4, [0, 1, 2, 3]), (5, [0, 2, 3, 4]), (7, [0, 2, 4, 6]), (3, [0, 1, 2, 2]), (1, [0, 0, 0, 0])]
)
def test_states_are_those_after_whole_steps_whatever_the_scheduler_calls(calls: int, taken: list[int]) -> None:
    """As many calls as steps; one more (PNDM); two in each step but the last (Heun); fewer."""
    assert text_to_image.calls_of_states(4, calls) == taken


@pytest.mark.parametrize(("moments", "decoded"), [(1, 1), (3, 3)])
def test_only_states_that_are_asked_for_are_decoded(
    moments: int, decoded: int, model: TextToImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, decode = [], model.pipeline.vae.decode
    monkeypatch.setattr(model.pipeline.vae, "decode", lambda *args, **named: made.append(1) or decode(*args, **named))
    list(sampled(model, 1, moments, STEPS, {"steps": STEPS}))
    assert len(made) == decoded


def test_image_n_is_the_same_whatever_the_count(model: TextToImage, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = images_of(model, 3)
    monkeypatch.setattr(text_to_image, "PIXELS_AT_ONCE", 2 * 16 * 16)
    assert model.images_at_once == 2
    # Matrix products of another batch round differently.
    for part in (images_of(model, 3), images_of(model, 2), images_of(model, 1)):
        assert abs(part.astype(int) - whole[: len(part)]).max() <= 1
    assert len({image.tobytes() for image in whole}) == 3
    assert (images_of(model, 1, seed=4) != whole[:1]).any()


def test_a_run_that_is_left_changes_nothing(model: TextToImage) -> None:
    before, own = threading.active_count(), model.pipeline.scheduler
    state, config = dict(vars(own)), dict(model.pipeline.config)
    (states,) = model.trajectories(1, steps=STEPS)
    assert next(states).x_t.shape == (1, 3, 16, 16)
    states.close()
    assert (threading.active_count(), model.pipeline.scheduler) == (before, own)
    assert vars(own).keys() == state.keys()
    assert dict(model.pipeline.config) == config


@pytest.fixture
def typed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`nevoa sample` in a folder of its own, with the model in `model`."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folder, "model")

    def run(*options: str) -> Any:
        return app(["sample", *options], exit_on_error=False, print_error=False, result_action="return_value")

    return run


@pytest.mark.slow
def test_the_command_writes_images_a_trajectory_and_an_animation(
    typed: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    model = ("model", "--prompt", PROMPT, "--steps", "4", "--guidance", "2")
    typed(*model)
    assert capsys.readouterr().out == "1 image, PNDMScheduler, 4 steps: images.png\n"
    typed(*model, "--count", "2", "--seed", "3", "--size", "16x24", "--out", "x.npy")
    typed(*model, "--trajectory", "3", "--out", "row.png")
    typed(*model, "--out", "x.gif")
    assert np.load("x.npy").shape == (2, 16, 24, 3)
    row, image = Image.open("row.png"), Image.open("images.png")
    assert row.width > 2 * row.height
    assert image.width == image.height
    assert getattr(Image.open("x.gif"), "n_frames", 1) > 1


REFUSED = [
    (["model"], "add --prompt"),
    (["--prompt", "x"], "takes no prompts: name a model that does, as in 'nevoa sample emoji'"),
    (["model", "--size", "16"], "--size is for text-to-image pipelines, which need --prompt"),
    (["model", "--prompt", "x", "--class", "3"], "--class does not apply"),
    (["model", "--prompt", "x", "--tags", "y"], "asked by its prompt alone: leave out --tags, --number, --picture and"),
    (["model", "--prompt", "x", "--picture", "y.png"], "asked by its prompt alone"),
    (["model", "--prompt", "x", "--sampler", "ddim"], "sampler is not an option of a text-to-image pipeline"),
    (["model", "--prompt", "x", "--no-clip"], "clip is not an option of a text-to-image pipeline"),
    (["model", "--prompt", "x", "--not", "y", "--guidance", "1"], "--not needs a guidance above 1, and .* is 1: add"),
    (["model", "--prompt", "x", "--guidance", "text=3"], "guidance: Input should be a valid number"),
    (
        ["model", "--prompt", "x", "--blend", "x", "y"],
        "starts from noise: leave out --from, --inpaint, --interpolate and",
    ),
    (["model", "--prompt", "x", "--size", "17x33"], "multiples of 2, and 17x33 are not: choose --size 16x32"),
    (["model", "--prompt", "x", "--size", "0"], "multiples of 2"),
    (["model", "--prompt", "x", "--size", "20"], "divisible by 8 .*: change --prompt, --size"),
    (["model", "--prompt", "x", "--size", "3x"], "--size: Input should be a side or HEIGHTxWIDTH"),
    (["model", "--prompt", "x", "--steps", "0"], "steps must be a whole number from 1"),
    (["model", "--prompt", "x", "--guidance", "nan"], "guidance"),
    (["nowhere", "--prompt", "x"], "nowhere is not a run with a model"),
]


@pytest.mark.parametrize(("arguments", "sentence"), REFUSED)
def test_what_does_not_fit_is_explained(arguments: list[str], sentence: str, typed: Callable[..., Any]) -> None:
    with pytest.raises(NevoaError, match=sentence):
        typed(*arguments)
    assert [path.name for path in Path().iterdir()] == ["model"]


@pytest.mark.parametrize("part", ["unet/diffusion_pytorch_model", "text_encoder/model"])
def test_weights_in_pickle_are_not_opened(part: str, folder: Path, tmp_path: Path) -> None:
    pipeline = shutil.copytree(folder, tmp_path / "pipeline")
    weights = pipeline / f"{part}.safetensors"
    torch.save({}, weights.parent / ("pytorch_model.bin" if weights.stem == "model" else f"{weights.stem}.bin"))
    weights.unlink()
    with pytest.raises(NevoaError, match="opens no pickle"):
        open_text_to_image(str(pipeline), PROMPT)


def test_a_pipeline_with_its_own_code_or_without_a_prompt_is_refused(folder: Path, tmp_path: Path) -> None:
    from nevoa.formats.diffusers.export import export

    export(small_model(), tmp_path / "plain")
    export(small_model(sampling={"sampler": "dpm_solver"}), tmp_path / "nevoa")
    own = shutil.copytree(folder, tmp_path / "own")
    index = json.loads((own / "model_index.json").read_text())
    (own / "model_index.json").write_text(json.dumps(index | {"_class_name": ["own", "OwnPipeline"]}))
    (own / "own.py").write_text("raise SystemExit('this code ran')")
    for place in ("plain", "nevoa", "own"):
        with pytest.raises(NevoaError, match="takes no prompt: leave out --prompt"):
            open_text_to_image(str(tmp_path / place), PROMPT)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"unet": ["own", "UNet2DConditionModel"]}, "needs the library own, which nevoa does not import"),
        ({"_class_name": "utils"}, "takes no prompt"),
        ({"_class_name": "UNet2DModel"}, "takes no prompt"),
        ({"_class_name": "DiffusionPipeline"}, "takes no prompt"),
    ],
)
def test_an_index_names_nothing_but_parts_of_the_libraries(
    change: dict[str, Any], sentence: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own.py").write_text("raise SystemExit('this code ran')")
    index = shutil.copytree(folder, tmp_path / "changed") / "model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | change))
    with pytest.raises(NevoaError, match=sentence):
        open_text_to_image(str(index.parent), PROMPT)


def test_missing_packages_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(NevoaError, match=r"pip install 'nevoa\[diffusers\]'"):
        open_text_to_image(str(folder), PROMPT)


def test_images_that_are_not_finite_are_refused(model: TextToImage) -> None:
    torch.nn.init.constant_(model.pipeline.unet.conv_out.weight, float("nan"))
    with pytest.raises(NevoaError, match="NaN or infinite"):
        images_of(model, 1)


def test_a_repository_is_asked_for_its_kind_before_its_weights(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def download(place: str, patterns: Any) -> Path:
        asked.append(tuple(patterns))
        return folder if place == "hf:owner/text" else tmp_path

    monkeypatch.setattr(hub, "download", download)
    assert open_text_to_image("hf:owner/text", PROMPT).shape == (3, 16, 16)
    assert asked == [("model_index.json",), PATTERNS]
    with pytest.raises(NevoaError, match="hf:owner/other is not a folder of diffusers"):
        open_text_to_image("hf:owner/other", PROMPT)
    assert asked[2:] == [("model_index.json",)]


WANTED = [
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "text_encoder_2/model-00001-of-00002.safetensors",
    "text_encoder_2/model.safetensors.index.json",
    "tokenizer/merges.txt",
    "tokenizer/vocab.json",
    "tokenizer_2/spiece.model",
    "transformer/diffusion_pytorch_model-00001-of-00003.safetensors",
    "vae/diffusion_pytorch_model.safetensors",
]
UNWANTED = [
    "README.md",
    "pipeline.py",
    "v1-5-pruned-emaonly.ckpt",
    "v1-5-pruned-emaonly.safetensors",
    "text_encoder/model.fp16.safetensors",
    "text_encoder/model.fp16-00001-of-00002.safetensors",
    "text_encoder/pytorch_model.bin",
    "unet/diffusion_pytorch_model.bin",
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "unet/diffusion_pytorch_model.non_ema.safetensors",
    "unet/model.onnx",
    "vae/diffusion_pytorch_model.msgpack",
]


def test_a_download_holds_one_copy_of_the_weights_and_no_pickle() -> None:
    """Names as in the repositories of Stable Diffusion 1.5, XL and 3."""
    from huggingface_hub.utils import filter_repo_objects

    assert list(filter_repo_objects(WANTED + UNWANTED, allow_patterns=list(PATTERNS))) == WANTED


def test_guidance_is_refused_by_a_pipeline_that_has_none(model: TextToImage) -> None:
    class WithoutGuidance:
        scheduler = model.pipeline.scheduler

        def __call__(self, prompt: str, num_inference_steps: int = 50) -> None: ...

    with pytest.raises(NevoaError, match="A WithoutGuidance has no guidance: leave guidance out"):
        replace(model, pipeline=WithoutGuidance()).settings(guidance=2.0)
    with pytest.raises(
        NevoaError, match="A WithoutGuidance takes no negative prompt with its guidance: leave out --not"
    ):
        replace(model, pipeline=WithoutGuidance(), unwanted="azul").settings()
