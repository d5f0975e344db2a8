"""Algorithm 1 of Ho et al. 2020."""

import copy

import torch
from torch.nn.functional import mse_loss

from nevoa.data import Batches, to_unit
from nevoa.diffusion import NoiseSchedule
from nevoa.training import Job
from nevoa.training.loop import training_steps
from nevoa.training.noise import TrainingNoise, uniform
from nevoa.training.optimizer import Adam
from tests.small_runs import job_of


def test_a_training_is_algorithm_1_to_the_bit(job: Job) -> None:
    """Written out with Adam, an average of the weights, and the draws that the seed decides."""
    config = job.config.updated("diffusion", prediction="epsilon", schedule="linear", timesteps=20)
    recipe = {"loss": "l2", "accumulation": 1, "timestep_distribution": "uniform", "ema_decay": 0.5, "steps": 4}
    job = job_of(config.updated("training", **recipe), job.images)
    state, seed = job.fresh_state(), job.plan.training.seed
    network, average = copy.deepcopy(state.network), copy.deepcopy(state.network)
    found = [step.loss for step in training_steps(state, job.images)]

    schedule, losses = NoiseSchedule.linear(20), list[float]()
    optimizer = Adam([*network.parameters()], lr=1e-3)
    images, draws = Batches(job.images, seed, {"flip": 0.5}), TrainingNoise(seed, uniform(20), job.images.shape)
    for number in range(4):
        x_0, (t, epsilon) = to_unit(images.take(8 * number, 8).images), draws.take(8 * number, 8)
        signal, noise = (scale[t].float()[:, None, None, None] for scale in (schedule.signal, schedule.noise))
        errors = mse_loss(network(signal * x_0 + noise * epsilon, t), epsilon, reduction="none")
        loss = errors.mean((1, 2, 3)).sum() / 8
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for mean, weight in zip(average.parameters(), network.parameters(), strict=True):
            mean.data.lerp_(weight.data, 1 - min(0.5, (number + 1) / (number + 10)))
        losses.append(loss.item())
    torch.testing.assert_close(found, losses, rtol=0, atol=0)
    torch.testing.assert_close(state.network.state_dict(), network.state_dict(), rtol=0, atol=0)
    torch.testing.assert_close(state.average.state_dict(), average.state_dict(), rtol=0, atol=0)
