"""The loop learns, is a function of its config, and goes on from a checkpoint as if it had not stopped."""

import copy
import itertools
import json
import math
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import nevoa
from nevoa.config import Config, DataConfig
from nevoa.config.presets import configure
from nevoa.data import Batches, ImageSet, load_images
from nevoa.diffusion import log_snr_of
from nevoa.errors import NevoaError
from nevoa.networks import build_network
from nevoa.networks.convolution import DoublingConv2d
from nevoa.objects import schedule_of
from nevoa.runs import checkpoint
from nevoa.runs.run import Run, load
from nevoa.training import Forecast, Job, Step, fit_job, plan, planning, prepare, show_progress
from nevoa.training import job as job_module
from nevoa.training.checkpoint import optimizer_tensors, restore, save_checkpoint
from nevoa.training.loop import training_steps
from nevoa.training.measure import Trial
from nevoa.training.noise import TrainingNoise, log_normal
from nevoa.training.state import TrainingState
from tests.conftest import TINY
from tests.small_runs import state_of


def fresh(config: Config) -> TrainingState:
    return state_of(config, load_images("fashion_mnist_10k"))


def tensors(state: TrainingState) -> dict[str, torch.Tensor]:
    """Everything that training changes, copied."""
    parts = {f"network/{name}": value for name, value in state.network.state_dict().items()}
    parts |= {f"average/{name}": value for name, value in state.average.state_dict().items()}
    parts |= {f"optimizer/{name}": value for name, value in optimizer_tensors(state)}
    return {name: value.clone() for name, value in parts.items()}


def assert_same(state: TrainingState, expected: dict[str, torch.Tensor]) -> None:
    found = tensors(state)
    assert found.keys() == expected.keys()
    for name, value in found.items():
        assert torch.equal(value, expected[name]), name


def without_clock(run: Run) -> list[dict]:
    return [
        {key: value for key, value in line.items() if key not in ("seconds", "images_per_second")}
        for line in run.metrics()
    ]


def stopped(config: Config, folder: Path, after: int) -> None:
    """Train so many steps, then stop reading."""
    stream = nevoa.fit(config, folder)
    list(itertools.islice(stream, after))
    stream.close()


RANGES = {
    "below_-6": (-math.inf, -6),
    "-6_to_-3": (-6, -3),
    "-3_to_0": (-3, 0),
    "0_to_3": (0, 3),
    "3_to_6": (3, 6),
    "above_6": (6, math.inf),
}
LEARNER = (
    "network.dim=16",
    "diffusion.timesteps=100",
    "sampling.steps=25",
    "training.batch_size=16",
    "training.learning_rate=0.003",
    "training.warmup_images=0",
    "training.precision=float32",
)


@pytest.mark.slow
def test_the_loss_falls() -> None:
    config = configure("fashion_mnist_10k", steps=150, options=LEARNER)
    losses = [step.loss for step in nevoa.fit(config)]
    assert np.mean(losses[-30:]) < 0.7 * np.mean(losses[:10])


@pytest.mark.slow
def test_one_image_is_learned_by_heart() -> None:
    """With a single image to learn, the samples are that image."""
    images = load_images("fashion_mnist_10k", size=(8, 8))
    one = type(images).of("one", images.images[1000:1001].repeat(4, axis=0), images.labels[:4], images.classes)
    options = (*LEARNER, "data.augment=none", "data.size=8", "training.ema_decay=0.9", "training.condition=none")
    config = configure("fashion_mnist_10k", steps=400, options=options)
    state = state_of(config, one)
    for _ in training_steps(state, one):
        pass
    samples = state.model().sample(8, sampler="ddim", steps=25).astype(float)
    assert np.abs(samples - one.images[0]).mean() < 12


@pytest.mark.slow
def test_the_same_config_gives_the_same_run(tiny: Config) -> None:
    first, second = ([step.loss for step in nevoa.fit(tiny)] for _ in range(2))
    assert first == second
    other = tiny.model_copy(update={"training": tiny.training.model_copy(update={"seed": 1})})
    assert [step.loss for step in nevoa.fit(other)] != first


