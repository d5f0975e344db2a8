"""smalldiffusion as its examples use it: network, schedules, optimizer, average and sampler.

Clothes by examples/fashion_mnist_unet.py, images in colour by examples/cifar_unet.py. Their batches are put together
from micro-batches, so that they fit in memory: accelerate's gradient accumulation around its training loop, the same
gradient as of the whole batch.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from common import Clock, Task, Training, parameters
from drawing import Sampling, finish, to_bytes
from nevoa_network import for_smalldiffusion, network_named, nevoa_batch
from PIL import Image

# As many as 128 clothes have.
MICRO_BATCH_PIXELS = 128 * 28 * 28
SAMPLING_BATCH = 64


@dataclass(frozen=True)
class Example:
    """The settings of an example.

    Attributes:
        attention: the side at which the U-Net attends.
        schedule: the class of the library that training takes, and its arguments.
        sigmas: the arguments of the log-linear schedule by which images are drawn.
        steps: of sampling, with the momentum `gam`.
    """

    name: str
    width: int
    multipliers: tuple[int, ...]
    attention: int
    schedule: tuple[str, dict[str, float]]
    sigmas: dict[str, float]
    batch: int
    learning_rate: float
    ema_decay: float
    steps: int
    gam: float

    @property
    def network(self) -> str:
        """Its U-Net in words."""
        return f"U-Net ch {self.width} x {self.multipliers}, attention at {self.attention}, dropout 0.1"

    @property
    def method(self) -> str:
        """The rest in words."""
        return f"{self.schedule[0]}, epsilon, AdamW {self.learning_rate:g}, EMA {self.ema_decay:g}"


LOG_LINEAR = {"N": 800, "sigma_min": 0.01, "sigma_max": 20}
CLOTHES = Example(
    name="fashion_mnist_unet.py",
    width=64,
    multipliers=(1, 1, 2),
    attention=14,
    schedule=("ScheduleLogLinear", LOG_LINEAR),
    sigmas=LOG_LINEAR,
    batch=1024,
    learning_rate=7e-4,
    ema_decay=0.999,
    steps=20,
    gam=1.6,
)
COLOURS = Example(
    name="cifar_unet.py",
    width=128,
    multipliers=(1, 2, 2, 2),
    attention=16,
    schedule=("ScheduleSigmoid", {"N": 1000}),
    sigmas={"N": 1000, "sigma_min": 0.01, "sigma_max": 35},
    batch=256,
    learning_rate=2e-4,
    ema_decay=0.9999,
    steps=10,
    gam=2.1,
)


def loader_of(images: np.ndarray, micro_batch: int) -> Any:
    """Shuffled micro-batches, mirrored by the library's own transform."""
    from smalldiffusion import MappedDataset, img_train_transform  # pyright: ignore[reportMissingImports]

    pixels = images[..., 0] if images.shape[-1] == 1 else images
    dataset = MappedDataset(pixels, lambda one: img_train_transform(Image.fromarray(one)))
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


def train(task: Task, example: Example, network: Any, schedule: Any, average: Any) -> Training:
    """The library's training loop until the time is up."""
    from accelerate import Accelerator  # pyright: ignore[reportMissingImports]
    from accelerate.utils import GradientAccumulationPlugin  # pyright: ignore[reportMissingImports]
    from smalldiffusion import training_loop  # pyright: ignore[reportMissingImports]

    fitting = 2 ** int(math.log2(MICRO_BATCH_PIXELS / task.shape[1] ** 2))
    batch, micro_batch = (example.batch, fitting) if task.width is None else (nevoa_batch(),) * 2
    accumulation = GradientAccumulationPlugin(num_steps=batch // micro_batch, sync_with_dataloader=False)
    accelerator = Accelerator(gradient_accumulation_plugin=accumulation)
    loader, step = loader_of(np.load(task.data), micro_batch), 0
    loop = training_loop(loader, network, schedule, accelerator=accelerator, lr=example.learning_rate)
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
        settings=f"its {example.name}: {network_named(example.network, task)}, batch {batch}, {example.method}",
        parameters=parameters(network),
        steps=step,
        images_seen=step * batch,
        training_seconds=clock.seconds,
    )


def sampling_of(example: Example, network: Any) -> Sampling:
    """Its sampler with the example's momentum; `sample_sigmas` takes any number of steps."""
    from smalldiffusion import (  # pyright: ignore[reportMissingImports]
        ScheduleLogLinear,
        img_normalize,
        samples,
    )

    schedule = ScheduleLogLinear(**example.sigmas)

    def draw(_: int, count: int, steps: int) -> np.ndarray:
        states = samples(network, schedule.sample_sigmas(steps), gam=example.gam, batchsize=count)
        return to_bytes(img_normalize(deque(states, maxlen=1).pop()))

    @torch.no_grad()
    def evaluate(count: int) -> object:
        device = next(network.parameters()).device
        return network.eval()(network.rand_input(count).to(device), torch.tensor(1.0, device=device))

    return Sampling(f"accelerated, gam {example.gam}", example.steps, SAMPLING_BATCH, evaluate, draw)


def build_network(example: Example, channels: int, side: int) -> Any:
    """The example's U-Net."""
    from smalldiffusion import Scaled, Unet  # pyright: ignore[reportMissingImports]

    keys = {"ch": example.width, "ch_mult": example.multipliers, "attn_resolutions": (example.attention,)}
    return Scaled(Unet)(side, channels, channels, **keys)


def main() -> None:
    import smalldiffusion  # pyright: ignore[reportMissingImports]
    from torch_ema import ExponentialMovingAverage  # pyright: ignore[reportMissingImports]

    task = Task.parse()
    torch.manual_seed(0)
    channels, side, _ = task.shape
    example = CLOTHES if channels == 1 else COLOURS
    kind, arguments = example.schedule
    schedule = getattr(smalldiffusion, kind)(**arguments)
    if task.width is None:
        network = build_network(example, channels, side)
    else:
        low, high = float(schedule.sigmas.min()), float(schedule.sigmas.max())
        network = for_smalldiffusion(task.width, task.shape, low, high)
    average = ExponentialMovingAverage(network.parameters(), decay=example.ema_decay)
    training = train(task, example, network, schedule, average)
    with average.average_parameters():
        finish(task, training, sampling_of(example, network))


if __name__ == "__main__":
    main()
