"""Training steps on a GPU: images a second, share of the card's bf16 rate and memory, beside two other libraries.

    pip install diffusers denoising-diffusion-pytorch
    python benchmarks/gpu.py [--presets ddpm-cifar10 quick classic] [--batches 128 256 512 1024] [--seconds 5]

Each library trains a network of its own with about as many parameters as nevoa's preset, in bf16, by its own step: its
noise, its loss, its optimizer, its average. The others get their images on the card already; nevoa's step draws its
batch and copies it. Prints a table; a library that is missing is named. `--device cpu` only shows that it works.
"""

import argparse
import importlib.util
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

import nevoa
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.training import plan
from nevoa.training.loop import training_steps
from nevoa.training.state import TrainingState

IMAGES, WARM_UP, MATRIX = 4096, 5, 8192
# Shape and options of each preset; `quick` chooses its width by the minutes otherwise.
PRESETS = {
    "ddpm-cifar10": ((3, 32, 32), ()),
    "quick": ((1, 32, 32), ("network.dim=64",)),
    "classic": ((1, 32, 32), ()),
}
Take = Callable[[], object]


class Case(NamedTuple):
    """A row of the table, but for the library."""

    preset: str
    batch: int
    device: str

    @property
    def shape(self) -> tuple[int, int, int]:
        return PRESETS[self.preset][0]

    def images(self) -> Tensor:
        return torch.rand(self.batch, *self.shape, device=self.device) * 2 - 1


class Trainer(NamedTuple):
    """A network, and what takes a training step with it."""

    network: nn.Module
    take: Take


def with_nevoa(case: Case, parameters: int = 0) -> Trainer:
    shape, options = PRESETS[case.preset]
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, *shape[1:], shape[0]), dtype=np.uint8)
    images = ImageSet.of("noise", pixels, np.arange(IMAGES) % 10, [str(digit) for digit in range(10)])
    own = (f"training.device={case.device}", f"training.batch_size={case.batch}", "training.precision=bfloat16")
    config = nevoa.configure("shapes", case.preset, steps=10**9, options=(*options, *own))
    state = TrainingState.fresh(plan(config, images, records=False).plan, shape)
    steps = training_steps(state, images)
    return Trainer(state.network, lambda: next(steps))


def with_diffusers(case: Case, parameters: int) -> Trainer:
    """The step of its examples/unconditional_image_generation."""
    from diffusers import DDPMScheduler, UNet2DModel  # pyright: ignore[reportPrivateImportUsage]
    from diffusers.training_utils import EMAModel

    def build(width: int) -> nn.Module:
        down, up = ["DownBlock2D"] * 4, ["UpBlock2D"] * 4
        down[1], up[2] = "AttnDownBlock2D", "AttnUpBlock2D"
        return UNet2DModel(
            sample_size=case.shape[1],
            in_channels=case.shape[0],
            out_channels=case.shape[0],
            block_out_channels=(width, 2 * width, 2 * width, 2 * width),
            down_block_types=tuple(down),
            up_block_types=tuple(up),
            norm_num_groups=8,
        )

    network, x_0 = closest(build, parameters).to(case.device), case.images()
    scheduler, average = DDPMScheduler(), EMAModel(network.parameters(), use_ema_warmup=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, betas=(0.95, 0.999), weight_decay=1e-6)

    def take() -> None:
        epsilon, t = torch.randn_like(x_0), torch.randint(0, 1000, (case.batch,), device=case.device)
        with torch.autocast(case.device, torch.bfloat16):
            output = network(scheduler.add_noise(x_0, epsilon, t), t).sample  # pyright: ignore[reportArgumentType]
        updated(F.mse_loss(output.float(), epsilon), network, optimizer)
        average.step(network.parameters())

    return Trainer(network, take)


