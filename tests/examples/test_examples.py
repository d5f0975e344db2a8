"""The examples run, and each does what it promises."""

import importlib.util
import math
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

import nevoa
from nevoa.data import as_image_set
from nevoa.diffusion import Denoiser, NoiseSchedule, RectifiedFlow, log_snr_of
from nevoa.diffusion.schedule import check_schedule
from nevoa.sampling import timestep_grid, trajectory
from tests.conftest import TINY
from tests.sampling.exact import exact_denoiser, flowed, noises

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.slow


def example(name: str) -> ModuleType:
    """An example as a module of its own."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def losses(run: nevoa.Run) -> list[float]:
    return [line["loss"] for line in run.metrics()]


def test_every_example_is_tested_and_runs_as_a_script() -> None:
    source = Path(__file__).read_text()
    for path in EXAMPLES.glob("*.py"):
        assert f'example("{path.stem}")' in source
        assert path.read_text().endswith(
            'if __name__ == "__main__":\n    print(main(Path(sys.argv[1] if sys.argv[1:] else tempfile.mkdtemp())))\n'
        )


def test_an_example_runs_as_a_script(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "own_sampler.py", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.stdout.count("\n") == 1, done.stderr
    assert (tmp_path / "midpoint.png").exists()


FLOW = RectifiedFlow(20_000)
FIRST, LAST = 0.99, 0.1


def orders(denoiser: Denoiser, truth: Callable[[Tensor], Tensor]) -> list[float]:
    """The measured orders of convergence: log2 of how much the error falls when the steps double."""
    x_T, errors, sampler = noises(0, (64, 4), torch.float64)(), [], example("own_sampler").Midpoint()
    for steps in (16, 32, 64, 128):
        grid = [round(FLOW.steps * (FIRST + (LAST - FIRST) * n / steps)) for n in range(steps + 1)]
        *_, end = trajectory(denoiser, sampler, x_T, grid, lambda: x_T)
        errors.append(float((end.x_t - truth(x_T)).norm()))
    return [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]


def velocity(x_t: Tensor, t: Tensor | float) -> Tensor:
    """Any smooth function of both."""
    return torch.tanh(0.7 * x_t) * (1 + t / FLOW.steps)


def classical_runge_kutta(x: Tensor, steps: int = 200) -> Tensor:
    """The same flow by the method of fourth order."""
    stride = (LAST - FIRST) / steps
    for n in range(steps):
        t, h = FLOW.steps * (FIRST + n * stride), FLOW.steps * stride
        k_1 = velocity(x, t)
        k_2 = velocity(x + stride / 2 * k_1, t + h / 2)
        k_3 = velocity(x + stride / 2 * k_2, t + h / 2)
        k_4 = velocity(x + stride * k_3, t + h)
        x = x + stride / 6 * (k_1 + 2 * k_2 + 2 * k_3 + k_4)
    return x


def test_the_sampler_is_of_second_order() -> None:
    """With twice the steps the error falls to a quarter."""
    denoiser = Denoiser(lambda x_t, t: velocity(x_t, t[:, None]), FLOW, "flow")
    assert all(1.8 < order < 2.2 for order in orders(denoiser, classical_runge_kutta))


def test_the_sampler_converges_to_the_flow_of_a_gaussian() -> None:
    """At least with order two: with exact middles the leading terms of the error would even cancel on such paths."""
    first, last = round(FLOW.steps * FIRST), round(FLOW.steps * LAST)
    found = orders(exact_denoiser(FLOW), lambda x_T: flowed(FLOW, x_T, first, last))
    assert all(order > 1.8 for order in found)


def test_the_sampler_takes_every_step_down_to_one_timestep() -> None:
    """There is no timestep between t and t - 1: the step is then Euler's."""
    schedule, noise = NoiseSchedule.cosine(20), noises(0, (4, 4), torch.float64)
    for steps in (1, 7, 20):
        grid = timestep_grid(schedule, steps)
        *_, end = trajectory(exact_denoiser(schedule), example("own_sampler").Midpoint(), noise(), grid, noise)
        assert end.x_t.isfinite().all()


def test_guided_images_are_brighter_than_those_of_the_same_noise(tmp_path: Path) -> None:
    guidance, model = example("own_guidance"), nevoa.load(device="cpu")
    plain, little, much = (guidance.brightness(guidance.sample(model, 4, weight)) for weight in (0, 10, 30))
    assert (plain < little).all()
    assert (little < much).all()
    assert "brightness" in guidance.main(tmp_path)
    assert (tmp_path / "brighter.png").exists()


