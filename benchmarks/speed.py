"""How fast nevoa trains, beside the notebook way and beside what the machine can do; ratios of one run.

    .venv/bin/python benchmarks/speed.py [--only classic agreement quick] [--seconds 20]

`classic`: training steps of preset `classic`, batch 128, by plain eager float32 PyTorch and by nevoa. `agreement`: the
losses of both over 100 steps of 16 images, the same draws; and at each step by the same weights. `quick`: how fast a
training step of preset `quick` computes at each width, beside the machine's bf16 convolutions. Each has a process to
itself, so that none warms another's memory.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from types import MethodType
from typing import Literal, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import nevoa
from nevoa.data import Batches, load_images, to_unit
from nevoa.diffusion import Denoiser, NoiseSchedule
from nevoa.networks import fresh_network
from nevoa.networks.attention import LinearAttention
from nevoa.parallel.device import timed
from nevoa.training import plan
from nevoa.training.measure import Trial
from nevoa.training.noise import TrainingNoise, uniform
from nevoa.training.width import WIDTHS

Way = Literal["notebook", "float32", "bfloat16"]
Result = TypeVar("Result")

ENDLESS = 10**9
AGREEMENT_STEPS, AGREEMENT_BATCH = 100, 16
CONVOLUTION_BATCH, CONVOLUTION_SIZE, CHANNELS = 64, 14, (64, 128, 256)


class Stepped(NamedTuple):
    """A training step: its loss, and the seconds it took."""

    loss: float
    seconds: float


class Rate(NamedTuple):
    """FLOP/s of a bf16 convolution, forward, and with both gradients."""

    forward: float
    training: float


def taught(self: LinearAttention, x: Tensor) -> Tensor:
    """Linear attention as the notebook writes it."""
    batch, _, height, width = x.shape
    q, k, v = self.qkv(x).reshape(batch, 3, self.heads, -1, height * width).unbind(1)
    context = torch.einsum("bhdn,bhen->bhde", k.softmax(dim=3), v)
    y = torch.einsum("bhde,bhdn->bhen", context, q.softmax(dim=2) * self.scale)
    return self.out(y.reshape(batch, -1, height, width))


def notebook(batch_size: int) -> Iterator[Stepped]:
    """Preset `classic` in eager float32, channels first, with nevoa's draws and first weights."""
    network, loss_of = as_taught(batch_size)
    optimizer = torch.optim.Adam(network.parameters(), lr=nevoa.configure(preset="classic").training.learning_rate)
    for first in range(0, ENDLESS, batch_size):
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = loss_of(first)
        loss.backward()
        optimizer.step()
        yield Stepped(loss.item(), time.perf_counter() - start)


def as_taught(batch_size: int) -> tuple[nn.Module, Callable[[int], Tensor]]:
    """The notebook's network, and its loss on the batch that begins at a place of the stream."""
    config, images = nevoa.configure("fashion_mnist_10k", "classic"), load_images("fashion_mnist_10k")
    network = fresh_network(config.network, images.shape[0], classes=0, seed=config.training.seed)
    for module in network.modules():
        if isinstance(module, LinearAttention):
            module.forward = MethodType(taught, module)
    timesteps, seed = config.diffusion.timesteps, config.training.seed
    denoiser = Denoiser(network, NoiseSchedule.linear(timesteps))
    batches = Batches(images, seed, {"flip": 0.5})
    draws = TrainingNoise(seed, uniform(timesteps), images.shape)

    def loss_of(first: int) -> Tensor:
        x_0 = to_unit(batches.take(first, batch_size).images, torch.channels_last)
        t, epsilon = draws.take(first, batch_size)
        return denoiser.loss(x_0, t, epsilon, "huber").mean()

    return network, loss_of


def steps_of(preset: str, way: Way, batch_size: int, *options: str) -> Iterator[Stepped]:
    """The training steps of a preset."""
    if way == "notebook":
        return notebook(batch_size)
    own = (f"training.precision={way}", f"training.batch_size={batch_size}", "training.device=cpu")
    config = nevoa.configure("fashion_mnist_10k", preset, steps=ENDLESS, options=(*own, *options))
    return (Stepped(step.loss, batch_size / step.images_per_second) for step in nevoa.fit(config))


def losses(way: Way) -> list[float]:
    """Of the first steps of `classic`."""
    return [step.loss for step in islice(steps_of("classic", way, AGREEMENT_BATCH), AGREEMENT_STEPS)]


def on_the_same_weights(way: Way) -> list[tuple[float, float]]:
    """Losses of the first steps of `classic`, and the notebook's by the weights that each step began with."""
    network, loss_of = as_taught(AGREEMENT_BATCH)
    options = (f"training.precision={way}", f"training.batch_size={AGREEMENT_BATCH}", "training.device=cpu")
    config = nevoa.configure("fashion_mnist_10k", "classic", steps=AGREEMENT_STEPS, options=options)
    pairs, steps = [], nevoa.fit(config)
    for number in range(AGREEMENT_STEPS):
        with torch.no_grad():
            expected = loss_of(number * AGREEMENT_BATCH).item()
        step = next(steps)
        pairs.append((step.loss, expected))
        network.load_state_dict(step.model.network.state_dict())
    return pairs


