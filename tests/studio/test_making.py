"""Images of the page are those of the model, with the states on the way."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from gradio.data_classes import ImageData
from PIL import Image

import nevoa
from nevoa.config.condition import TextPlan
from nevoa.errors import NevoaError
from nevoa.networks import fresh_network
from nevoa.runs import PACKAGED as PACKAGED_RUN
from nevoa.runs import Run, packaged_names
from nevoa.studio import making
from nevoa.studio.controls import Page
from nevoa.studio.make_tab import Form, started
from nevoa.studio.making import FORMATS, MOST_IMAGES, PACKAGED, Made, make, opened
from nevoa.studio.page import page
from nevoa.studio.texts import texts
from nevoa.studio.weights import MOST_KINDS
from nevoa.studio.workspace import Workspace
from tests.formats.small_models import small_model

OPTIONS = {"steps": 4, "labels": ["Bag"], "sampler": "", "guidance": None}


@pytest.fixture(scope="module")
def model() -> nevoa.Model:
    """The packaged model's network, but narrow and without training."""
    packaged = nevoa.load(device="cpu")
    plan = packaged.plan.model_copy(update={"network": packaged.plan.network.model_copy(update={"dim": 8})})
    network = fresh_network(plan.network, packaged.shape[0], len(plan.classes), seed=0)
    return replace(packaged, plan=plan, network=network.eval())


def test_the_page_makes_what_the_model_makes(model: nevoa.Model) -> None:
    *before, made = make(model, 2, 3, OPTIONS)
    wanted = model.sample(2, seed=3, steps=4, labels=["Bag"])
    assert np.array_equal(made.states[-1], wanted)
    assert made.classes == ["Bag"]
    assert [len(one.states) for one in (*before, made)] == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_a_long_way_keeps_its_ends_and_few_states(model: nevoa.Model) -> None:
    *_, made = make(model, 1, 0, {"sampler": "ddim", "steps": 100})
    assert len(made.states) == 60
    assert np.array_equal(made.states[-1], model.sample(1, sampler="ddim", steps=100))


@pytest.mark.parametrize("count", [0, MOST_IMAGES + 1])
def test_too_many_images_are_refused(model: nevoa.Model, count: int) -> None:
    with pytest.raises(NevoaError, match="at once"):
        next(make(model, count, 0, {}))


def test_large_images_are_made_in_small_numbers(model: nevoa.Model) -> None:
    """Together they would take the memory of many batches."""
    large = replace(model, shape=(1, 512, 512))
    with pytest.raises(NevoaError, match="at once"):
        next(make(large, large.images_at_once + 1, 0, {}))


def test_all_formats_are_saved(tmp_path: Path) -> None:
    states = [np.full((4, 8, 8, 1), value, np.uint8) for value in (0, 100, 200)]
    made = Made(states, ["a", "b"])
    for kind in FORMATS:
        made.save(tmp_path / f"images.{kind}")
    assert np.array_equal(np.load(tmp_path / "images.npy"), states[-1])
    assert Image.open(tmp_path / "images.gif").n_frames == 3  # pyright: ignore[reportAttributeAccessIssue]
    assert Image.open(tmp_path / "images.png").size == made.picture().size
    assert (tmp_path / "images.mp4").stat().st_size > 100


@pytest.mark.slow
def test_a_model_is_opened_once_and_again_when_it_has_changed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert opened(workspace, PACKAGED) is opened(workspace, PACKAGED)
    run = nevoa.Run(workspace.runs / "copy")
    run.publish_model(nevoa.load(device="cpu"))
    first = opened(workspace, "copy")
    assert opened(workspace, "copy") is first
    run.publish_model(nevoa.load(device="cpu"))
    assert opened(workspace, "copy") is not first


def test_a_model_that_is_named_by_its_path_is_opened_again_when_it_has_changed(tmp_path: Path) -> None:
    workspace, run = Workspace(tmp_path), Run(tmp_path / "runs/mine")
    run.publish_model(small_model(network={"kind": "unet", "dim": 8}, shape=(1, 8, 8)))
    first = opened(workspace, "runs/mine")
    assert opened(workspace, "runs/mine") is first
    os.utime(run.weights_file, (1, 1))
    assert opened(workspace, "runs/mine") is not first


def test_runs_that_do_not_open_are_offered_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path)
    with gr.Blocks() as blocks:
        form = Form(Page(blocks, workspace, texts("en")))
    broken = workspace.runs / "broken/model"
    broken.mkdir(parents=True)
    for name in ("model.safetensors", "config.json"):
        (broken / name).write_text("?")
    choices, newest, *_ = form.models(PACKAGED, "")
    assert newest == "broken" and "broken" in choices["choices"] and "value" not in choices


def test_a_path_is_one_in_the_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, model = list[str](), nevoa.load(device="cpu")
    monkeypatch.setattr(making, "load", lambda place: asked.append(place) or model)
    for name in ("exports/cats", "hf:me/cats", "/elsewhere/cats"):
        opened(Workspace(tmp_path), name)
    assert asked == [str(tmp_path / "exports/cats"), "hf:me/cats", "/elsewhere/cats"]


