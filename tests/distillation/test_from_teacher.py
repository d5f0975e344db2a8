"""A distilled run is a run like any other, with a teacher that stays as it is."""

import copy
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import nevoa
from nevoa._util.tensors import read_tensors
from nevoa.config import ModelPlan, Plan, parse
from nevoa.diffusion import Autoguided
from nevoa.distillation.from_teacher import distilling
from nevoa.distillation.matching import Matching
from nevoa.distillation.student import Student
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.runs import Run, checkpoint
from nevoa.runs.check import check
from nevoa.runs.manifest import TEACHER
from nevoa.runs.model_files import GUIDE_PREFIX
from nevoa.sampling import DPMSolver, timestep_grid, trajectory
from nevoa.training import Job, fit_job, prepare
from nevoa.training.gradient import learner
from nevoa.training.loop import training_steps
from nevoa.training.start import starting_from
from tests.conftest import TINY
from tests.formats.small_models import CLASSES
from tests.small_runs import distillation_of, job_of, outcome, stop_after, told, updated

V = "diffusion.prediction=v"


@pytest.fixture(params=["path", "match", "of a guided teacher"])
def distillation(job: Job, request: pytest.FixtureRequest) -> Job:
    """The small job as a distillation; it matches in its last tenth."""
    if request.param == "of a guided teacher":
        return distillation_of(job, "match", autoguidance=1.5)
    return distillation_of(job, request.param)


@pytest.mark.slow
def test_a_distillation_stopped_again_and_again_ends_as_one_that_was_not(distillation: Job, tmp_path: Path) -> None:
    whole = [told(step) for step in fit_job(distillation, Run(tmp_path / "whole"))]
    parts = []
    while part := stop_after(replace(distillation, start=None) if parts else distillation, tmp_path / "r", 13):
        parts += map(told, part)
    assert parts == whole
    assert outcome(Run(tmp_path / "r")) == outcome(Run(tmp_path / "whole"))


@pytest.mark.slow
def test_the_teacher_may_move_but_another_is_refused(job: Job, tmp_path: Path) -> None:
    """A checkpoint holds all weights. While the first teacher is where it was, the one named now is another."""
    teacher, plain, run = tmp_path / "teacher", distillation_of(job, "path"), Run(tmp_path / "r")
    teacher.mkdir()
    first = plain.config.updated("training", start=str(teacher))
    stop_after(replace(job_of(first, job.images), start=plain.start), run.folder, 7)
    later = first.updated("training", start=str(tmp_path / "moved"))
    with pytest.raises(NevoaError, match=r"training\.start: was"):
        prepare(later, job.images, run=Run(run.folder))
    teacher.rmdir()
    with pytest.raises(NevoaError, match=r"training\.start: was"):
        prepare(later.updated("training", start="hf:OWNER/NAME"), job.images, run=Run(run.folder))
    with pytest.warns(UserWarning, match="goes on from its own checkpoint"):
        again = prepare(later, job.images, run=Run(run.folder))
    assert stop_after(again, run.folder, 99)[-1].images_seen == 320
    assert run.plan().training.start == str(teacher)


@pytest.mark.slow
def test_the_teacher_stays_as_it_is_and_the_student_does_not(distillation: Job, tmp_path: Path) -> None:
    stop_after(distillation, tmp_path / "r", 99)
    newest = checkpoint.newest(Run(tmp_path / "r").checkpoints)
    assert newest is not None
    assert distillation.start is not None
    teacher, student = read_tensors(newest / TEACHER), read_tensors(newest / "model.safetensors")
    if any(name.startswith(GUIDE_PREFIX) for name in distillation.start):
        teacher = {
            re.sub("^network[.]", "", re.sub("^guide[.]", GUIDE_PREFIX, name)): each for name, each in teacher.items()
        }
    assert teacher.keys() == distillation.start.keys()
    assert all(torch.equal(tensor, distillation.start[name]) for name, tensor in teacher.items())
    assert any(not torch.equal(tensor, distillation.start[name]) for name, tensor in student.items())
    assert not [problem for _, problem in check(Run(tmp_path / "r")) if problem]


