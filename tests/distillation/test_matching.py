"""Distribution matching leads a student to the distribution of its teacher, and nowhere else."""

import pytest
import torch
from torch import Tensor, nn

from nevoa.diffusion import Denoiser, NoiseSchedule, RectifiedFlow, Schedule
from nevoa.distillation.matching import MATCHING_COST, PATH_WEIGHT, Matching
from nevoa.distillation.student import Student
from tests.sampling.exact import COVARIANCE, MEAN, exact_denoiser

SCHEDULES = NoiseSchedule.cosine(1000), RectifiedFlow(1000)
RANDOM = torch.Generator().manual_seed(3)
EPSILON = torch.randn(64, 4, generator=RANDOM, dtype=torch.float64)
T = torch.randint(1, 1001, (64,), generator=RANDOM)


@pytest.mark.slow
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_gaussian_student_arrives_at_its_teachers_distribution(schedule: Schedule) -> None:
    """With a second network that knows the student's distribution, whatever the noise is."""
    mean = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    spread = torch.eye(4, dtype=torch.float64, requires_grad=True)
    student = Denoiser(lambda x_t, t: mean + x_t @ spread.T, schedule, "x0")
    teacher, optimizer = exact_denoiser(schedule), torch.optim.Adam([mean, spread], lr=0.02)
    matching = Matching(student, teacher, 1, "angle", teacher)
    for step in range(400):
        matching.second = exact_denoiser(schedule, mean.detach(), (spread @ spread.T).detach())
        epsilon, other = torch.randn(2, 256, 4, generator=RANDOM, dtype=torch.float64)
        # the exact denoisers take one t for all images
        t = torch.full((256,), (37 * step) % 900 + 50)
        optimizer.zero_grad()
        matching.matching_loss(matching.images(epsilon), t, other).mean().backward()
        optimizer.step()
    torch.testing.assert_close(mean.detach(), MEAN, atol=0.02, rtol=0)
    torch.testing.assert_close((spread @ spread.T).detach(), COVARIANCE, atol=0.02, rtol=0)


def linear_denoisers(*seeds: int) -> tuple[list[nn.Linear], list[Denoiser]]:
    networks = []
    for seed in seeds:
        torch.manual_seed(seed)
        networks.append(nn.Linear(4, 4).double())
    return networks, [Denoiser(lambda x_t, t, net=net: net(x_t), SCHEDULES[0], "v") for net in networks]


def gradient(network: nn.Linear) -> Tensor:
    assert network.weight.grad is not None
    return network.weight.grad


def test_a_second_network_like_the_teacher_leaves_only_the_path() -> None:
    """So its own loss does not reach the student either."""
    networks, (student, teacher, second) = linear_denoisers(0, 1, 1)
    Matching(student, teacher, 2, "angle", second).loss(EPSILON, T, EPSILON).mean().backward()
    matched = gradient(networks[0]).clone()
    assert gradient(networks[2]).abs().max() > 0
    assert networks[1].weight.grad is None
    networks[0].zero_grad()
    (PATH_WEIGHT * Student(student, teacher, 2, "angle").loss(EPSILON, T, EPSILON).mean()).backward()
    torch.testing.assert_close(matched, gradient(networks[0]))


def test_the_second_network_learns_from_its_own_loss_alone() -> None:
    networks, (student, teacher, second) = linear_denoisers(0, 1, 2)
    matching = Matching(student, teacher, 2, "angle", second)
    matching.loss(EPSILON, T, EPSILON).mean().backward()
    both = gradient(networks[2]).clone()
    assert gradient(networks[0]).abs().max() > 0
    networks[2].zero_grad()
    noise = EPSILON.roll(2, 0).flip(-2)
    second.loss(matching.images(EPSILON).detach(), T, noise, "l2").mean().backward()
    torch.testing.assert_close(both, gradient(networks[2]))


def test_the_noise_is_another_image() -> None:
    """Else the student could be right about the very noise that it began with; so also for a single image."""
    seen: list[Tensor] = []

    def second(x_t: Tensor, t: Tensor) -> Tensor:
        seen.append(x_t)
        return 0 * x_t

    denoiser = Denoiser(lambda x_t, t: 0 * x_t, SCHEDULES[1], "flow")
    matching = Matching(denoiser, denoiser, 1, "angle", Denoiser(second, SCHEDULES[1], "flow"))
    for epsilon in EPSILON[:4].view(1, 1, 4, 4), EPSILON.view(4, 1, 8, 8):
        seen.clear()
        matching.loss(epsilon, torch.full((len(epsilon),), 500), epsilon)
        noises = [2 * x_t - matching.images(epsilon) for x_t in seen]
        assert not torch.allclose(noises[0], noises[1])
        for noise in noises:
            torch.testing.assert_close(noise.sum(), epsilon.sum())
            assert not torch.isclose(noise, epsilon).any()


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_an_image_costs_what_it_says(steps: int) -> None:
    """Those of the student and one of the second network have a gradient, which costs as much as two more."""
    calls = {"student": 0, "teacher": 0, "second": 0}

    def counted(name: str) -> Denoiser:
        def network(x_t: Tensor, t: Tensor) -> Tensor:
            calls[name] += 1
            return 0.1 * x_t

        return Denoiser(network, SCHEDULES[0], "v")

    matching = Matching(counted("student"), counted("teacher"), steps, "angle", counted("second"))
    matching.loss(EPSILON, T, EPSILON)
    assert matching.evaluations == calls["teacher"] + calls["second"] + 2 + 3 * calls["student"]


def test_a_step_takes_as_much_longer_as_is_planned_for() -> None:
    denoiser = Denoiser(lambda x_t, t: x_t, SCHEDULES[1], "flow")
    path, matching = Student(denoiser, denoiser, 2, "angle"), Matching(denoiser, denoiser, 2, "angle", denoiser)
    assert matching.evaluations / path.evaluations == pytest.approx(MATCHING_COST, rel=0.02)
