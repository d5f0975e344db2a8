"""A run that trains adapters beside the weights of a model: it stops, resumes and opens as any other."""

import copy
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import nevoa
from nevoa._util.tensors import read_tensors
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.networks.adapters import PREFIX, Adapted
from nevoa.runs import Run, checkpoint
from nevoa.runs.check import check
from nevoa.training import Job, Wish, prepare, starting_from
from nevoa.training.forecast import Forecast
from tests.conftest import TINY
from tests.processes import together

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), dtype=np.uint8)
LABELS = ["a", "b"] * 10
# What would be measured is given, so that two runs are the same.
FIXED = "training.batch_size=4", "training.checkpoint_every_images=8", "training.preview_every_images=1000"
FIXED += "training.precision=float32", "training.preview_steps=2", "training.report_every_images=8"
FIXED += "training.warmup_images=0", "training.learning_rate=0.001"


def trained(start: Path | Model, out: Path, steps: int = 5, **more: Any) -> Run:
    model = start if isinstance(start, Model) else nevoa.load(start, "cpu")
    given = {"lora": 2, "labels": LABELS, "progress": False, "device": "cpu", "options": FIXED} | more
    return nevoa.train(PIXELS, out=out, start=model, steps=steps, **given)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without classes."""
    folder = tmp_path_factory.mktemp("start") / "first"
    options = [*TINY, "network.attention=[true]"]
    nevoa.train(PIXELS, out=folder, steps=2, options=options, progress=False, device="cpu")
    return folder


@pytest.fixture(scope="module")
def whole(start: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that was not interrupted."""
    return trained(start, tmp_path_factory.mktemp("whole") / "run")


def tensors(model: Model) -> dict[str, Tensor]:
    return dict(model.network.state_dict())


@pytest.mark.slow
def test_the_published_model_is_the_start_with_its_adapters_which_lie_apart(start: Path, whole: Run) -> None:
    """What peft makes of the files in model/lora is the model that the run has published."""
    from peft import PeftModel

    first, model = nevoa.load(start, "cpu"), whole.model("cpu")
    assert model.classes == ("a", "b")
    network = model.network.requires_grad_(False)
    base = type(network)(1, classes=2, **model.plan.network.model_dump(exclude={"kind"})).eval()
    embedding = {"time.labels.weight": torch.zeros_like(base.state_dict()["time.labels.weight"])}
    base.load_state_dict(tensors(first) | embedding)
    theirs: Any = PeftModel.from_pretrained(base, str(whole.adapters_file.parent)).merge_and_unload()
    torch.testing.assert_close(theirs.state_dict(), tensors(model), rtol=1e-5, atol=1e-6)
    config = json.loads(whole.adapters_config_file.read_text())
    assert (config["r"], config["base_model_name_or_path"]) == (2, str(start))
    assert model.sample(2, steps=2, labels=["a", "b"]).shape == (2, 8, 8, 1)


@pytest.mark.slow
def test_the_weights_that_stay_stay_and_new_classes_are_learned(start: Path, whole: Run) -> None:
    before, after = tensors(nevoa.load(start, "cpu")), tensors(whole.model("cpu"))
    adapted = {name.removeprefix(PREFIX).partition(".lora_")[0] for name in read_tensors(whole.adapters_file)}
    for name, tensor in before.items():
        is_adapted = name.endswith(".weight") and name.removesuffix(".weight") in adapted
        assert torch.equal(after[name], tensor) != is_adapted, name
    assert not torch.equal(after["time.labels.weight"][0], after["time.labels.weight"][1])


@pytest.mark.slow
def test_a_checkpoint_holds_adapters_alone(whole: Run) -> None:
    newest = checkpoint.newest(whole.checkpoints)
    assert newest is not None
    for name in ("model", "ema"):
        assert all("lora_" in key for key in read_tensors(newest / f"{name}.safetensors"))
    plan = whole.plan()
    job = Job(whole.config(), plan, nevoa.data.as_image_set(PIXELS, LABELS))
    size = sum(path.stat().st_size for path in newest.iterdir())
    assert job.trained == sum(map(Tensor.numel, read_tensors(newest / "model.safetensors").values()))
    assert size < 4 * job.parameters < sum(map(Tensor.numel, tensors(whole.model("cpu")).values())) * 5
    written = sum(path.stat().st_size for path in whole.folder.rglob("*") if path.is_file())
    assert written < Forecast.of(job).disk_bytes


