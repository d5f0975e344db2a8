"""smalldiffusion as its examples/fashion_mnist_unet.py uses it: network, schedule, optimizer, average and sampler.

Its batches of 1024 are put together from micro-batches, so that they fit in memory: accelerate's gradient accumulation
around its training loop, the same gradient as of the whole batch.
"""

from collections import deque
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from common import SIDE, Clock, Task, Training, parameters
from drawing import Sampling, finish, to_bytes
from nevoa_network import for_smalldiffusion, network_named, nevoa_batch
from PIL import Image

BATCH, MICRO_BATCH = 1024, 128
SIGMA_MIN, SIGMA_MAX = 0.01, 20
LEARNING_RATE, EMA_DECAY = 7e-4, 0.999
SAMPLING_STEPS, GAM, SAMPLING_BATCH = 20, 1.6, 64
NETWORK = "U-Net ch 64 x (1, 1, 2), attention at 14, dropout 0.1"
METHOD = "log-linear sigma 0.01 to 20, epsilon, AdamW 7e-4, EMA 0.999"


def loader_of(images: np.ndarray, micro_batch: int) -> Any:
    """Shuffled micro-batches, mirrored by the library's own transform."""
    from smalldiffusion import MappedDataset, img_train_transform  # pyright: ignore[reportMissingImports]

    dataset = MappedDataset(images[..., 0], lambda pixels: img_train_transform(Image.fromarray(pixels)))
    return torch.utils.data.DataLoader(dataset, batch_size=micro_batch, shuffle=True, drop_last=True)


def micro_steps(loop: Iterator[Any], accelerator: Any, network: torch.nn.Module) -> Iterator[float]:
    """The loss of each micro-batch once its gradient is added. The optimizer moves with the last of each batch.

    The loop stops between a loss and its gradient: what `next` does in `accumulate` is the gradient of the loss before.
    """
    loss = next(loop).loss.item()
    while True:
        with accelerator.accumulate(network):
            following = next(loop).loss.item()
        yield loss
        loss = following


def train(task: Task, network: Any, schedule: Any, average: Any) -> Training:
    """The library's training loop until the time is up."""
    from accelerate import Accelerator  # pyright: ignore[reportMissingImports]
    from accelerate.utils import GradientAccumulationPlugin  # pyright: ignore[reportMissingImports]
    from smalldiffusion import training_loop  # pyright: ignore[reportMissingImports]

    batch, micro_batch = (BATCH, MICRO_BATCH) if task.width is None else (nevoa_batch(),) * 2
    accumulation = GradientAccumulationPlugin(num_steps=batch // micro_batch, sync_with_dataloader=False)
    accelerator = Accelerator(gradient_accumulation_plugin=accumulation)
    loader, step = loader_of(np.load(task.data), micro_batch), 0
    loop = training_loop(loader, network, schedule, accelerator=accelerator, lr=LEARNING_RATE)
    average.to(accelerator.device)
    clock = Clock(task.minutes)
    for loss in micro_steps(loop, accelerator, network):
        clock.tell_step(step, loss)
        if accelerator.sync_gradients:
            step += 1
            average.update()
            if clock.is_up:
                break
    return Training(
        contender="smalldiffusion",
        version=version("smalldiffusion"),
        settings=f"its example: {network_named(NETWORK, task.width)}, batch {batch}, {METHOD}",
        parameters=parameters(network),
        steps=step,
        images_seen=step * batch,
        training_seconds=clock.seconds,
    )


def sampling_of(network: Any, schedule: Any) -> Sampling:
    """Its sampler with the example's momentum; `sample_sigmas` takes any number of steps."""
    from smalldiffusion import img_normalize, samples  # pyright: ignore[reportMissingImports]

    def draw(_: int, count: int, steps: int) -> np.ndarray:
        states = samples(network, schedule.sample_sigmas(steps), gam=GAM, batchsize=count)
        return to_bytes(img_normalize(deque(states, maxlen=1).pop()))

    @torch.no_grad()
    def evaluate(count: int) -> object:
        device = next(network.parameters()).device
        return network.eval()(network.rand_input(count).to(device), torch.tensor(1.0, device=device))

    return Sampling(f"accelerated, gam {GAM}", SAMPLING_STEPS, SAMPLING_BATCH, evaluate, draw)


def build_network() -> Any:
    """The example's U-Net."""
    from smalldiffusion import Scaled, Unet  # pyright: ignore[reportMissingImports]

    return Scaled(Unet)(SIDE, 1, 1, ch=64, ch_mult=(1, 1, 2), attn_resolutions=(14,))


def main() -> None:
    from smalldiffusion import ScheduleLogLinear  # pyright: ignore[reportMissingImports]
    from torch_ema import ExponentialMovingAverage  # pyright: ignore[reportMissingImports]

    task = Task.parse()
    torch.manual_seed(0)
    schedule = ScheduleLogLinear(sigma_min=SIGMA_MIN, sigma_max=SIGMA_MAX, N=800)
    network = build_network() if task.width is None else for_smalldiffusion(task.width, SIGMA_MIN, SIGMA_MAX)
    average = ExponentialMovingAverage(network.parameters(), decay=EMA_DECAY)
    training = train(task, network, schedule, average)
    with average.average_parameters():
        finish(task, training, sampling_of(network, schedule))


if __name__ == "__main__":
    main()
