"""Several processes train what one would, and end together."""

import os
import signal
import socket
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import nevoa
from nevoa._util.interrupt import leave_on_signals
from nevoa.config.condition import PicturePlan, TextPlan
from nevoa.diffusion import mapped
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.parallel import group as processes
from nevoa.parallel.group import Group, process_group
from nevoa.runs import Run, checkpoint
from nevoa.training import Job
from nevoa.training.distributed import check_alike
from nevoa.training.feed import Batch, batches_of
from nevoa.training.gradient import Gradient
from nevoa.training.loop import training_steps
from nevoa.training.noise import TrainingNoise
from nevoa.training.state import AFTER_IMAGES, TrainingState
from tests.processes import answer_of, started, together
from tests.small_runs import distillation_of, job_of, outcome, replanned, told
from tests.waiting import until


def trained(job: Job, folder: Path) -> list[dict]:
    """The steps of a training."""
    leave_on_signals()
    return [told(step) for step in nevoa.fit(job.config, folder, images=job.images)]


def trained_until(job: Job, folder: Path, rank: int, images: int, number: int) -> list[dict]:
    """The same, but one of the processes gets a signal after a step."""
    processes.GRACE_SECONDS = 0.5
    leave_on_signals()
    steps = []
    for each in nevoa.fit(job.config, folder, images=job.images):
        steps.append(told(each))
        if (process_group().rank, each.images_seen) == (rank, images):
            os.kill(os.getpid(), number)
    return steps


def weights(job: Job) -> tuple[list[bytes], list[float]]:
    """All that a training has learned, and its losses."""
    state = job.fresh_state()
    losses = [step.loss for step in training_steps(state, job.images)]
    learned = [*state.network.parameters(), *state.average.parameters()]
    return [each.detach().numpy().tobytes() for each in learned], losses


def with_training(job: Job, **values: Any) -> Job:
    return replace(job_of(job.config.updated("training", **values), job.images), start=job.start)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_each_process_draws_its_share_of_what_one_draws(count: int, job: Job) -> None:
    """Images, flips, timesteps, noise and dropped conditions, bit for bit; ten do not divide by three or four."""
    plan = replanned(job.plan, batch_size=10, images=30, label_dropout=0.3)
    masked = PicturePlan(kind="masked", channels=1, height=8, width=8)
    conditions = {"text": TextPlan(), "masked": masked}
    plan = plan.model_copy(update={"classes": job.images.classes, "conditions": conditions})
    captions = tuple((f"image {n}", f"imagem {n}") for n in range(len(job.images)))
    job = replace(job, images=replace(job.images, captions=captions))

    def drawn(group: Group) -> list[Batch]:
        state = TrainingState.fresh(job.plan, job.images.shape)
        state.plan, state.group = plan, group
        return list(islice(batches_of(state, job.images, Gradient(state).share), 3))

    shares = [drawn(Group(rank, count)) for rank in range(count)]
    for whole, *parts in zip(drawn(Group()), *shares, strict=True):
        for name in ("x_0", "t", "epsilon"):
            assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(whole, name))
        asked: list[Any] = [part.condition for part in parts]
        torch.testing.assert_close(mapped(lambda *some: torch.cat(some), *asked), whole.condition, rtol=0, atol=0)
        assert all(torch.equal(part.log_snr, whole.log_snr) for part in parts)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "dropout", "condition"),
    [
        ("float32", 0.0, "none"),
        ("float32", 0.5, "text"),
        ("float16", 0.0, ("class", "text", "tags", "number:size", "downscaled:2", "masked")),
    ],
)
def test_two_processes_are_one_with_two_parts(
    residual_job: Job, precision: str, dropout: float, condition: Any
) -> None:
    """To the bit: the sums are the same, in the same order, up to a + b = b + a. Each part is cut in two pieces."""
    assert residual_job.plan.training.accumulation == 2
    captions = tuple((f"image {n}, red", f"imagem {n}, azul") for n in range(20))
    images = replace(residual_job.images, captions=captions, numbers={"size": np.arange(20.0)})
    residual_job = with_training(
        replace(residual_job, images=images), steps=50, precision=precision, condition=condition
    )
    residual_job = job_of(residual_job.config.updated("network", dropout=dropout), residual_job.images)
    assert together(2, weights, residual_job) == [weights(with_training(residual_job, threads=2))] * 2