def with_denoising_diffusion_pytorch(case: Case, parameters: int) -> Trainer:
    """The step of its Trainer."""
    from denoising_diffusion_pytorch import GaussianDiffusion, Unet  # pyright: ignore[reportMissingImports]
    from ema_pytorch import EMA  # pyright: ignore[reportMissingImports]

    network = closest(lambda width: Unet(width, dim_mults=(1, 2, 2, 2), channels=case.shape[0]), parameters)
    diffusion = GaussianDiffusion(network, image_size=case.shape[1]).to(case.device)
    average, x = EMA(diffusion, beta=0.995, update_every=10), (case.images() + 1) / 2
    optimizer = torch.optim.Adam(diffusion.parameters(), lr=1e-4, betas=(0.9, 0.99))

    def take() -> None:
        with torch.autocast(case.device, torch.bfloat16):
            loss = diffusion(x)
        updated(loss, diffusion, optimizer)
        average.update()

    return Trainer(network, take)


LIBRARIES = {
    "nevoa": with_nevoa,
    "diffusers": with_diffusers,
    "denoising_diffusion_pytorch": with_denoising_diffusion_pytorch,
}


def updated(loss: Tensor, network: nn.Module, optimizer: torch.optim.Optimizer) -> float:
    """Both libraries clip the gradient and read the loss in each step."""
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def closest(build: Callable[[int], nn.Module], parameters: int) -> nn.Module:
    """Of widths that are multiples of eight, the network that has about so many parameters."""
    with torch.device("meta"):
        widths = {width: abs(count_of(build(width)) - parameters) for width in range(16, 264, 8)}
    return build(min(widths, key=lambda width: widths[width]))


def count_of(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def flop_of(network: nn.Module, case: Case) -> int:
    """Of training on an image: three times those of evaluating the network."""
    x, t = case.images()[:1], torch.ones(1, dtype=torch.int64, device=case.device)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(x, t)
    return 3 * counter.get_total_flops()


def peak_rate(device: str, seconds: float) -> float:
    """FLOP/s of a product of large bf16 matrices."""
    size = MATRIX if device == "cuda" else MATRIX // 16
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * size**3 * rate(lambda: a @ b, device, seconds)


def rate(take: Take, device: str, seconds: float) -> float:
    """Calls a second, over at least so many seconds."""
    for _ in range(WARM_UP):
        take()
    wait(device)
    start, calls = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        take()
        calls += 1
    wait(device)
    return calls / (time.perf_counter() - start)


def wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def rows(wish: Any) -> Iterator[str]:
    """The lines of the table."""
    peak = peak_rate(wish.device, wish.seconds)
    card = torch.cuda.get_device_name() if wish.device == "cuda" else "CPU"
    yield f"{card}, torch {torch.__version__}, bf16 matrices: {peak / 1e12:.3g} TFLOP/s\n"
    yield "| preset | batch | library | parameters | images/s | share of the bf16 rate | peak memory |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    smallest = {preset: Case(preset, min(wish.batches), wish.device) for preset in wish.presets}
    counts = {preset: count_of(with_nevoa(case).network) for preset, case in smallest.items()}
    for case in (Case(preset, batch, wish.device) for preset in wish.presets for batch in wish.batches):
        parameters = counts[case.preset]
        for name, make in LIBRARIES.items():
            start = f"| {case.preset} | {case.batch} | {name} |"
            if importlib.util.find_spec(name) is None:
                yield f"{start} not installed | | | |"
                continue
            try:
                yield f"{start} {cells(make(case, parameters), case, wish.seconds, peak)} |"
            except (torch.OutOfMemoryError, NevoaError):
                yield f"{start} does not fit | | | |"


def cells(trainer: Trainer, case: Case, seconds: float, peak: float) -> str:
    """What is measured of a library's step."""
    if case.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    per_second = case.batch * rate(trainer.take, case.device, seconds)
    memory = f"{torch.cuda.max_memory_allocated() / 2**30:.2f} GiB" if case.device == "cuda" else "-"
    share = per_second * flop_of(trainer.network, case) / peak
    return f"{count_of(trainer.network) / 1e6:.1f} M | {per_second:,.0f} | {share:.1%} | {memory}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=list(PRESETS))
    parser.add_argument("--batches", nargs="+", type=int, default=[128, 256, 512, 1024])
    parser.add_argument("--seconds", type=float, default=5, help="of steps, for each row (default: 5)")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    wish = parser.parse_args()
    if wish.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("This machine has no CUDA device: --device cpu only shows that the benchmark works.")
    for line in rows(wish):
        print(line, flush=True)


if __name__ == "__main__":
    main()