@pytest.mark.parametrize("distillation", ["of a guided teacher"], indirect=True)
def test_the_path_of_a_guided_teacher_is_that_of_the_guided_model(distillation: Job) -> None:
    state = distillation.fresh_state()
    student, noise = learner(state), torch.randn(4, *state.shape, generator=torch.Generator().manual_seed(0))
    assert isinstance(student, Student)
    assert distillation.start is not None
    network, guide = copy.deepcopy(state.network), copy.deepcopy(state.network)
    guide.load_state_dict({name: distillation.start[GUIDE_PREFIX + name] for name in network.state_dict()})
    model = replace(state.model(), network=network, guide=guide)
    for weight, same in ((1.5, True), (1.0, False)):
        denoiser = model.denoiser(autoguidance=weight)
        *_, last = trajectory(denoiser, DPMSolver(), noise, student.path_grid, lambda: noise)
        assert torch.allclose(student.path(noise)[0], last.x_t, atol=1e-5) == same
    evaluated, teacher = list[int](), state.beside["teacher"]
    assert isinstance(teacher, Autoguided)
    teacher.guide.register_forward_hook(lambda *_: evaluated.append(1))
    student.path(noise)
    assert len(evaluated) == sum(teacher.extra[t].item() != 0 for t in student.path_grid[:-1])
    assert 0 < len(evaluated) < len(student.path_grid) - 1


@pytest.mark.parametrize("cooled", [0, 1])
def test_a_student_of_large_images_learns_the_steps_that_its_model_takes(cooled: int, job: Job) -> None:
    """Along a path through those that its teacher takes by default. Its images come without a warning of others."""
    large = replace(job.images, images=job.images.images.repeat(8, axis=1).repeat(8, axis=2))
    config = job.config.updated("diffusion", timesteps=1000)
    config = config.updated("sampling", sampler="euler", steps=3, spacing="shifted")
    state = distillation_of(job_of(config, large), "match").fresh_state()
    state.images_seen = cooled * state.plan.training.images
    student, model = learner(state), state.model()
    assert isinstance(student, Matching if cooled else Student)
    assert student.grid == model.timesteps(model.settings())
    assert student.grid != timestep_grid(model.schedule, 3, "shifted")
    its_teachers = model.timesteps(model.settings(steps=7, spacing="shifted"))
    assert {*student.path_grid} == {*student.grid, *its_teachers}
    assert model.plan.distilled_from
    model.sample(1)


def test_the_path_of_a_prompt_is_that_of_the_teacher_with_this_prompt(residual_job: Job) -> None:
    images = replace(residual_job.images, captions=(("a red cat",), ("a dog",)) * 10)
    prompted = job_of(residual_job.config.updated("training", condition="text"), images)
    state = distillation_of(prompted, "path").fresh_state()
    student, noise = learner(state), torch.randn(2, *state.shape, generator=torch.Generator().manual_seed(0))
    assert isinstance(student, Student)
    ends = list[torch.Tensor]()
    for prompt in ("a red cat", "a dog"):
        condition = state.model().condition(2, prompt=prompt)
        asked = state.model().denoiser(condition=condition)
        *_, last = trajectory(asked, DPMSolver(), noise, student.path_grid, lambda: noise)
        ends.append(student.path(noise, condition)[0])
        torch.testing.assert_close(ends[-1], last.x_t)
    assert not torch.allclose(ends[0], ends[1], atol=1e-3)


@pytest.mark.slow
def test_a_student_takes_the_prompts_and_pictures_of_its_teacher(tmp_path: Path) -> None:
    """It learns prompts from the same column, and knows the same words."""
    (folder := tmp_path / "pets").mkdir()
    for number in range(8):
        Image.new("L", (8, 8), 30 * number).save(folder / f"{number}.png")
    rows = "".join(f"{number}.png,{'um gato' if number % 2 else 'uma vaca'}\n" for number in range(8))
    (folder / "metadata.csv").write_text(f"file_name,em português\n{rows}")
    teacher = nevoa.train(
        folder,
        condition=("text:em português", "downscaled:2"),
        steps=2,
        out=tmp_path / "teacher",
        options=[*TINY[:-1], V],
        progress=False,
    )
    run = distilled(teacher, tmp_path / "two", steps=2)
    assert run.plan().conditions == teacher.plan().conditions
    assert run.plan().data == teacher.plan().data
    assert (run.plan().sampling.steps, run.plan().kinds) == (2, ("text", "downscaled:2"))
    *_, one = run.model().trajectory(2, prompt="um gato")
    *_, other = run.model().trajectory(2, prompt="uma vaca")
    assert not torch.equal(one.x_t, other.x_t)
    *_, other = run.model().trajectory(2, prompt="um gato", picture=np.zeros((8, 8), np.uint8))
    assert not torch.equal(one.x_t, other.x_t)


