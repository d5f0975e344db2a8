"""A schedule of your own: another one, with more noise for large images and less for small ones.

Large images survive noise better, because their neighbouring pixels are alike. Hoogeboom et al. (2023,
"simple diffusion") therefore shift the log-SNR of a schedule by 2 log(base / side). A schedule is any object with the
tables `signal` and `noise`, float64 and of length T + 1, from 1 and 0 at index 0.
"""

import math
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch

import nevoa
from nevoa.diffusion import NoiseSchedule, Schedule, log_snr_of


@dataclass(frozen=True)
class Shifted:
    """`base` for images of `side` pixels, where `base` suits images of `base_side`. Variance-preserving."""

    base: Schedule
    side: int
    base_side: int = 32

    @property
    def log_snr(self) -> torch.Tensor:
        return log_snr_of(self.base) + 2 * math.log(self.base_side / self.side)

    @property
    def signal(self) -> torch.Tensor:
        return self.log_snr.sigmoid().sqrt()

    @property
    def noise(self) -> torch.Tensor:
        return (-self.log_snr).sigmoid().sqrt()


def main(folder: Path) -> str:
    schedule, run_folder = Shifted(NoiseSchedule.cosine(steps=1000), side=16), folder / "shifted"
    options = ["network.dim=16", "training.batch_size=32", "training.precision=float32"]
    nevoa.train(
        "fashion_mnist_10k", out=run_folder, schedule=schedule, size=16, steps=60, options=options, progress=False
    )
    # The folder holds the name of the class and not its code, so the object is passed again.
    nevoa.show(nevoa.load(run_folder, schedule=schedule).sample(10)).save(folder / "shifted.png")
    return f"signal at T/2: {schedule.base.signal[500]:.2f} -> {schedule.signal[500]:.2f}; run in {run_folder}"


if __name__ == "__main__":
    print(main(Path(sys.argv[1] if sys.argv[1:] else tempfile.mkdtemp())))