@pytest.mark.slow
def test_two_processes_distil_as_one_with_two_parts(residual_job: Job) -> None:
    job = with_training(distillation_of(residual_job, "match"), steps=20)  # it matches in two
    assert together(2, weights, job) == [weights(with_training(job, threads=2))] * 2


@pytest.mark.slow
@pytest.mark.numerical
def test_more_processes_differ_by_rounding_alone(residual_job: Job) -> None:
    """As much as other orders of the same sums do in one process, whose batches are cut into two, four or eight."""
    whole, *cut = (weights(with_training(residual_job, accumulation=pieces))[1] for pieces in (1, 2, 4, 8))
    rounding = max(abs(a - b) for losses in cut for a, b in zip(losses, whole, strict=True))
    assert 0 < rounding < 1e-4
    for _, losses in together(4, weights, with_training(residual_job, accumulation=1)):
        assert losses == pytest.approx(whole, rel=0, abs=2 * rounding)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_one_process_ends_all_after_the_same_step(job: Job, tmp_path: Path, number: int) -> None:
    """They save once, and the resumed run ends as one that was never stopped."""
    first, other = together(2, trained_until, job, tmp_path / "run", 1, 80, number)
    expected = SystemExit(143) if number == signal.SIGTERM else KeyboardInterrupt()
    assert repr([first, other]) == repr([expected, expected])
    assert checkpoint.newest_saved(Run(tmp_path / "run").checkpoints) == 11 * 8
    straight = together(2, trained, job, tmp_path / "straight")
    assert together(2, trained, job, tmp_path / "run") == [steps[11:] for steps in straight]
    assert outcome(Run(tmp_path / "run")) == outcome(Run(tmp_path / "straight"))


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_is_named_and_the_run_resumes(job: Job, tmp_path: Path, rank: int) -> None:
    answers = together(2, trained_until, job, tmp_path / "run", rank, 136, signal.SIGKILL)
    assert str(answers[1 - rank]).startswith(f"Process {rank} of 2 does not answer.")
    straight = together(2, trained, job, tmp_path / "straight")[0]
    assert together(2, trained, job, tmp_path / "run") == [straight[15:]] * 2
    assert outcome(Run(tmp_path / "run")) == outcome(Run(tmp_path / "straight"))


@pytest.mark.slow
def test_a_process_that_hangs_is_named(job: Job, tmp_path: Path) -> None:
    one, other = started(2, hanging, job, tmp_path / "run")
    assert str(answer_of(*one)).startswith("Process 1 of 2 does not answer.")
    other[0].kill()


def hanging(job: Job, folder: Path) -> list[dict]:
    processes.PATIENCE = timedelta(seconds=2)
    return trained_until(job, folder, 1, 40, signal.SIGSTOP)


def weighing(job: Job) -> str:
    """Process 0 weighs the guide for longer than the others wait for a step."""
    processes.PATIENCE = timedelta(seconds=2)
    state = job.fresh_state()
    state.images_seen = AFTER_IMAGES

    def published(self: TrainingState) -> Model:
        until(iter([*[False] * 200, True]).__next__)  # looks 200 times, for four seconds
        return self.model()

    TrainingState.published = published
    state.weigh_guide(job.images)
    return "weighed"


@pytest.mark.slow
def test_the_others_wait_while_process_0_weighs_the_guide(job: Job) -> None:
    assert together(2, weighing, replace(job, plan=replanned(job.plan, weigh_guide=True))) == ["weighed"] * 2


def failing(job: Job, folder: Path) -> list[str]:
    """What each process says when process 0 cannot begin."""
    folder.mkdir(exist_ok=True)
    (folder / "other").touch()
    return errors(lambda: trained(job, folder))


