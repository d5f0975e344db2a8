"""A student without loss makes in its few steps the images of its teacher's path."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from nevoa.diffusion import Denoiser, NoiseSchedule, RectifiedFlow, Schedule
from nevoa.distillation.student import Student
from nevoa.sampling import DDIM, timestep_grid, trajectory
from tests.sampling.exact import exact_denoiser, flowed

EPSILON = torch.randn(64, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
SCHEDULES = NoiseSchedule.cosine(1000), RectifiedFlow(1000)
T = torch.full((64,), 1000)


def euler(denoiser: Denoiser, grid: list[int]) -> Tensor:
    """The images that a denoiser makes of EPSILON by Euler's method."""
    *_, end = trajectory(denoiser, DDIM(), EPSILON, grid, lambda: EPSILON)
    return end.x_t


def perfect(student: Student) -> Student:
    """The same student, with a network that remembers where its teacher's path leads."""
    path = student.path(EPSILON)
    known = {t: student.leading(path[t], t, path[s], s) for t, s in pairwise(student.grid)}
    learner = Denoiser(lambda x_t, t: known[int(t[0])], student.process.schedule, "x0")
    return Student(learner, student.teacher, len(student.grid) - 1, "angle")


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_student_without_loss_arrives_where_its_teacher_does(schedule: Schedule, steps: int) -> None:
    teacher = exact_denoiser(schedule)
    ordinary = Student(teacher, teacher, steps, "angle")
    student = perfect(ordinary)
    assert student.loss(EPSILON, T, EPSILON).max() < 1e-18
    assert ordinary.loss(EPSILON, T, EPSILON).mean() > 1e-5
    torch.testing.assert_close(euler(student, student.grid), student.path(EPSILON)[0])
    assert (euler(ordinary, ordinary.grid) - ordinary.path(EPSILON)[0]).abs().max() > 0.01


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_teachers_path_is_the_flow(schedule: Schedule) -> None:
    teacher = exact_denoiser(schedule)
    student = Student(teacher, teacher, 2, "angle")
    path = student.path(EPSILON)
    assert path.keys() > set(timestep_grid(schedule, 2, "angle"))
    end = flowed(schedule, EPSILON, 1000, 0)
    error = (path[0] - end).norm() / end.norm()
    assert error < 0.12
    assert (euler(teacher, student.grid) - end).norm() / end.norm() > 3 * error


def test_the_target_leads_from_one_state_to_the_next() -> None:
    schedule = SCHEDULES[0]
    x_t, x_s = EPSILON, EPSILON.flip(0)
    teacher = exact_denoiser(schedule)
    x_0 = Student(teacher, teacher, 2, "angle").leading(x_t, 700, x_s, 300)
    moved = DDIM().step(Denoiser(lambda *_: x_0, schedule, "x0"), x_t, 700, 300, lambda: EPSILON)
    torch.testing.assert_close(moved.x_s, x_s)


def test_only_the_student_is_trained() -> None:
    torch.manual_seed(0)
    networks = [torch.nn.Linear(4, 4).double() for _ in range(2)]
    student, teacher = (Denoiser(lambda x_t, t, net=net: net(x_t), SCHEDULES[0], "v") for net in networks)
    Student(student, teacher, 2, "angle").loss(EPSILON, T, EPSILON).mean().backward()
    assert networks[0].weight.grad is not None
    assert networks[1].weight.grad is None


def test_a_path_of_few_timesteps_has_them_all() -> None:
    learner = Denoiser(lambda x_t, t: x_t, NoiseSchedule.cosine(5), "v")
    assert Student(learner, learner, 2, "angle").path_grid == [5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_path_costs_what_it_says(steps: int) -> None:
    """Each evaluation of the teacher once, each of the student with a gradient, which costs as much as two more."""
    calls = {"teacher": 0, "student": 0}

    def counted(name: str) -> Denoiser:
        def network(x_t: Tensor, t: Tensor) -> Tensor:
            calls[name] += 1
            return 0.1 * x_t

        return Denoiser(network, SCHEDULES[0], "v")

    student = Student(counted("student"), counted("teacher"), steps, "angle")
    student.loss(EPSILON, T, EPSILON)
    assert student.evaluations == calls["teacher"] + 3 * calls["student"]
