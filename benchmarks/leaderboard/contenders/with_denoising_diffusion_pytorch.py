"""denoising-diffusion-pytorch: the network, diffusion and Trainer of its README.

What had to change: clothes are padded from 28 to 32 pixels, since its U-Net halves them three times, and cropped again,
and have one channel; mixed precision only on a GPU, since accelerate refuses fp16 on a CPU. Drawing and FID during
training are off: all of the time goes into training.
"""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import Clock, Task, Training, parameters
from drawing import Sampling, cropped, finish, to_bytes
from nevoa_network import NevoaNetwork, network_named, nevoa_batch
from PIL import Image

BATCH, ACCUMULATE = 32, 2
LEARNING_RATE, EMA_DECAY = 8e-5, 0.995
TIMESTEPS, SAMPLING_STEPS, SAMPLING_BATCH = 1000, 250, 64
ENDLESS = 10**9
NETWORK, METHOD = "U-Net dim 64 x (1, 2, 4, 8)", "sigmoid schedule, v, Adam 8e-5, EMA 0.995"


class TimeIsUp(Exception):
    """Leaves the Trainer's loop, which has no other way out."""


def write_folder(images: np.ndarray, folder: Path, padding: int) -> None:
    """Padded PNGs: the Trainer reads nothing but a folder of pictures."""
    border = (padding, padding)
    for number, image in enumerate(images):
        padded = np.pad(image, (border, border, (0, 0)))
        Image.fromarray(padded[..., 0] if padded.shape[2] == 1 else padded).save(
            folder / f"{number:05d}.png", compress_level=1
        )


def timed_batches(batches: Iterator[Any], trainer: Any, clock: Clock, accumulate: int) -> Iterator[Any]:
    """The Trainer's own batches until the time is up, which is seen before a step, not between its two batches."""
    for number, batch in enumerate(batches):
        if number % accumulate == 0 and clock.is_up:
            raise TimeIsUp
        clock.tell_step(trainer.step)
        yield batch


def train(task: Task, diffusion: Any) -> tuple[Training, Any]:
    """The library's Trainer; the average is what it draws with."""
    from denoising_diffusion_pytorch import Trainer  # pyright: ignore[reportMissingImports]

    batch, accumulate = (BATCH, ACCUMULATE) if task.width is None else (nevoa_batch(), 1)
    with tempfile.TemporaryDirectory() as folder:
        write_folder(np.load(task.data, mmap_mode="r"), Path(folder), task.padding)
        trainer = Trainer(
            diffusion,
            folder,
            train_batch_size=batch,
            train_lr=LEARNING_RATE,
            train_num_steps=ENDLESS,
            gradient_accumulate_every=accumulate,
            ema_decay=EMA_DECAY,
            amp=torch.cuda.is_available(),
            calculate_fid=False,
            save_and_sample_every=ENDLESS,
            results_folder=str(task.out / "results"),
        )
        clock = Clock(task.minutes)
        trainer.dl = timed_batches(trainer.dl, trainer, clock, accumulate)
        with suppress(TimeIsUp):
            trainer.train()
        seconds = clock.seconds
    method = METHOD + task.padding_in_words
    training = Training(
        contender="denoising-diffusion-pytorch",
        version=version("denoising-diffusion-pytorch"),
        settings=f"its README's: {network_named(NETWORK, task)}, batch {accumulate} x {batch}, {method}",
        parameters=parameters(diffusion.model),
        steps=trainer.step,
        images_seen=trainer.step * batch * accumulate,
        training_seconds=seconds,
    )
    return training, trainer.ema.ema_model


def diffusion_of(network: Any, side: int, steps: int) -> Any:
    """The README's process, with its DDIM of so many steps."""
    from denoising_diffusion_pytorch import GaussianDiffusion  # pyright: ignore[reportMissingImports]

    return GaussianDiffusion(network, image_size=side, timesteps=TIMESTEPS, sampling_timesteps=steps)


def sampling_of(network: Any, task: Task) -> Sampling:
    """Its DDIM with the default eta, 0."""
    device, side = next(network.parameters()).device, task.padded[1]

    def draw(_: int, count: int, steps: int) -> np.ndarray:
        x_0 = diffusion_of(network, side, steps).to(device).sample(batch_size=count)
        return to_bytes(cropped(x_0, task.padding))

    @torch.inference_mode()
    def evaluate(count: int) -> object:
        t = torch.zeros(count, dtype=torch.int64, device=device)
        return network(torch.zeros(count, *task.padded, device=device), t)

    return Sampling("DDIM", SAMPLING_STEPS, SAMPLING_BATCH, evaluate, draw)


def build_network(channels: int) -> Any:
    """The README's U-Net."""
    from denoising_diffusion_pytorch import Unet  # pyright: ignore[reportMissingImports]

    return Unet(dim=64, dim_mults=(1, 2, 4, 8), channels=channels, flash_attn=True)


def main() -> None:
    task = Task.parse()
    torch.manual_seed(0)
    channels, side, _ = task.padded
    network = build_network(channels) if task.width is None else NevoaNetwork(task.width, task.shape)
    training, average = train(task, diffusion_of(network, side, SAMPLING_STEPS))
    finish(task, training, sampling_of(average.model.eval(), task))


if __name__ == "__main__":
    main()
