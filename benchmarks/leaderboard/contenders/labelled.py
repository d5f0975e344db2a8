"""The training loop of the small recipes: the noise, its mean square, one learning rate; no average, no clipping.

Both learn from classes and use diffusers for the network and for the steps of sampling.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from common import Clock, Task, Training, parameters
from drawing import Sampling, finish, to_bytes
from nevoa_network import NevoaNetwork, network_named, nevoa_batch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE, CLASSES, BATCH, SAMPLING_BATCH = 28, 10, 128, 64


@dataclass(frozen=True)
class Recipe:
    """The choices of a recipe.

    Attributes:
        network: in the words of the table, as `method`.
        build: the network, called as `(x_t, t, label)`, which returns the noise.
        scheduler: of diffusers; its timesteps are those of training and of sampling.
        optimizer: of the parameters.
        mirrored: whether half of the images are mirrored.
    """

    contender: str
    network: str
    method: str
    build: Callable[[], nn.Module]
    scheduler: Any
    optimizer: Callable[[Any], torch.optim.Optimizer]
    mirrored: bool = False


def batches(task: Task, recipe: Recipe) -> Iterator[tuple[Tensor, Tensor]]:
    """x_0 in [-1, 1] and the classes, epoch after epoch in a new order."""
    pixels = torch.from_numpy(np.load(task.data)).permute(0, 3, 1, 2)
    labels = torch.from_numpy(np.load(task.labels))
    while True:
        for chosen in torch.randperm(len(pixels)).split(BATCH if task.width is None else nevoa_batch()):
            x_0 = pixels[chosen].float() / 127.5 - 1
            if recipe.mirrored:
                x_0 = torch.where(torch.rand(len(x_0), 1, 1, 1) < 0.5, x_0.flip(-1), x_0)
            yield x_0, labels[chosen]


def train(task: Task, recipe: Recipe, network: nn.Module) -> Training:
    """Until the time is up."""
    optimizer, stream, step, images_seen = recipe.optimizer(network.parameters()), batches(task, recipe), 0, 0
    timesteps = recipe.scheduler.config.num_train_timesteps
    network.train()
    clock = Clock(task.minutes)
    while not clock.is_up:
        x_0, label = next(stream)
        epsilon, t = torch.randn_like(x_0), torch.randint(0, timesteps, (len(x_0),))
        loss = F.mse_loss(network(recipe.scheduler.add_noise(x_0, epsilon, t), t, label), epsilon)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step, images_seen = step + 1, images_seen + len(x_0)
        clock.tell_step(step, loss.item())
    return Training(
        contender=recipe.contender,
        version=f"with diffusers {version('diffusers')}",
        settings=f"{network_named(recipe.network, task)}, {recipe.method}",
        parameters=parameters(network),
        steps=step,
        images_seen=images_seen,
        training_seconds=clock.seconds,
    )


def sampling_of(recipe: Recipe, network: nn.Module) -> Sampling:
    """Ancestral sampling, each class as often as the others."""
    network.eval()

    def predict(x_t: Tensor, t: int, label: Tensor) -> Tensor:
        return network(x_t, torch.full((len(x_t),), t), label)

    @torch.no_grad()
    def draw(first: int, count: int, steps: int) -> np.ndarray:
        x_t, label = torch.randn(count, 1, SIDE, SIDE), torch.arange(first, first + count) % CLASSES
        recipe.scheduler.set_timesteps(steps)
        for t in recipe.scheduler.timesteps:
            x_t = recipe.scheduler.step(predict(x_t, int(t), label), t, x_t).prev_sample
        return to_bytes(x_t / 2 + 0.5)

    @torch.no_grad()
    def evaluate(count: int) -> object:
        return predict(torch.zeros(count, 1, SIDE, SIDE), 1, torch.zeros(count, dtype=torch.int64))

    return Sampling("DDPM", recipe.scheduler.config.num_train_timesteps, SAMPLING_BATCH, evaluate, draw)


def compete(recipe: Recipe) -> None:
    """Train and draw, as the command line asks."""
    task = Task.parse()
    torch.manual_seed(0)
    network = recipe.build() if task.width is None else NevoaNetwork(task.width, task.shape)
    training = train(task, recipe, network)
    finish(task, training, sampling_of(recipe, network))