def seconds_of_step(preset: str, way: Way, batch_size: int, seconds: float, *options: str) -> float:
    """The median over so many seconds of steps, and three at least; one before them warms up."""
    steps, times = steps_of(preset, way, batch_size, *options), []
    next(steps)
    while len(times) < 3 or sum(times) < seconds:
        times.append(next(steps).seconds)
    return statistics.median(times)


def convolution_rate(channels: int, seconds: float) -> Rate:
    """Of a 3x3 convolution, channels last."""
    shape = CONVOLUTION_BATCH, channels, CONVOLUTION_SIZE, CONVOLUTION_SIZE
    x = torch.randn(shape).bfloat16().to(memory_format=torch.channels_last).requires_grad_()
    weight = torch.randn(channels, channels, 3, 3).bfloat16().to(memory_format=torch.channels_last).requires_grad_()
    gradient, flop = torch.ones_like(x), 2 * 9 * channels * x.numel()

    def training() -> None:
        torch.autograd.grad(F.conv2d(x, weight, padding=1), (x, weight), gradient)

    with torch.no_grad():
        forward = timed(lambda: F.conv2d(x, weight, padding=1), "cpu", seconds / 2)
    return Rate(flop / forward, 3 * flop / timed(training, "cpu", seconds / 2))


def alone(work: Callable[..., Result], *arguments: object) -> Result:
    """The result of a function, called in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(work, *arguments).result()


def classic(seconds: float) -> None:
    batch_size = nevoa.configure(preset="classic").training.batch_size
    assert isinstance(batch_size, int)
    baseline, own = (alone(seconds_of_step, "classic", way, batch_size, seconds) for way in ("notebook", "bfloat16"))
    print(f"| `classic`, batch {batch_size} | steps/s | ratio |\n| --- | --- | --- |")
    print(f"| eager float32, channels first | {1 / baseline:.3f} | 1 |")
    print(f"| nevoa, bf16 | {1 / own:.3f} | {baseline / own:.2f} |\n")


def agreement(_: float) -> None:
    baseline = torch.tensor(alone(losses, "notebook"))
    print(f"| loss beside the notebook's, {AGREEMENT_STEPS} steps of {AGREEMENT_BATCH} | mean | max |")
    print("| --- | --- | --- |")
    for way, name in ("float32", "nevoa, float32: another order of sums"), ("bfloat16", "nevoa, bf16"):
        difference = (torch.tensor(alone(losses, way)) / baseline - 1).abs()
        print(f"| {name} | {difference.mean():.2%} | {difference.max():.2%} |", flush=True)
    for way in ("float32", "bfloat16"):
        own, expected = torch.tensor(alone(on_the_same_weights, way)).T
        difference = (own / expected - 1).abs()
        print(f"| nevoa, {way}, by the same weights | {difference.mean():.3%} | {difference.max():.3%} |", flush=True)
    print()


def convolution(seconds: float) -> list[Rate]:
    """The rates for all numbers of channels; prints them."""
    rates = [alone(convolution_rate, channels, seconds / len(CHANNELS)) for channels in CHANNELS]
    print("| bf16 3x3 convolution, 14x14 | forward, TFLOP/s | with gradients |\n| --- | --- | --- |")
    for channels, rate in zip(CHANNELS, rates, strict=True):
        print(f"| {channels} channels | {rate.forward / 1e12:.2f} | {rate.training / 1e12:.2f} |")
    print(flush=True)
    return rates


def quick(seconds: float) -> None:
    best = Rate(*(max(rates) for rates in zip(*convolution(seconds), strict=True)))
    print("| `quick` | GFLOP an image | GFLOP/s | of the best convolution | of the best with gradients |")
    print("| --- | --- | --- | --- | --- |")
    images = load_images("fashion_mnist_10k")
    for width in WIDTHS:
        dim = f"network.dim={width}"
        config = nevoa.configure("fashion_mnist_10k", "quick", steps=1, options=("training.precision=bfloat16", dim))
        made = plan(config, images, records=False).plan
        batch_size, flop = made.training.batch_size, Trial(made, images).flop_per_image
        step = alone(seconds_of_step, "quick", "bfloat16", batch_size, seconds / len(WIDTHS), dim)
        rate = batch_size * flop / step
        share = f"{rate / best.forward:.0%} | {rate / best.training:.0%}"
        print(f"| width {width} | {flop / 1e9:.2f} | {rate / 1e9:.0f} | {share} |", flush=True)
    print()


PARTS: dict[str, Callable[[float], object]] = {"classic": classic, "agreement": agreement, "quick": quick}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    wishes = parser.parse_args()
    units = torch.backends.cpu.get_cpu_capability()
    print(
        f"{torch.get_num_threads()} threads, {units}, torch {torch.__version__}, nevoa {nevoa.__version__}\n",
        flush=True,
    )
    for part in wishes.only:
        PARTS[part](wishes.seconds)


if __name__ == "__main__":
    main()