@pytest.fixture
def cut(start: Path, whole: Run, tmp_path: Path) -> Iterator[Run]:
    """The same training, stopped after three steps; its model may move or change."""
    copied = tmp_path / "first"
    shutil.copytree(start, copied)
    images, config = nevoa.data.as_image_set(PIXELS, LABELS), whole.config()
    config = config.updated("training", start=str(copied))
    steps = nevoa.fit(config, tmp_path / "cut", images=images, start=nevoa.load(copied, "cpu"))
    for _ in range(3):
        next(steps)
    steps.close()
    yield Run(tmp_path / "cut")


def resumed(run: Run) -> None:
    start = nevoa.load(run.config().training.start or "", "cpu")
    for _ in nevoa.fit(run.config(), run.folder, images=nevoa.data.as_image_set(PIXELS, LABELS), start=start):
        pass


@pytest.mark.slow
def test_a_run_that_was_stopped_ends_as_one_that_was_not(cut: Run, whole: Run) -> None:
    resumed(cut)
    assert cut.weights_file.read_bytes() == whole.weights_file.read_bytes()
    assert cut.adapters_file.read_bytes() == whole.adapters_file.read_bytes()
    assert not any(problem for _, problem in check(cut))
    cut.adapters_file.write_bytes(cut.adapters_file.read_bytes()[:-1])
    assert [name for name, problem in check(cut) if problem] == ["model/lora/adapter_model.safetensors"]
    for lost in cut.adapters_file, cut.adapters_config_file:
        lost.unlink()
        assert [name for name, problem in check(cut) if problem] == ["model/lora/adapter_model.safetensors"]
        resumed(cut)
        assert not any(problem for _, problem in check(cut))
    assert cut.adapters_file.read_bytes() == whole.adapters_file.read_bytes()


@pytest.mark.slow
def test_a_start_that_has_changed_or_is_missing_is_an_error(cut: Run, tmp_path: Path) -> None:
    images = nevoa.data.as_image_set(PIXELS, LABELS)
    with pytest.raises(NevoaError, match=r"starts from the model of .*first: give it as start="):
        next(nevoa.fit(cut.config(), cut.folder, images=images))
    first = Run(tmp_path / "first")
    model = first.model("cpu")
    next(model.network.parameters()).data.add_(1)
    first.publish_model(model)
    with pytest.raises(NevoaError, match="first has changed since adapters were trained beside its weights: put it"):
        resumed(cut)
    shutil.rmtree(first.folder)
    with pytest.raises(
        NevoaError, match=r"cut holds adapters for the model of .*first, and needs it to resume: put it back\. .*first"
    ):
        nevoa.continue_(cut, progress=False)
    assert cut.model("cpu").sample(1, steps=2).shape == (1, 8, 8, 1)


def in_a_folder(start: Path, folder: Path) -> list[float]:
    images = nevoa.data.as_image_set(PIXELS, LABELS)
    config = Run(start.parent / "config").config()
    return [step.loss for step in nevoa.fit(config, folder, images=images, start=nevoa.load(start, "cpu"))]


