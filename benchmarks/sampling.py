"""What an image costs: few steps of a run's sampler beside the notebook's 1000, and if asked 1000 of the same model.

    .venv/bin/python benchmarks/sampling.py RUN [--count 2048] [--steps 4 6 8 10] [--ancestral]

The notebook's way is preset `classic` in eager float32, channels first, 1000 evaluations an image; its weights are
fresh, since only its time is asked for. All rows are of one process and one run. --ancestral takes the longest: about
half a second of two cores an image.
"""

import argparse
import time
from pathlib import Path

import torch

import nevoa
from nevoa.config import DataConfig
from nevoa.evaluation import Reference
from nevoa.features.frechet import frechet_distance
from nevoa.model import Model
from nevoa.networks import fresh_network
from nevoa.parallel.device import timed

BATCH = 128
STEPS = 1000


def notebook_seconds() -> float:
    """Of computing an image by the notebook's 1000 evaluations."""
    network = fresh_network(nevoa.configure(preset="classic").network, channels=1, classes=0, seed=0).eval()
    x, t = torch.randn(BATCH, 1, 28, 28), torch.ones(BATCH, dtype=torch.int64)
    with torch.inference_mode():
        return timed(lambda: network(x, t), "cpu", at_least=5.0) * STEPS / BATCH


def drawn(model: Model, reference: Reference, count: int, **wishes: object) -> tuple[float, float]:
    """Fréchet distance of so many images, and the seconds that each took."""
    start = time.perf_counter()
    images = model.sample(count, **wishes)  # pyright: ignore[reportArgumentType]
    seconds = (time.perf_counter() - start) / count
    features = reference.feature_network.features(images)
    return frechet_distance(features, reference.features()), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder of a model of Fashion-MNIST")
    parser.add_argument("--count", type=int, default=2048)
    parser.add_argument("--steps", type=int, nargs="+", default=[4, 6, 8, 10])
    parser.add_argument("--ancestral", action="store_true", help="also 1000 ancestral steps of the run's model")
    wishes = parser.parse_args()
    model, reference = nevoa.load(wishes.run), Reference.of(DataConfig(source="fashion_mnist"))
    notebook = notebook_seconds()
    name = reference.feature_network.info.short_name
    print(f"| {wishes.count:,} images | {name} distance | ms an image | times cheaper |")
    print(f"| --- | --- | --- | --- |\n| the notebook's {STEPS} steps | | {1e3 * notebook:.0f} | 1 |", flush=True)
    ways = [{"sampler": "dpm_solver", "spacing": "karras", "steps": steps} for steps in wishes.steps]
    if wishes.ancestral:
        ways.append({"sampler": "ddpm", "spacing": "trailing", "steps": STEPS})
    for way in ways:
        distance, seconds = drawn(model, reference, wishes.count, **way)
        name = f"{way['sampler']}, {way['steps']} steps"
        print(f"| {name} | {distance:.4g} | {1e3 * seconds:.3g} | {notebook / seconds:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