def test_fresh_weights_depend_on_the_seed_alone(tiny: Config) -> None:
    torch.manual_seed(5)
    expected = tensors(fresh(tiny))
    torch.manual_seed(6)
    assert_same(fresh(tiny), expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("average", "condition", "after"),
    [*itertools.product([0.0, 0.99], ["none"], [1, 5, 8, 11]), (0.99, "class", 5)],
)
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(
    tiny: Config, tmp_path: Path, after: int, average: float, condition: str
) -> None:
    options = (f"training.ema_decay={average}", f"training.condition={condition}", "training.label_dropout=0.3")
    config = configure("fashion_mnist_10k", steps=12, options=(*options_of(tiny), *options))
    list(nevoa.fit(config, tmp_path / "whole"))
    stopped(config, tmp_path / "parts", after)
    list(nevoa.fit(config, tmp_path / "parts"))
    whole, parts = Run(tmp_path / "whole"), Run(tmp_path / "parts")
    states = []
    for run in (whole, parts):
        state = fresh(run.config())
        newest = checkpoint.newest(run.checkpoints)
        assert newest is not None
        restore(state, newest)
        states.append(state)
    assert_same(states[1], tensors(states[0]))
    assert without_clock(parts) == without_clock(whole)
    assert [path.name for path in parts.previews()] == [path.name for path in whole.previews()]
    for ours, theirs in zip(parts.previews(), whole.previews(), strict=True):
        assert ours.read_bytes() == theirs.read_bytes()
    assert parts.weights_file.read_bytes() == whole.weights_file.read_bytes()