@pytest.mark.slow
@pytest.mark.numerical
def test_two_processes_train_the_adapters_that_one_would(start: Path, whole: Run, tmp_path: Path) -> None:
    place = start.parent / "config"
    place.mkdir()
    shutil.copy(whole.config_file, place)
    first, other = together(2, in_a_folder, start, tmp_path / "two")
    assert first == other
    theirs, ours = (read_tensors(run.adapters_file) for run in (Run(tmp_path / "two"), whole))
    torch.testing.assert_close(theirs, ours, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_it_can_have_a_guide_and_be_a_start_itself(start: Path, whole: Run, tmp_path: Path) -> None:
    options = [*FIXED, "training.guide=0.4"]
    guided = trained(start, tmp_path / "guided", options=options)
    assert guided.model("cpu").guide is not None
    again = trained(whole.folder, tmp_path / "again", lora=1, steps=1)
    assert again.model("cpu").sample(1, steps=2, autoguidance=1).shape == (1, 8, 8, 1)


@pytest.mark.slow
def test_adapters_learn_ten_times_as_fast_as_all_weights_would(start: Path) -> None:
    """A first step of Adam is the learning rate in weights that have a gradient, and a little less if it is small."""
    model = nevoa.load(start, "cpu")
    layer = starting_from(model)
    config = nevoa.configure("object:x", start=layer, steps=1, lora=2, device="cpu", options=FIXED)
    before = prepare(config, nevoa.data.as_image_set(PIXELS), Wish(start=model)).fresh_state().network.state_dict()
    options = [*FIXED, "training.ema_decay=0"]
    config = nevoa.configure("object:x", start=layer, steps=1, lora=2, device="cpu", options=options)
    (step,) = nevoa.fit(config, images=PIXELS, start=model)
    changed = [(step.model.network.state_dict()[name] - tensor).abs().max() for name, tensor in before.items()]
    assert max(changed).item() == pytest.approx(10 * step.learning_rate, rel=0.05)


@pytest.mark.slow
def test_it_trains_with_muon_and_in_memory(start: Path) -> None:
    model = nevoa.load(start, "cpu")
    options = [*FIXED, "training.optimizer=muon"]
    config = nevoa.configure("object:x", start=starting_from(model), steps=2, lora=2, device="cpu", options=options)
    *_, last = nevoa.fit(config, images=PIXELS, start=model)
    assert last.is_finite
    assert isinstance(last.model.network, Adapted)
    assert last.model.sample(1, steps=2).shape == (1, 8, 8, 1)
    *_, given = nevoa.fit(config, images=PIXELS, start=model, network=copy.deepcopy(model.network))
    assert given.loss == last.loss


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "missing"),
    [
        ({"captions": ["red"] * 20}, "text"),
        ({"numbers": {"age": [*range(20)]}, "condition": "number:age"}, "number:age"),
    ],
)
def test_conditions_that_the_model_has_no_weights_for_are_refused(
    start: Path, more: dict[str, Any], missing: str, tmp_path: Path
) -> None:
    with pytest.raises(NevoaError, match=f"Adapters cannot learn {missing}, which the model to start from has no"):
        trained(start, tmp_path / "r", labels=None, **more)
    assert not (tmp_path / "r").exists()


@pytest.mark.slow
def test_augmentation_which_each_training_learns_anew_is_refused(start: Path, tmp_path: Path) -> None:
    with pytest.raises(NevoaError, match="Adapters cannot learn augmentation"):
        trained(start, tmp_path / "r", augment="strong")


@pytest.mark.slow
def test_tags_are_adapted_unless_some_are_new(few_images: ImageSet, tmp_path: Path) -> None:
    images = replace(few_images, captions=(("red, hat",), ("blue, hat",)) * 10, classes=())
    options = [*FIXED, *(option for option in TINY if "condition" not in option)]
    config = nevoa.configure("object:x", steps=1, condition="tags", device="cpu", options=options)
    first = prepare(config, images)
    model = first.fresh_state().model()
    config = nevoa.configure("object:x", start=starting_from(model), steps=1, lora=2, device="cpu", options=FIXED)
    fewer = replace(images, captions=(("red, hat",), ("hat, red",)) * 10)
    assert prepare(config, fewer, Wish(start=model)).plan.kinds == ("tags",)
    other = replace(images, captions=(("green, hat",), ("blue, hat",)) * 10)
    with pytest.raises(NevoaError, match="Adapters cannot learn tags"):
        prepare(config, other, Wish(start=model))


def test_adapters_need_a_model_that_is_trained_and_a_rank() -> None:
    with pytest.raises(NevoaError, match="lora adapts a model that is trained already: name one with --from"):
        nevoa.configure("shapes", steps=1, lora=8)
    for rank in (0, -1, 5000):
        with pytest.raises(NevoaError, match=r"training\.lora: Input should be (greater|less) than or equal to"):
            nevoa.configure("shapes", steps=1, lora=rank)
    options = ["training.objective=path", "training.start=x", "diffusion.prediction=v", "training.lora=8"]
    with pytest.raises(NevoaError, match="lora is for objective=denoise"):
        nevoa.configure("shapes", steps=1, options=options)
