"""diffusers: a training loop of our own with the settings of its examples/unconditional_image_generation.

Network, optimizer, learning rates, average and noise are what train_unconditional.py takes by default, with the EMA and
the mirroring of its README's commands. What had to change: images keep their size instead of being resized
to 64; clothes have one channel, and are padded from 28 to 32 pixels, since its U-Net halves them five times. Its
learning rate falls along a cosine to the last step; how many steps there will be is reckoned from the first ones.
"""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from common import Clock, Task, Training, parameters
from drawing import Sampling, cropped, finish, to_bytes
from nevoa_network import ForDiffusers, network_named, nevoa_batch
from torch import Tensor
from torch.nn import functional as F

BATCH, TIMESTEPS, WARMUP_STEPS = 16, 1000, 500
SAMPLING_STEPS, SAMPLING_BATCH = 1000, 64
WIDTHS = (128, 128, 256, 256, 512, 512)
ATTENTION_AT, TIMED_STEPS = 4, 6
NETWORK = "U-Net (128, 128, 256, 256, 512, 512)"
METHOD = "linear schedule, epsilon, AdamW 1e-4, 500 steps of warm-up, cosine, EMA up to 0.9999"


def build_network(channels: int, side: int) -> Any:
    """The script's U-Net: six stages, attention in the fifth."""
    from diffusers import UNet2DModel  # pyright: ignore[reportMissingImports, reportPrivateImportUsage]

    down = ["DownBlock2D"] * len(WIDTHS)
    down[ATTENTION_AT] = "AttnDownBlock2D"
    up = [name.replace("Down", "Up") for name in reversed(down)]
    return UNet2DModel(
        sample_size=side,
        in_channels=channels,
        out_channels=channels,
        layers_per_block=2,
        block_out_channels=WIDTHS,
        down_block_types=tuple(down),
        up_block_types=tuple(up),
    )


def batches(images: np.ndarray, device: str, batch: int, padding: int) -> Iterator[Tensor]:
    """x_0 in [-1, 1], padded with black: epoch after epoch in a new order, each image mirrored half the time."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2)
    while True:
        for chosen in torch.randperm(len(pixels)).split(batch):
            x_0 = F.pad(pixels[chosen].float() / 127.5 - 1, (padding,) * 4, value=-1)
            mirrored = torch.rand(len(x_0), 1, 1, 1) < 0.5
            yield torch.where(mirrored, x_0.flip(-1), x_0).to(device)


def train_step(network: Any, scheduler: Any, optimizer: torch.optim.Optimizer, x_0: Tensor) -> float:
    """The mean square of what is wrong with the predicted noise; its gradient, clipped; the optimizer's step."""
    epsilon = torch.randn_like(x_0)
    t = torch.randint(0, TIMESTEPS, (len(x_0),), device=x_0.device)
    loss = F.mse_loss(network(scheduler.add_noise(x_0, epsilon, t), t).sample, epsilon)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def train(task: Task, network: Any, scheduler: Any) -> Training:
    """Until the time is up; the average is in the network afterwards."""
    from diffusers.optimization import get_cosine_schedule_with_warmup  # pyright: ignore[reportMissingImports]
    from diffusers.training_utils import EMAModel  # pyright: ignore[reportMissingImports]

    average = EMAModel(network.parameters(), decay=0.9999, use_ema_warmup=True, inv_gamma=1.0, power=3 / 4)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, betas=(0.95, 0.999), weight_decay=1e-6, eps=1e-8)
    batch = BATCH if task.width is None else nevoa_batch()
    stream, step, first_seconds = batches(np.load(task.data), network.device, batch, task.padding), 0, 0.0
    network.train()
    clock = Clock(task.minutes)
    # While it warms up, the learning rate does not depend on the number of steps: TIMED_STEPS are over long before.
    rates = get_cosine_schedule_with_warmup(optimizer, WARMUP_STEPS, 10**9)
    while not clock.is_up:
        loss = train_step(network, scheduler, optimizer, next(stream))
        rates.step()
        average.step(network.parameters())
        step += 1
        clock.tell_step(step, loss)
        if step == 1:
            first_seconds = clock.seconds  # the first step also warms the machine up
        elif step == TIMED_STEPS:
            per_step = (clock.seconds - first_seconds) / (TIMED_STEPS - 1)
            total = TIMED_STEPS + int((clock.budget - clock.seconds) / per_step)
            rates = get_cosine_schedule_with_warmup(optimizer, WARMUP_STEPS, total, last_epoch=step - 1)
    average.copy_to(network.parameters())
    method = METHOD + task.padding_in_words
    return Training(
        contender="diffusers",
        version=version("diffusers"),
        settings=f"its train_unconditional.py: {network_named(NETWORK, task)}, batch {batch}, {method}",
        parameters=parameters(network),
        steps=step,
        images_seen=step * batch,
        training_seconds=clock.seconds,
    )


def sampling_of(network: Any, scheduler: Any, task: Task) -> Sampling:
    """The loop of its DDPM pipeline: the scheduler respaces itself for any number of steps."""
    network.eval()

    @torch.no_grad()
    def draw(_: int, count: int, steps: int) -> np.ndarray:
        x_t = torch.randn(count, *task.padded, device=network.device)
        scheduler.set_timesteps(steps)
        for t in scheduler.timesteps:
            x_t = scheduler.step(network(x_t, t).sample, t, x_t).prev_sample
        return to_bytes(cropped(x_t / 2 + 0.5, task.padding))

    @torch.no_grad()
    def evaluate(count: int) -> object:
        return network(torch.zeros(count, *task.padded, device=network.device), 1)

    return Sampling("DDPM", SAMPLING_STEPS, SAMPLING_BATCH, evaluate, draw)


def main() -> None:
    from diffusers import DDPMScheduler  # pyright: ignore[reportMissingImports, reportPrivateImportUsage]

    task = Task.parse()
    torch.manual_seed(0)
    scheduler = DDPMScheduler(num_train_timesteps=TIMESTEPS)
    channels, side, _ = task.padded
    network = build_network(channels, side) if task.width is None else ForDiffusers(task.width, task.shape)
    network = network.to("cuda" if torch.cuda.is_available() else "cpu")
    training = train(task, network, scheduler)
    finish(task, training, sampling_of(network, scheduler, task))


if __name__ == "__main__":
    main()
