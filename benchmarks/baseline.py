"""The baseline that ratios are against: `classic` as a notebook runs it, eager float32, nothing tuned.

    .venv/bin/python benchmarks/baseline.py

Prints training steps per second (batch 128), the computing per generated image (1000 steps, batch 64), and how fast the
same machine does float32 convolutions, all in one run. On a noisy machine only ratios within a run mean anything.
"""

import statistics
import time
from collections.abc import Callable

import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from nevoa.data import Batches, open_source
from nevoa.diffusion import Denoiser, NoiseSchedule
from nevoa.networks import UNet
from nevoa.sampling import Ancestral

BATCH, SAMPLES, T = 128, 64, 1000


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median over `repeats` calls, after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    torch.manual_seed(0)
    network = UNet(channels=1, dim=28, multipliers=(1, 2, 4), block="convnext", mult=2)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    denoiser = Denoiser(network, NoiseSchedule.linear(T))
    x_0 = Batches(open_source("fashion_mnist_10k"), seed=0, flip=True).batch(0, BATCH)

    def train_step() -> None:
        optimizer.zero_grad()
        loss = denoiser.loss(x_0, torch.randint(1, T + 1, (BATCH,)), torch.randn_like(x_0), "huber").mean()
        loss.backward()
        optimizer.step()

    @torch.no_grad()
    def sample_step() -> None:
        x_t = torch.randn(SAMPLES, 1, 28, 28)
        estimate = denoiser(x_t, torch.full((SAMPLES,), 500))
        Ancestral().step(denoiser.process, x_t, estimate, 500, 499, lambda: torch.randn_like(x_t))

    image, weight = torch.randn(64, 64, 28, 28), torch.randn(64, 64, 3, 3)
    with FlopCounterMode(display=False) as flop, torch.no_grad():
        network(x_0[:1], torch.ones(1, dtype=torch.int64))
    conv_flop = 2 * 64 * 28 * 28 * 9 * 64 * 64
    train, sample = seconds(train_step, 5), seconds(sample_step, 5)
    conv = seconds(lambda: F.conv2d(image, weight, padding=1), 20)
    threads, units = torch.get_num_threads(), torch.backends.cpu.get_cpu_capability()
    flops = 3 * flop.get_total_flops() * BATCH / train
    print(f"machine      {threads} threads, {units}, torch {torch.__version__}")
    print(f"training     {1 / train:.3f} steps/s of {BATCH} images; {train:.2f} s a step; {flops / 1e9:.0f} GFLOP/s")
    print(f"sampling     {sample * T / SAMPLES:.2f} s of computing an image ({T} steps, {SAMPLES} images at once)")
    print(f"convolution  {conv_flop / conv / 1e9:.0f} GFLOP/s (float32, 3x3, 64 channels, 28x28, batch 64)")


if __name__ == "__main__":
    main()