def options_of(config: Config) -> list[str]:
    """A config as options again."""
    return [
        f"{section}.{key}={json.dumps(value)}"
        for section, table in config.model_dump(mode="json", exclude_none=True).items()
        for key, value in table.items()
        if key not in ("steps", "minutes", "epochs") or section == "sampling"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("left_out", ["ema.safetensors", "optimizer.safetensors", "images_seen"])
def test_every_part_of_a_checkpoint_is_needed(tiny: Config, tmp_path: Path, left_out: str) -> None:
    """The comparison above can fail: without one part of the state, the end is another."""
    images = load_images("fashion_mnist_10k")
    state = fresh(tiny)
    list(itertools.islice(training_steps(state, images), 6))
    path = save_checkpoint(state, tmp_path)
    whole = copy.deepcopy(state)
    list(training_steps(whole, images))

    resumed = fresh(tiny)
    before = tensors(resumed)
    restore(resumed, path)
    if left_out == "images_seen":
        resumed.images_seen = 0
    elif left_out == "ema.safetensors":
        resumed.average.load_state_dict(
            {key.removeprefix("average/"): value for key, value in before.items() if key.startswith("average/")}
        )
    else:
        for optimizer in resumed.optimizers:
            optimizer.state.clear()
    list(training_steps(resumed, images))
    with pytest.raises(AssertionError):
        assert_same(resumed, tensors(whole))


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove", "manifest"])
def test_a_damaged_checkpoint_is_passed_over(tiny: Config, tmp_path: Path, damage: str) -> None:
    state, images = fresh(tiny), load_images("fashion_mnist_10k")
    steps = training_steps(state, images)
    saved = []
    for _ in range(2):
        next(steps)
        saved.append(save_checkpoint(state, tmp_path))
    older, newer = saved
    victim = newer / ("manifest.json" if damage == "manifest" else "model.safetensors")
    data = victim.read_bytes()
    if damage == "remove":
        victim.unlink()
    else:
        victim.write_bytes({"truncate": data[:-1], "flip": data[:-1] + b"\xff", "manifest": b"{"}[damage])
    assert checkpoint.newest(tmp_path) == older


@pytest.mark.slow
def test_two_checkpoints_are_kept_and_the_last_before_the_cool_down(tiny: Config, tmp_path: Path) -> None:
    state = fresh(tiny)
    for _ in training_steps(state, load_images("fashion_mnist_10k")):
        save_checkpoint(state, tmp_path)
    assert [int(path.name) for path in sorted(tmp_path.iterdir())] == [48, 88, 96]


@pytest.mark.slow
def test_a_run_folder_holds_what_design_says(tiny: Config, tmp_path: Path) -> None:
    run = nevoa.train(
        "fashion_mnist_10k", steps=12, options=tuple(options_of(tiny)), out=tmp_path / "r", progress=False
    )
    assert run.plan().training.images == 96
    assert run.plan().data.fingerprint == load_images("fashion_mnist_10k").fingerprint
    lines = list(run.metrics())
    assert [line["images_seen"] for line in lines] == [16, 32, 48, 64, 80, 96]
    wanted = {"images_seen", "loss", "images_per_second", "learning_rate", "seconds"}
    assert all(wanted <= line.keys() for line in lines)
    assert sorted(path.name for path in run.previews_folder.iterdir()) == [f"{n:012d}.png" for n in (32, 64, 96)]
    assert "fashion_mnist_10k" in run.card_file.read_text()
    assert not [path for path in run.folder.rglob("*") if path.name.startswith(".")]
    images = load(run.folder).sample(3)
    assert (images.shape, images.dtype) == ((3, 28, 28, 1), np.uint8)


@pytest.mark.slow
def test_the_reported_loss_is_the_mean_since_the_last_report(tiny: Config, tmp_path: Path) -> None:
    losses = [step.loss for step in nevoa.fit(tiny, tmp_path / "r")]
    reported = [line["loss"] for line in Run(tmp_path / "r").metrics()]
    assert reported == pytest.approx([np.mean(losses[i : i + 2]) for i in range(0, 12, 2)])


@pytest.mark.slow
def test_the_loss_by_noise_level_adds_up_to_the_loss(tiny: Config, tmp_path: Path) -> None:
    """Weighted by the images of each range of log_snr, which the draws of the timesteps decide."""
    list(nevoa.fit(tiny, tmp_path / "r"))
    schedule = schedule_of(tiny.diffusion)
    t, _ = TrainingNoise(tiny.training.seed, log_normal(schedule, 28 * 28), (1, 28, 28)).take(0, 96)
    log_snr = log_snr_of(schedule)[t].tolist()
    for number, line in enumerate(Run(tmp_path / "r").metrics()):
        part = log_snr[number * 16 : number * 16 + 16]
        counts = {level: sum(low < x <= high for x in part) for level, (low, high) in RANGES.items()}
        found = line["loss_by_log_snr"]
        assert found.keys() == {level for level, count in counts.items() if count}
        assert sum(counts[level] * loss for level, loss in found.items()) / 16 == pytest.approx(line["loss"])


@pytest.mark.slow
def test_a_folder_of_another_run_is_refused(tiny: Config, tmp_path: Path) -> None:
    list(nevoa.fit(tiny, tmp_path / "r"))
    other = tiny.model_copy(update={"training": tiny.training.model_copy(update={"seed": 1})})
    with pytest.raises(NevoaError, match=r"training.seed: was 0, now 1"):
        nevoa.fit(other, tmp_path / "r")


def test_a_folder_that_is_no_run_is_left_alone(tiny: Config, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years")
    with pytest.raises(NevoaError, match="is not a run"):
        nevoa.fit(tiny, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.slow
def test_a_finished_run_has_nothing_left_to_do(tiny: Config, tmp_path: Path) -> None:
    list(nevoa.fit(tiny, tmp_path / "r"))
    assert list(nevoa.fit(tiny, tmp_path / "r")) == []


@pytest.mark.slow
def test_a_torn_line_of_metrics_is_dropped(tiny: Config, tmp_path: Path) -> None:
    stopped(tiny, tmp_path / "r", 6)
    run = Run(tmp_path / "r")
    with run.metrics_file.open("a") as file:
        file.write('{"images_seen": 64, "lo')
    list(nevoa.fit(tiny, run.folder))
    assert [line["images_seen"] for line in run.metrics()] == [16, 32, 48, 64, 80, 96]


@pytest.mark.parametrize(("wish", "expected"), [([], {}), (["data.augment=flip"], {"flip": 0.5})])
def test_the_catalogue_says_whether_images_are_mirrored(wish: list[str], expected: bool) -> None:
    config = configure("fashion_mnist_10k", steps=1, options=(*TINY, *wish))
    assert plan(config, load_images("fashion_mnist_10k")).plan.data.augment == expected


def test_epochs_are_counted_by_images(tiny: Config, few_images) -> None:
    """20 images, batches of 8: the third step closes the first epoch, the fifth the second."""
    state = state_of(tiny, few_images)
    steps: list[Step] = list(itertools.islice(training_steps(state, few_images), 5))
    assert [step.epoch for step in steps] == [1, 1, 1, 2, 2]
    assert [step.epoch_ended for step in steps] == [False, False, True, False, True]
    assert steps[2].epoch_loss == pytest.approx(np.mean([step.loss for step in steps[:3]]))
    assert steps[4].epoch_loss == pytest.approx(np.mean([step.loss for step in steps[3:]]))


def test_schedule_weighting_and_timesteps_of_the_config_are_those_trained_with() -> None:
    losses = {}
    for option in (
        *("training.weighting=simple", "training.weighting=min_snr", "training.timestep_distribution=uniform"),
        "diffusion.zero_terminal_snr=true",
    ):
        options = (*TINY, "diffusion.prediction=v", option)
        step = next(nevoa.fit(configure("fashion_mnist_10k", steps=1, options=options)))
        losses[option] = step.loss
        assert (step.model.schedule.signal[-1] == 0) == option.startswith("diffusion")
    assert len(set(losses.values())) == 4


@pytest.mark.slow
def test_the_plan_counts_operations_as_the_layers_do() -> None:
    """Two for each weight of a convolution or linear layer and place that it is used at; for training three times."""
    job = job_for("network.attention=[false, false]", "training.precision=float32", minutes=1)
    forecast, shape = Forecast.of(job), job.images.shape
    counted = []

    def count(module: nn.Module, _: object, output: Tensor) -> None:
        weights = module.get_parameter("weight").numel()
        places = 1 if isinstance(module, nn.Linear) else output[0, 0].numel()
        # Doubling sees 2x2 different pixels instead of 3x3.
        counted.append(2 * weights * places * (4 if isinstance(module, DoublingConv2d) else 9) // 9)

    network = build_network(job.plan.network, shape[0])
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear | DoublingConv2d):
            module.register_forward_hook(count)
    network(torch.zeros(1, *shape), torch.ones(1).long())
    assert forecast.flop_per_image == 3 * sum(counted)
    assert forecast.flop_per_second == pytest.approx(forecast.flop_per_image / forecast.image_seconds)


@pytest.mark.slow
def test_a_plan_decides_what_is_open() -> None:
    job = job_for("training.device=auto", epochs=2)
    training, forecast = job.plan.training, Forecast.of(job)
    assert training.images == training.batch_size * math.ceil(2 * 10_000 / training.batch_size)
    assert training.device in ("cpu", "cuda", "mps")
    assert training.precision in ("float32", "bfloat16")
    assert len(job.images) == job.plan.data.images == 10_000
    assert forecast.memory_bytes > 10_000_000


@pytest.mark.slow
def test_minutes_become_images(tmp_path: Path) -> None:
    job = job_for(minutes=1, run=Run(tmp_path / "r"))
    forecast = Forecast.of(job)
    # What is counted is step time and previews; both fit in the minute.
    assert 0 < job.plan.training.images * forecast.image_seconds < 60
    assert forecast.seconds < 60
    assert job.plan.training.minutes == 1


def test_without_a_folder_all_minutes_are_for_steps(tiny: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """No time is put by for previews and checkpoints that nobody makes, and none is spent on measuring them."""
    monkeypatch.setattr(Trial, "image_seconds", 0.5 / 8)
    monkeypatch.setattr(Trial, "costs", property(lambda trial: pytest.fail("previews were measured")))
    config = configure("fashion_mnist_10k", minutes=100, options=options_of(tiny))
    assert 0.9 * 96_000 < prepare(config).plan.training.images <= 96_000


def test_a_folder_whose_name_no_config_can_hold_is_refused_from_within(tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    Image.new("L", (8, 8)).save(folder / "1.png")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NEVOA_CACHE", str(tmp_path / "cache"))
    with pytest.raises(NevoaError, match="is not UTF-8; rename it"):
        prepare(configure(".", steps=1, options=TINY))


def test_decoding_images_takes_nothing_from_the_minutes(tiny: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """In Python as on the command line."""
    clock = [0.0]

    def an_hour_of_decoding(data: DataConfig) -> ImageSet:
        clock[0] += 3600
        return load_images(data)

    for module in (job_module, planning):
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(job_module, "load_images", an_hour_of_decoding)
    monkeypatch.setattr(Trial, "image_seconds", 0.5 / 8)
    config = configure("fashion_mnist_10k", minutes=100, options=options_of(tiny))
    assert prepare(config).plan.training.images == 96_000


def test_what_is_given_is_not_measured(tiny: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trial, "costs", property(lambda trial: pytest.fail("previews were measured")))
    training = plan(tiny, load_images("fashion_mnist_10k")).plan.training
    assert (training.images, training.preview_every_images, training.checkpoint_every_images) == (96, 32, 40)


def job_for(*options: str, minutes: float | None = None, epochs: float | None = None, run: Run | None = None) -> Job:
    small = ("network.dim=16", "network.blocks=1", *options)
    return prepare(configure("fashion_mnist_10k", minutes=minutes, epochs=epochs, options=small), run=run)


@pytest.mark.parametrize("augment", [{"flip": 0.5}, {}, {"flip": 0.5, "rotate": 0.5, "colour": 0.5}])
def test_the_batches_of_a_run_are_those_of_its_seed(tiny: Config, augment: dict) -> None:
    images = load_images("fashion_mnist_10k")
    first = Batches(images, tiny.training.seed, augment).take(8, 8).images
    assert np.array_equal(first, Batches(images, tiny.training.seed, augment).take(0, 16).images[8:])


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "muon"])
def test_every_weight_moves_with_every_optimizer(tiny: Config, optimizer: str) -> None:
    """By its gradient: a decay would move it, too."""
    wishes = f"training.optimizer={optimizer}", "training.weight_decay=0", "training.warmup_images=0"
    config = configure("fashion_mnist_10k", steps=8, options=(*options_of(tiny), *wishes))
    state = fresh(config)
    before = {name: value.clone() for name, value in state.network.named_parameters()}
    list(training_steps(state, load_images("fashion_mnist_10k")))
    for name, value in state.network.named_parameters():
        assert not torch.equal(value, before[name]), name


@pytest.mark.slow
def test_everything_open_is_decided_before_the_start(tmp_path: Path) -> None:
    """And is in the run's plan: nothing is left to another machine or another time. The config stays as asked."""
    options = ("network.dim=16", "network.blocks=1", "training.batch_size=8", "training.ema_decay=0")
    run = Run(tmp_path / "r")
    config = configure("fashion_mnist_10k", minutes=0.05, options=options)
    job = prepare(config, run=run)
    stream = fit_job(job, run)
    next(stream)
    stream.close()
    assert run.config() == config
    assert run.plan() == job.plan  # its first horizon, too: the journal has the later ones
    assert prepare(config, run=run).plan == job.plan


def test_forced_threads_and_precision_are_kept(tmp_path: Path) -> None:
    options = (*TINY, "training.threads=1", "training.precision=float16")
    training = prepare(configure("fashion_mnist_10k", steps=2, options=options)).plan.training
    assert (training.threads, training.precision) == (1, "float16")


@pytest.mark.slow
def test_the_epochs_of_few_images_do_not_flood_the_terminal(
    tiny: Config, few_images: ImageSet, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every step of 8 is a whole epoch of 4 images; there is a line as often as there are reports."""
    few = ImageSet.of("few", few_images.images[:4], few_images.labels[:4], few_images.classes)
    state = state_of(tiny.updated("training", steps=40, report_every_images=80), few)
    steps = training_steps(state, few)
    assert len(list(show_progress(steps, state.plan.training))) == 40
    told = capsys.readouterr().err.splitlines()
    assert len([line for line in told if line.startswith("epoch")]) == 4
