"""The plain notebook: nevoa's preset `classic`, in eager float32 on the CPU.

Its learning rate is constant, so it is simply trained until the time is up. Nothing is drawn meanwhile: a preview by
1000 steps would take most of ten minutes.
"""

import json

from common import Clock, Task
from drawing import finish
from nevoa_network import nevoa_batch
from with_nevoa import sampling_of, train

OPTIONS = ("training.precision=float32", "training.device=cpu")
ENDLESS = 10**9


def on_nevoa(width: int) -> list[str]:
    """The options that put the network of preset `quick` in place of the notebook's."""
    from nevoa.config.registry import PRESETS
    from nevoa.training.by_size import network_for

    network = network_for((1, 28, 28), PRESETS["quick"]["network"], details=False) | {"dim": width}
    values = {key: json.dumps(value) for key, value in network.items()}
    return [f"training.batch_size={nevoa_batch()}", *(f"network.{key}={value}" for key, value in values.items())]


def main() -> None:
    import nevoa

    task = Task.parse()
    options = OPTIONS if task.width is None else on_nevoa(task.width)
    steps = nevoa.fit(nevoa.configure("fashion_mnist", "classic", steps=ENDLESS, options=options))
    training, model = train("classic", steps, Clock(task.minutes))
    finish(task, training, sampling_of(model))


if __name__ == "__main__":
    main()
