"""denoising-diffusion-pytorch: the network, diffusion and Trainer of its README.

What had to change: images are padded from 28 to 32 pixels, since its U-Net halves them three times, and cropped again;
one channel; mixed precision only on a GPU, since accelerate refuses fp16 on a CPU. Drawing and FID during training are
off: all of the time goes into training.
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
from drawing import Sampling, finish, to_bytes
from PIL import Image

PADDING, SIDE = 2, 32
BATCH, ACCUMULATE = 32, 2
LEARNING_RATE, EMA_DECAY = 8e-5, 0.995
TIMESTEPS, SAMPLING_STEPS, SAMPLING_BATCH = 1000, 250, 64
ENDLESS = 10**9
SETTINGS = (
    "its README's: U-Net dim 64 x (1, 2, 4, 8) on images padded to 32, sigmoid schedule, v, Adam 8e-5, "
    "batch 2 x 32, EMA 0.995"
)


class TimeIsUp(Exception):
    """Leaves the Trainer's loop, which has no other way out."""


def write_folder(images: np.ndarray, folder: Path) -> None:
    """Padded PNGs: the Trainer reads nothing but a folder of pictures."""
    border = (PADDING, PADDING)
    for number, image in enumerate(np.pad(images[..., 0], ((0, 0), border, border))):
        Image.fromarray(image).save(folder / f"{number:05d}.png", compress_level=1)


def timed_batches(batches: Iterator[Any], trainer: Any, clock: Clock) -> Iterator[Any]:
    """The Trainer's own batches until the time is up, which is seen before a step, not between its two batches."""
    for number, batch in enumerate(batches):
        if number % ACCUMULATE == 0 and clock.is_up:
            raise TimeIsUp
        clock.tell_step(trainer.step)
        yield batch


def train(task: Task, diffusion: Any) -> tuple[Training, Any]:
    """The library's Trainer; the average is what it draws with."""
    from denoising_diffusion_pytorch import Trainer  # pyright: ignore[reportMissingImports]

    with tempfile.TemporaryDirectory() as folder:
        write_folder(np.load(task.data), Path(folder))
        trainer = Trainer(
            diffusion,
            folder,
            train_batch_size=BATCH,
            train_lr=LEARNING_RATE,
            train_num_steps=ENDLESS,
            gradient_accumulate_every=ACCUMULATE,
            ema_decay=EMA_DECAY,
            amp=torch.cuda.is_available(),
            calculate_fid=False,
            save_and_sample_every=ENDLESS,
            results_folder=str(task.out / "results"),
        )
        clock = Clock(task.minutes)
        trainer.dl = timed_batches(trainer.dl, trainer, clock)
        with suppress(TimeIsUp):
            trainer.train()
        seconds = clock.seconds
    training = Training(
        contender="denoising-diffusion-pytorch",
        version=version("denoising-diffusion-pytorch"),
        settings=SETTINGS,
        parameters=parameters(diffusion.model),
        steps=trainer.step,
        images_seen=trainer.step * BATCH * ACCUMULATE,
        training_seconds=seconds,
    )
    return training, trainer.ema.ema_model


def diffusion_of(network: Any, steps: int) -> Any:
    """The README's process, with its DDIM of so many steps."""
    from denoising_diffusion_pytorch import GaussianDiffusion  # pyright: ignore[reportMissingImports]

    return GaussianDiffusion(network, image_size=SIDE, timesteps=TIMESTEPS, sampling_timesteps=steps)


def sampling_of(network: Any) -> Sampling:
    """Its DDIM with the default eta, 0."""
    device = next(network.parameters()).device

    def draw(_: int, count: int, steps: int) -> np.ndarray:
        x_0 = diffusion_of(network, steps).to(device).sample(batch_size=count)
        return to_bytes(x_0[..., PADDING:-PADDING, PADDING:-PADDING])

    @torch.inference_mode()
    def evaluate(count: int) -> object:
        t = torch.zeros(count, dtype=torch.int64, device=device)
        return network(torch.zeros(count, 1, SIDE, SIDE, device=device), t)

    return Sampling("DDIM", SAMPLING_STEPS, SAMPLING_BATCH, evaluate, draw)


def main() -> None:
    from denoising_diffusion_pytorch import Unet  # pyright: ignore[reportMissingImports]

    task = Task.parse()
    torch.manual_seed(0)
    network = Unet(dim=64, dim_mults=(1, 2, 4, 8), channels=1, flash_attn=True)
    training, average = train(task, diffusion_of(network, SAMPLING_STEPS))
    finish(task, training, sampling_of(average.model.eval()))


if __name__ == "__main__":
    main()
