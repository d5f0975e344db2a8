"""The training loop in your hands: `nevoa.fit` yields every step.

Look at the loss, draw images, log to a tracker, or stop when you like; no callback is needed. With a run folder
(`out=...`) the same call resumes the run, without one nothing is written.
"""

import sys
import tempfile
from pathlib import Path

import nevoa


def main(folder: Path) -> str:
    options = ["network.dim=16", "training.batch_size=32", "training.precision=float32"]
    config = nevoa.configure("fashion_mnist_10k", steps=1000, options=options)
    first = step = None
    for step in nevoa.fit(config):
        first = first or step
        if step.is_due(every=50 * 32):
            print(f"{step.images_seen:,} images, loss {step.recent_loss:.3f}, {step.images_per_second:,.0f} images/s")
        if step.recent_loss < first.loss / 2:
            break
    assert first is not None and step is not None
    nevoa.show(step.model.sample(16)).save(folder / "loop.png")
    seen = f"{step.images_seen:,} images"
    return f"loss {first.loss:.3f} -> {step.recent_loss:.3f} on {seen}; samples in {folder / 'loop.png'}"


if __name__ == "__main__":
    print(main(Path(sys.argv[1] if sys.argv[1:] else tempfile.mkdtemp())))
