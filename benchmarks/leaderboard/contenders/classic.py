"""The plain notebook: nevoa's preset `classic`, in eager float32 on the CPU.

Its learning rate is constant, so it is simply trained until the time is up. Nothing is drawn meanwhile: a preview by
1000 steps would take most of ten minutes.
"""

from common import Clock, Task
from drawing import finish
from with_nevoa import sampling_of, train

OPTIONS = ("training.precision=float32", "training.device=cpu")
ENDLESS = 10**9


def main() -> None:
    import nevoa

    task = Task.parse()
    steps = nevoa.fit(nevoa.configure("fashion_mnist", "classic", steps=ENDLESS, options=OPTIONS))
    training, model = train("classic", steps, Clock(task.minutes))
    finish(task, training, sampling_of(model))


if __name__ == "__main__":
    main()