@pytest.mark.slow
def test_the_student_of_a_guided_model_needs_no_guide(teacher: Run, tmp_path: Path) -> None:
    model = teacher.model("cpu")
    plan = updated(model.plan, "sampling", autoguidance=1.5)
    guided = replace(model, plan=plan, guide=copy.deepcopy(model.network))
    run = distilled(guided, tmp_path / "two", steps=1)
    assert run.plan().training.teacher_autoguidance == 1.5
    assert run.model().guide is None
    assert run.model().settings().autoguidance == 1
    alone = distilled(guided, tmp_path / "alone", steps=1, options=["training.teacher_autoguidance=1"])
    assert alone.plan().training.teacher_autoguidance == 1
    with pytest.raises(NevoaError, match="The teacher has no guide"):
        distilled(model, tmp_path / "r", steps=1, options=["training.teacher_autoguidance=2"])
    assert not (tmp_path / "r").exists()


@pytest.mark.slow
@pytest.mark.parametrize("distillation", ["match"], indirect=True)
def test_the_second_network_learns_only_while_it_is_matched(distillation: Job) -> None:
    state = distillation.fresh_state()
    for step in training_steps(state, distillation.images):
        pairs = zip(state.beside["second"].parameters(), state.beside["teacher"].parameters(), strict=True)
        assert all(torch.equal(*pair) for pair in pairs) == (step.images_seen <= 36 * 8)
        assert state.updates.get("second", 0) == max(0, step.images_seen // 8 - 36)


def test_the_teacher_decides_what_is_learned(distillation: Job) -> None:
    losses = []
    for start in (distillation.start, None):
        state = replace(distillation, start=start).fresh_state()
        weights = distillation.start or {}
        state.network.load_state_dict({name: weights[name] for name in state.network.state_dict()})
        losses.append(next(training_steps(state, distillation.images)).loss)
    assert losses[0] != losses[1]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "teacher"
    options = (*TINY, V, "training.condition=class")
    return nevoa.train("fashion_mnist_10k", steps=16, out=folder, options=options, progress=False)


def distilled(teacher: Any, out: Path, *arguments: Any, **keywords: Any) -> Run:
    return nevoa.distill(teacher, *arguments, out=out, progress=False, device="cpu", **keywords)


@pytest.mark.slow
def test_a_run_is_distilled_on_its_own_images_to_make_images_in_two_steps(teacher: Run, tmp_path: Path) -> None:
    run = distilled(teacher, tmp_path / "two", options=["training.report_every_images=8"])
    before, after = teacher.plan(), run.plan()
    assert after.data == before.data
    assert after.network == before.network
    assert after.training.images == after.training.batch_size
    assert after.training.batch_size == 8
    assert (after.sampling.sampler, after.sampling.steps) == ("euler", 2)
    images = run.model().sample(3)
    assert images.shape == (3, 28, 28, 1)
    assert len(list(run.model().trajectory(3))) == 3
    assert run.metrics()
    assert run.previews()
    assert list(nevoa.fit(run.config(), run.folder)) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["model", "text"])
def test_a_teacher_is_a_model_a_run_or_a_folder(teacher: Run, tmp_path: Path, kind: str) -> None:
    given = {"model": teacher.model(), "text": str(teacher.folder)}[kind]
    assert distilled(given, tmp_path / "r", steps=1).config().training.steps == 1