def errors(work: Any) -> list[str]:
    try:
        work()
    except NevoaError as error:
        return [type(error).__name__, str(error)]
    return []


@pytest.mark.slow
def test_an_error_of_process_0_ends_all_and_is_said_once(job: Job, tmp_path: Path) -> None:
    first, other = together(2, failing, job, tmp_path / "run")
    assert first[0] == "NevoaError"
    assert "exists and is not a run" in first[1]
    assert other == ["SaidElsewhere", first[1]]


def unlike(job: Job) -> list[str]:
    seed = process_group().rank
    return errors(lambda: nevoa.fit(job.config.updated("training", seed=seed), images=job.images))


def test_processes_that_differ_are_named(job: Job) -> None:
    first, other = together(2, unlike, job)
    assert first[0] == "NevoaError"
    assert "\n  process 1 on " in first[1]
    assert first[1].endswith(": training.seed: was 0, now 1")
    assert other[0] == "SaidElsewhere"


@pytest.mark.parametrize("name", ["nevoa", "torch", "images"])
def test_versions_and_images_have_to_be_the_same(name: str, job: Job) -> None:
    facts = {"nevoa": "1.0", "torch": "2.9", "images": "0123456789abcdef"}
    one = "a", facts, job.config
    check_alike([one, ("b", facts, job.config)])
    with pytest.raises(NevoaError, match=f"process 2 on b .was: process 0 on a.: {name}: was .*, now other"):
        check_alike([one, one, ("b", facts | {name: "other"}, job.config)])


def too_many(job: Job) -> list[str]:
    return errors(lambda: nevoa.fit(job.config.updated("training", batch_size=1), images=job.images))


def test_a_batch_has_an_image_for_each_process(job: Job) -> None:
    first, _ = together(2, too_many, job)
    assert first[1].startswith("2 processes cannot share a batch of 1 images:")


def preparing(folder: Path) -> list[str]:
    def work() -> list[str]:
        (folder / str(process_group().rank)).touch()
        return sorted(path.name for path in folder.iterdir())

    return process_group().first_on_machine(work)


def test_one_process_of_a_machine_prepares_for_the_others(tmp_path: Path) -> None:
    first, *others = together(3, preparing, tmp_path)
    assert first == ["0"]
    assert all("0" in seen for seen in others)


def spoiled(job: Job) -> list[tuple[bool, float]]:
    """Train where one process draws noise that is not a number."""
    draw = TrainingNoise.take

    def spoil(self: TrainingNoise, first: int, count: int) -> tuple[Tensor, Tensor]:
        t, epsilon = draw(self, first, count)
        return t, epsilon * torch.nan if (process_group().rank, first) == (1, 28) else epsilon

    TrainingNoise.take = spoil
    *_, (_, losses) = [weights(job)]
    return [(loss == loss, loss) for loss in losses]


def test_a_step_that_is_not_finite_changes_nothing_on_any_process(job: Job) -> None:
    first, other = together(2, spoiled, with_training(job, steps=6))
    assert [finite for finite, _ in first] == [True, True, True, False, True, True]
    assert first[4:] == other[4:]