@pytest.mark.slow
def test_images_are_the_start_of_others(model: nevoa.Model) -> None:
    picture = Image.new("RGB", (40, 40), "gray")
    layer = Image.new("RGBA", (40, 40))
    layer.paste("red", (0, 0, 20, 40))
    painted = {"background": picture, "layers": [layer], "composite": picture}
    ways = {"vary": 2, "inpaint": 2, "interpolate": 3}
    for way, count in ways.items():
        start = started(model, way, picture, picture, 0.5, painted, count)
        *_, made = make(start, count, 0, {})
        assert made.states[-1].shape == (count, 28, 28, 1)
    *_, made = make(started(model, "inpaint", None, None, 0.5, painted, 1), 1, 0, {})
    kept = made.states[-1][0, :, 15:, 0].astype(int)
    assert abs(kept - 128).max() <= 2


@pytest.mark.filterwarnings("ignore:No caption that the model has learned from")
def test_a_picture_is_changed_as_a_prompt_says() -> None:
    model, picture = small_model(conditions={"text": TextPlan().model_dump()}), Image.new("RGB", (16, 16), "gray")
    painted = {"background": picture, "layers": [Image.new("RGBA", (16, 16), "red")]}
    asked = {"prompt": ["cat"], "steps": 1, "guidance": 2.0}
    for way, edited in (
        ("vary", nevoa.variations(model, picture, 0.5)),
        ("inpaint", nevoa.inpainting(model, picture, np.ones((16, 16), bool))),
    ):
        *_, made = make(started(model, way, picture, None, 0.5, painted, 2), 2, 3, asked)
        assert np.array_equal(made.states[-1], edited.sample(2, seed=3, prompt="cat", steps=1, guidance=2.0))
        assert not np.array_equal(made.states[-1], edited.sample(2, seed=3, steps=1))


@pytest.mark.parametrize("way", ["vary", "inpaint", "interpolate"])
def test_a_missing_picture_is_a_sentence(model: nevoa.Model, way: str) -> None:
    with pytest.raises(NevoaError, match="no image to start from"):
        started(model, way, None, None, 0.5, None, 2)


def test_a_picture_keeps_its_transparency_and_its_depth(tmp_path: Path) -> None:
    with gr.Blocks() as blocks:
        upload = Page(blocks, Workspace(tmp_path), texts("en")).upload("own_picture")
    for mode in ("RGBA", "I;16", "L"):
        Image.new(mode, (4, 4)).save(tmp_path / "x.png")
        found = upload.preprocess(ImageData(path=str(tmp_path / "x.png")))
        assert isinstance(found, Image.Image)
        assert found.mode == mode


def test_an_image_of_floats_is_a_sentence(model: nevoa.Model) -> None:
    with pytest.raises(NevoaError, match="its pixels are floats; save it with 8 or 16 bits"):
        started(model, "vary", Image.new("F", (4, 4)), None, 0.5, None, 1)


@pytest.mark.slow
@pytest.mark.parametrize("guided", [True, False])
def test_the_page_begins_with_the_guidance_of_a_run(tmp_path: Path, guided: bool) -> None:
    workspace, run = Workspace(tmp_path), nevoa.Run(tmp_path / "runs" / "strict")
    packaged = nevoa.load(device="cpu")
    asked, plan = nevoa.Run(PACKAGED_RUN).config(), nevoa.Run(PACKAGED_RUN).plan()
    own = {"guidance": 2.5, "autoguidance": 1.4 if guided else 1.0}
    strict = plan.model_copy(update={"sampling": plan.sampling.model_copy(update=own)})
    run.publish_model(replace(packaged, plan=strict, guide=packaged.network if guided else None))
    run.write(asked, strict)
    functions: dict[str, Any] = {one.name: one.fn for one in page(workspace, "en").fns.values() if one.name}
    labels, prompt, *rest = functions["follow_model"]("strict")
    guidance, kinds, *_, autoguidance = rest[-MOST_KINDS - 3 :]
    assert (labels["visible"], prompt["visible"]) == (True, False)
    assert (guidance["value"], kinds["visible"]) == (2.5, False)
    assert (autoguidance["value"], autoguidance["visible"]) == (own["autoguidance"], guided)


def test_prompts_come_in_turn_and_name_the_images() -> None:
    model = small_model(conditions={"text": TextPlan().model_dump()})
    with pytest.warns(UserWarning, match="has these words: cat"):
        *_, made = make(model, 4, 3, {"prompt": ["cat", "dog"], "labels": [], "steps": 2, "guidance": 2.0})
        wanted = model.sample(4, seed=3, steps=2, prompt=["cat", "dog"], guidance=2.0)
    assert made.classes == ["cat", "dog"]
    assert np.array_equal(made.states[-1], wanted)


def test_models_that_are_made_to_start_from_are_not_offered() -> None:
    assert {"avatars", "emoji"} <= {*making.OTHERS} <= {*packaged_names()} - {"drawings32", "drawings64"}