def test_guidance_of_no_weight_changes_nothing() -> None:
    guidance, model = example("own_guidance"), nevoa.load(device="cpu")
    images = model.sample(4, sampler="dpm_solver", steps=8, spacing="karras", autoguidance=1)
    torch.testing.assert_close(
        guidance.sample(model, 4, 0).clamp(-1, 1), nevoa.data.to_unit(images), rtol=0, atol=1.5 / 255
    )


def test_the_schedule_is_shifted_and_its_run_loads(tmp_path: Path) -> None:
    module = example("own_schedule")
    base = NoiseSchedule.cosine(100)
    schedule = module.Shifted(base, side=64)
    check_schedule(schedule)
    torch.testing.assert_close(log_snr_of(schedule)[1:], log_snr_of(base)[1:] - 2 * math.log(2))
    torch.testing.assert_close(schedule.signal**2 + schedule.noise**2, torch.ones(101, dtype=torch.float64))
    module.main(tmp_path)
    assert nevoa.Run(tmp_path / "shifted").plan().diffusion.schedule == "object:own_schedule.Shifted"
    with pytest.raises(nevoa.NevoaError, match="schedule=Shifted"):
        nevoa.load(tmp_path / "shifted")


def test_the_loss_has_a_bounded_gradient_and_falls(tmp_path: Path) -> None:
    module = example("own_loss")
    output = (torch.randn(5, 3, 8, 8) * torch.logspace(-6, 3, 5).view(-1, 1, 1, 1)).requires_grad_()
    target = torch.zeros(5, 3, 8, 8)
    (gradient,) = torch.autograd.grad(module.pseudo_huber(output, target).sum(), output)
    assert (gradient.flatten(1).norm(dim=1) <= 1.0001).all()
    assert torch.equal(module.pseudo_huber(target, target), torch.zeros(5))
    module.main(tmp_path)
    reported = losses(nevoa.Run(tmp_path / "huber"))
    assert reported[-1] < 0.95 * reported[0]


def test_the_data_set_gives_a_model_of_its_classes(tmp_path: Path) -> None:
    module = example("own_data")
    images = as_image_set(module.Letters(30))
    assert (images.classes, images.images.shape) == (("A", "B", "C"), (30, 16, 16, 1))
    assert images.fingerprint == as_image_set(module.Letters(30)).fingerprint
    module.main(tmp_path)
    assert nevoa.load(tmp_path / "letters").classes == ("A", "B", "C")


def test_the_loop_stops_when_it_likes(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    result = example("training_loop").main(tmp_path)
    first, last = (float(word) for word in result.split()[1:4:2])
    assert last <= first / 2
    assert (tmp_path / "loop.png").exists()
    assert "images/s" in capsys.readouterr().out


def test_the_network_learns(tmp_path: Path, registered: None) -> None:
    example("own_network").main(tmp_path)
    reported = losses(nevoa.Run(tmp_path / "dit"))
    assert reported[-1] < 0.8 * reported[0]


def test_the_network_knows_places_classes_and_timesteps(registered: None) -> None:
    """Of an untrained network whose zeroed layers are filled: nothing that it gets is ignored."""
    torch.manual_seed(0)
    network = example("own_network").DiT(3, width=16, depth=2, heads=2, patch=4, classes=2)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    x_t, t, label = torch.randn(1, 3, 8, 12), torch.tensor([10]), torch.tensor([1])
    output = network(x_t, t, label)
    assert output.shape == x_t.shape
    for other in (network(x_t, t + 1, label), network(x_t, t, label - 1), network(x_t, t)):
        assert not torch.allclose(output, other)
    assert torch.equal(network(x_t, t), network(x_t, t, torch.tensor([2])))
    # Patches that change places would only change places if the network did not know where they are.
    swapped = torch.cat([x_t[..., 4:8], x_t[..., :4], x_t[..., 8:]], dim=3)
    assert not torch.allclose(network(swapped, t, label)[..., 4:8], output[..., :4])


def test_the_network_is_a_plugin_of_the_command_line(tmp_path: Path) -> None:
    plugin, out = ("--plugin", EXAMPLES / "own_network.py"), tmp_path / "images.npy"
    small = [part for option in TINY if not option.startswith("network.") for part in ("-o", option)]
    keys = ["-o", "network.kind=dit", "-o", "network.width=16", "-o", "network.depth=1"]
    train = ["train", "fashion_mnist_10k", "--steps", "3", "--out", tmp_path / "run", *plugin, *small, *keys]
    for arguments in (train, ["sample", tmp_path / "run", *plugin, "--count", "2", "--out", out]):
        subprocess.run([sys.executable, "-m", "nevoa", *map(str, arguments)], check=True, capture_output=True)
    assert np.load(out).shape == (2, 28, 28, 1)
