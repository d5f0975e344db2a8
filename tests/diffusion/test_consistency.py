"""A consistency function has no loss, and the flow of a teacher is followed to second order."""

import pytest
import torch
from torch import Tensor

from nevoa.diffusion import Denoiser, NoiseSchedule, RectifiedFlow, Schedule, Student
from tests.sampling.exact import COVARIANCE, MEAN, exact_denoiser, flowed

X_0 = (
    MEAN
    + torch.randn(64, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    @ torch.linalg.cholesky(COVARIANCE).T
)
EPSILON = torch.randn(64, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
SCHEDULES = NoiseSchedule.cosine(1000), RectifiedFlow(1000)


def at(t: int) -> Tensor:
    return torch.full((64,), t)


def consistency_function(schedule: Schedule) -> Denoiser:
    """The end of the path through x_t for Gaussian data: known exactly."""
    return Denoiser(lambda x_t, t: flowed(schedule, x_t, int(t[0]), 0), schedule, "x0")


class Following(Student):
    """A student whose teacher follows the flow of Gaussian data exactly."""

    def flowed(self, x_t: Tensor, t: Tensor, r: Tensor, label: Tensor | None = None) -> Tensor:
        return flowed(self.process.schedule, x_t, int(t[0]), int(r[0]))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("t", [200, 400, 990])
def test_the_consistency_function_of_a_gaussian_has_no_loss_and_the_denoiser_has(schedule: Schedule, t: int) -> None:
    right, wrong = consistency_function(schedule), exact_denoiser(schedule)
    assert Following(right, wrong).loss(X_0, at(t), EPSILON).max() < 1e-18
    assert Following(wrong, wrong).loss(X_0, at(t), EPSILON).mean() > 1e-5


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_consistency_function_of_one_image_has_no_loss(schedule: Schedule) -> None:
    """Every path leads to that image, straight on, so a real teacher's step is exact."""
    image = Denoiser(lambda x_t, t: X_0[:1].expand_as(x_t), schedule, "x0")
    t = torch.arange(1, 1000, 15)[:64]
    assert Student(image, image).loss(X_0[:1].expand_as(X_0), t, EPSILON).max() < 1e-18


def test_the_last_part_of_the_path_ends_where_the_teacher_ends_whatever_the_student_says() -> None:
    schedule = SCHEDULES[0]
    nonsense, teacher = Denoiser(lambda x_t, t: 7 + 0 * x_t, schedule, "x0"), exact_denoiser(schedule)
    student, x_t = Student(nonsense, teacher), teacher.process.forward(X_0, at(80), EPSILON)
    torch.testing.assert_close(student.end(x_t, at(80)).x_0, flowed(schedule, x_t, 80, 0), rtol=0.02, atol=0.05)
    assert (student.end(x_t, at(400)).x_0 == 7).all()


def test_the_target_makes_up_x_t() -> None:
    schedule = SCHEDULES[0]
    student = Student(consistency_function(schedule), exact_denoiser(schedule))
    x_t = student.process.forward(X_0, at(400), EPSILON)
    torch.testing.assert_close(student.process.forward(*_parts(student, x_t)), x_t)


def _parts(student: Student, x_t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    end = student.end(x_t, at(400))
    return end.x_0, at(400), end.epsilon


def test_the_teachers_flow_is_followed_to_second_order() -> None:
    """Half a step leaves an eighth of the error: third order in each step, second over the whole path."""
    schedule = NoiseSchedule.cosine(8000)
    teacher = exact_denoiser(schedule)
    student, x_t = Student(teacher, teacher), teacher.process.forward(X_0, at(4000), EPSILON)

    def error(step: int) -> float:
        r = 4000 - step
        return (student.flowed(x_t, at(4000), at(r)) - flowed(schedule, x_t, 4000, r)).norm().item()

    assert error(200) / error(100) == pytest.approx(8, rel=0.15)


def test_only_the_student_is_trained() -> None:
    torch.manual_seed(0)
    networks = [torch.nn.Linear(4, 4).double() for _ in range(2)]
    student, teacher = (Denoiser(lambda x_t, t, net=net: net(x_t), SCHEDULES[0], "v") for net in networks)
    Student(student, teacher).loss(X_0, at(400), EPSILON).mean().backward()
    assert networks[0].weight.grad is not None
    assert networks[1].weight.grad is None