class Own(nn.Module):
    """A network whose weights are drawn anew in each process."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 3, padding=1)
        nn.init.constant_(self.layer.weight, process_group().rank)

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        return self.layer(x_t)


def with_own_network(job: Job, folder: Path | None) -> list[bytes]:
    """The weights after each step."""
    steps = nevoa.fit(job.config, folder, images=job.images, network=Own())
    return [b"".join(each.numpy().tobytes() for each in step.model.network.state_dict().values()) for step in steps]


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["run", None])
def test_the_weights_of_an_own_network_are_those_of_process_0(job: Job, tmp_path: Path, folder: str | None) -> None:
    place = tmp_path / folder if folder else None
    first, other = together(2, with_own_network, with_training(job, steps=4), place)
    assert first == other
    assert len(first) == 4


@pytest.mark.slow
@pytest.mark.numerical
def test_a_run_goes_on_with_another_number_of_processes(job: Job, tmp_path: Path) -> None:
    """The images are the same, and the losses up to rounding."""
    straight = trained(job, tmp_path / "straight")
    together(2, trained_until, job, tmp_path / "run", 0, 136, signal.SIGTERM)
    resumed = trained(job, tmp_path / "run")
    assert [step["images_seen"] for step in resumed] == [step["images_seen"] for step in straight[18:]]
    losses = [step["loss"] for step in resumed]
    assert losses == pytest.approx([step["loss"] for step in straight[18:]], rel=1e-3)


def alone_in_a_folder(job: Job, folder: Path, others: Path) -> list[dict]:
    return trained(job, folder if process_group().rank == 0 else others)


@pytest.mark.slow
def test_the_folder_of_the_run_is_for_process_0_alone(job: Job, tmp_path: Path) -> None:
    """On another machine it may be missing, also when the run resumes."""
    together(2, trained_until, job, tmp_path / "run", 0, 136, signal.SIGTERM)
    first, other = together(2, alone_in_a_folder, job, tmp_path / "run", tmp_path / "elsewhere")
    assert first == other
    assert first[0]["images_seen"] == 19 * 8
    assert not (tmp_path / "elsewhere").exists()


def paced(job: Job, folder: Path) -> list[tuple[int, int]]:
    config = job.config.updated("training", minutes=0.05, steps=None)
    return [(step.images_seen, step.images) for step in nevoa.fit(config, folder, images=job.images)]


@pytest.mark.slow
def test_process_0_decides_how_many_steps_fit_into_the_minutes(job: Job, tmp_path: Path) -> None:
    first, other = together(2, paced, job, tmp_path / "run")
    assert first == other
    assert first[-1][0] == first[-1][1]


@pytest.mark.parametrize("missing", ["RANK", "MASTER_PORT"])
def test_an_environment_that_is_not_complete_is_a_sentence(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(missing)
    with pytest.raises(NevoaError, match=f"did not find each other: .*{missing}"):
        process_group.__wrapped__()


def gpu_chosen(gpus: int) -> list[int]:
    """The GPU that a process of a machine with so many takes."""
    chosen = list[int]()
    torch.cuda.is_available, torch.cuda.device_count = lambda: True, lambda: gpus
    torch.cuda.set_device = chosen.append
    connect = torch.distributed.init_process_group
    torch.distributed.init_process_group = lambda _, **named: connect("gloo", **named)  # NCCL needs real ones
    process_group()
    torch.distributed.barrier()  # one that ends would break off the others' connections
    return chosen


@pytest.mark.parametrize(("gpus", "used"), [(4, [0, 1, 2]), (2, [0, 1, 0]), (1, [0, 0, 0])])
def test_each_process_has_a_gpu_even_where_it_sees_one_alone(gpus: int, used: list[int]) -> None:
    assert together(3, gpu_chosen, gpus) == [[one] for one in used]


def test_gpus_that_cannot_work_together_are_not_a_lost_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(tensor: torch.Tensor) -> None:
        raise RuntimeError("NCCL error in: NCCLUtils.cpp\nDuplicate GPU detected : rank 1 and rank 0")

    monkeypatch.setattr(torch.distributed, "all_reduce", refused)
    with pytest.raises(NevoaError, match=r"Each process needs a GPU of its own.*Duplicate GPU detected"):
        Group(count=2, alone=False).add([torch.zeros(2)])


def test_a_busy_port_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as busy:
        busy.bind(("localhost", 0))
        busy.listen()
        names = {"WORLD_SIZE": 2, "RANK": 0, "LOCAL_RANK": 0, "MASTER_ADDR": "localhost"}
        for name, value in (names | {"MASTER_PORT": busy.getsockname()[1]}).items():
            monkeypatch.setenv(name, str(value))
        with pytest.raises(NevoaError, match=r"did not find each other: .*(EADDRINUSE|address already in use)"):
            process_group.__wrapped__()