def small_model(training: dict[str, Any] | None = None, **tables: Any) -> Model:
    """A model of a training of eight steps, or of unknown origin if it has no fingerprint."""
    data = {"source": "fashion_mnist_10k", **tables.pop("data", {})}
    tables = {"network": {"kind": "unet"}, "data": data, **tables}
    if "fingerprint" in data:
        decided = {"images": 8 * 32, "batch_size": 32, "device": "cpu", "precision": "float32", "threads": 1}
        every = dict.fromkeys(("report_every_images", "preview_every_images", "checkpoint_every_images"), 32)
        tables["training"] = {**decided, **every, "preview_steps": 1, **(training or {})}
        tables["data"] = {"images": 100, "augment": "none", **data}
    plan = parse(tables, Plan if "training" in tables else ModelPlan)
    return Model(plan, torch.nn.Identity(), (1, 28, 28))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (small_model(), "predicts epsilon cannot be distilled"),
        (small_model(diffusion={"prediction": "v"}), "name the source"),
        (
            small_model(diffusion={"prediction": "v"}, data={"source": "object:mine", "fingerprint": "0"}),
            "name the source",
        ),
        (
            small_model(
                diffusion={"prediction": "v"},
                data={"fingerprint": "0"},
                distilled_from="runs/teacher",
                training={"objective": "path", "start": "runs/teacher"},
            ),
            "distil runs/teacher again",
        ),
        (small_model(diffusion={"prediction": "v", "schedule": "object:a.B"}), "object in place of a name"),
    ],
)
def test_what_cannot_be_distilled_is_refused(model: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(NevoaError, match=message):
        nevoa.distill(model, out=tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_the_budget_is_a_quarter_of_the_teachers() -> None:
    v, data = {"prediction": "v"}, {"fingerprint": "0"}
    minutes = small_model(diffusion=v, data=data, training={"minutes": 60.0})
    assert distilling(minutes)["training"]["minutes"] == 15
    assert distilling(small_model(diffusion=v, data=data))["training"]["steps"] == 1
    assert nevoa.distillation.distill_config(minutes, epochs=2).training.minutes is None
    unknown = small_model(diffusion=v)
    assert nevoa.distillation.distill_config(unknown, "shapes").training.minutes == nevoa.configure().training.minutes


@pytest.mark.parametrize(("side", "objective"), [(28, "match"), (32, "match"), (64, "path"), (128, "path")])
def test_students_of_large_images_learn_paths_alone(side: int, objective: str) -> None:
    model = small_model(diffusion={"prediction": "v"}, data={"fingerprint": "0"})
    assert distilling(replace(model, shape=(1, side, side)))["training"]["objective"] == objective


def test_a_teacher_that_guides_by_its_classes_has_a_student_that_does_not() -> None:
    model = small_model(
        diffusion={"prediction": "v"}, data={"fingerprint": "0"}, classes=CLASSES, sampling={"guidance": 2.0}
    )
    with pytest.warns(UserWarning, match="what its teacher makes with a guidance of 1, not 2"):
        distilling(model)


def test_the_images_are_all_those_of_the_teacher() -> None:
    """It may have set none aside where the preset sets some aside."""
    teacher = small_model(diffusion={"prediction": "v"}, data={"source": "photos/", "fingerprint": "0"})
    data = nevoa.distillation.distill_config(teacher).data
    assert (data.source, data.holdout, data.augment) == ("photos/", 0, {})


def test_no_training_begins_with_a_distilled_model() -> None:
    """It would be poor at all other timesteps, and make its images in two steps."""
    model = small_model(diffusion={"prediction": "v"})
    distilled = replace(model, plan=model.plan.model_copy(update={"distilled_from": "runs/teacher"}))
    with pytest.raises(NevoaError, match=r"begin with its teacher, runs/teacher\."):
        starting_from(distilled)
    with pytest.raises(NevoaError, match="so it cannot teach: distil runs/teacher again"):
        distilling(distilled)


@pytest.mark.parametrize("timesteps", ["uniform", "log_normal"])
def test_further_training_draws_timesteps_as_the_model_did(timesteps: str) -> None:
    training = {"timestep_distribution": timesteps}
    model = small_model(diffusion={"prediction": "v"}, data={"fingerprint": "0"}, training=training)
    for start in (starting_from(model), distilling(model)):
        assert nevoa.configure("shapes", start=start, steps=1).training.timestep_distribution == timesteps


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"training": {"objective": "path"}}, "use 'nevoa distill'"),
        (
            {"training": {"objective": "match", "start": "a", "learning_rate_decay": "linear"}},
            "not for prediction=epsilon",
        ),
        ({"training": {"objective": "match", "start": "a"}}, "choose a learning_rate_decay"),
        ({"training": {"objective": "path", "start": "a", "weighting": "min_snr"}}, "weighting=simple"),
        ({"training": {"objective": "path", "start": "a", "guide": 0.2}}, "guide is for objective=denoise"),
        ({"training": {"teacher_autoguidance": 1.5}}, "is for a distillation: use 'nevoa distill'"),
    ],
)
def test_an_objective_without_what_it_needs_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(NevoaError, match=message):
        parse(values)
