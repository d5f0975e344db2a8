"""How many sampling steps can be afforded, the images drawn with them, and the two files a contender leaves."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from common import ASKED, Task, Teller, Training
from torch import Tensor

FEWEST_STEPS = 5


@dataclass(frozen=True)
class Sampling:
    """How images are drawn.

    Attributes:
        sampler: its name, for the table.
        recommended: the authors' number of steps, one network evaluation each.
        batch: images drawn at once.
        evaluate: evaluates the network once, for that many images.
        draw: images number first … first + count - 1 by so many steps, uint8 `[count, H, W, C]`.
    """

    sampler: str
    recommended: int
    batch: int
    evaluate: Callable[[int], object]
    draw: Callable[[int, int, int], np.ndarray]


def evaluation_seconds(evaluate: Callable[[], object]) -> float:
    """Seconds a call takes: the mean of those that fill a second, after one that is not counted."""
    evaluate()
    _wait()
    calls, start = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - start < 1:
        evaluate()
        _wait()
        calls += 1
    return (time.perf_counter() - start) / calls


def affordable_steps(recommended: int, seconds: float, batches: int, minutes: float) -> int:
    """The most steps, up to those recommended, that `batches` of `seconds` a step fit into; never fewer than 5."""
    fitting = int(minutes * 60 / (seconds * batches))
    return min(recommended, max(FEWEST_STEPS, fitting))


def to_bytes(x: Tensor) -> np.ndarray:
    """Float images `[N, C, H, W]` in [0, 1] -> uint8 `[N, H, W, C]`, clamped and rounded to nearest."""
    if not x.isfinite().all():
        raise ValueError("the images drawn are not finite: training diverged")
    return (x * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def cropped(x: Tensor, padding: int) -> Tensor:
    """Images without the border that was added to them."""
    return x[..., padding : x.shape[-2] - padding, padding : x.shape[-1] - padding]


def finish(task: Task, training: Training, sampling: Sampling) -> None:
    """Draw the images and leave both files, `about.json` last: where it is, the contender is done.

    The peers draw from torch's own generator, which is seeded here.
    """
    batch = min(sampling.batch, task.count)
    print(f"trained: {training.steps} steps in {training.training_seconds:.0f} s", flush=True)
    seconds = evaluation_seconds(lambda: sampling.evaluate(batch))
    steps = affordable_steps(sampling.recommended, seconds, math.ceil(task.count / batch), task.sampling_minutes)
    print(f"drawing: {steps} steps of {seconds:.3g} s for {batch} images at once", flush=True)
    torch.manual_seed(0)
    teller, start, drawn = Teller(), time.perf_counter(), []
    for first in range(0, task.count, batch):
        drawn.append(sampling.draw(first, min(batch, task.count - first), steps))
        teller.tell(f"drawing: {first + len(drawn[-1])} of {task.count} images")
    about = asdict(training) | {
        "sampler": sampling.sampler,
        "sampling_steps_recommended": sampling.recommended,
        "sampling_steps": steps,
        "sampling_batch": batch,
        "evaluation_seconds": seconds,
        "drawing_seconds": time.perf_counter() - start,
        "asked": {key: getattr(task, key) for key in ASKED},
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }
    np.save(task.out / "images.npy", np.concatenate(drawn))
    unfinished = task.out / "about.json.part"
    unfinished.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(task.out / "about.json")


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
