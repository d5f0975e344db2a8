"""Everything that has a name can also be an object: it trains, resumes, loads, and is asked for again."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

import nevoa
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.runs import checkpoint
from nevoa.sampling import Transition
from tests.conftest import TINY

OPTIONS = (*(option for option in TINY if not option.startswith("network")), "training.ema_decay=0.9")


class Net(nn.Module):
    """An unconditional network of a caller's own."""

    def __init__(self, channels: int = 1):
        super().__init__()
        self.time = nn.Embedding(1001, 4)
        self.layers = nn.Sequential(nn.Conv2d(channels + 4, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, channels, 1))

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        time = self.time(t)[:, :, None, None].expand(-1, -1, *x_t.shape[2:])
        return self.layers(torch.cat([x_t, time], dim=1))


class LabelledNet(Net):
    """A conditional one: two classes and the null label."""

    def __init__(self) -> None:
        super().__init__()
        self.labels = nn.Embedding(3, 4)

    def forward(self, x_t: Tensor, t: Tensor, label: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        time = (self.time(t) + self.labels(label))[:, :, None, None].expand(-1, -1, *x_t.shape[2:])
        return self.layers(torch.cat([x_t, time], dim=1))


class Widening(Net):
    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        return super().forward(x_t, t).repeat(1, 2, 1, 1)


class Straight:
    """A schedule of a caller's own: a straight line in signal, as long as the config's."""

    signal = torch.linspace(1, 0.01, 21, dtype=torch.float64)
    noise = (1 - signal**2).sqrt()


class Placed(Net):
    """A network with a table that does not train, such as the positions of a transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.linspace(-1, 1, 64).view(8, 8), requires_grad=False)

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        return super().forward(x_t + self.positions, t)


class Tied(Net):
    """A network whose last layer has the weights of its first."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=1)
        self.last.weight = self.first.weight

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        return self.last(super().forward(self.first(x_t), t))


def cubic(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).abs().pow(3).flatten(1).mean(1)


class Pictures(Dataset):
    """Twenty gray images of two classes as a torch Dataset."""

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return np.random.default_rng(index).integers(0, 256, (8, 8), dtype=np.uint8), index % 2


ARRAY = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)


def trained(
    folder: Path, source: Any = ARRAY, steps: int = 6, options: Sequence[str] = (), **keywords: Any
) -> nevoa.Run:
    return nevoa.train(source, steps=steps, options=(*OPTIONS, *options), out=folder, progress=False, **keywords)


def weights(run: nevoa.Run) -> bytes:
    return run.weights_file.read_bytes()


def test_objects_of_every_kind_train_and_sample(tmp_path: Path) -> None:
    objects = {"network": Net(), "schedule": Straight(), "loss": cubic}
    run = trained(tmp_path / "r", **objects)
    config = run.plan()
    assert config.network.kind == "object"
    assert config.diffusion.schedule == "object:tests.test_objects.Straight"
    assert config.training.loss == "object:tests.test_objects.cubic"
    assert config.data.source == "object:images"
    assert config.diffusion.timesteps == 20
    images = run.model().sample(3)
    assert (images.shape, images.dtype) == ((3, 8, 8, 1), np.uint8)
    np.testing.assert_array_equal(nevoa.load(run.folder, **objects).sample(3), images)


def test_a_run_that_is_given_brings_its_objects(tmp_path: Path) -> None:
    run = trained(tmp_path / "r", "shapes", options=["data.size=8", "data.limit=40"], network=Net(3))
    more = nevoa.continue_(run, steps=8, progress=False)
    assert more.plan().training.images == 8 * more.plan().training.batch_size
    made = nevoa.sample(more, count=2, out=tmp_path / "made.png", steps=2)
    np.testing.assert_array_equal(nevoa.load(more).sample(1), more.model().sample(1))
    assert made.path.exists()
    report = nevoa.evaluate(more, count=8, metrics=["memorisation"], steps=2)
    assert "near_copies" in report.scores


def test_the_callers_network_is_not_trained_but_a_copy(tmp_path: Path) -> None:
    network = Net()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    trained(tmp_path / "r", network=network)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])


@pytest.mark.slow
@pytest.mark.parametrize("network", [Net, Placed, Tied])
@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_a_run_of_objects_resumes_bit_for_bit(tmp_path: Path, network: type[nn.Module], optimizer: str) -> None:
    objects: dict[str, Any] = {"network": network(), "schedule": Straight(), "loss": cubic}
    options = [f"training.optimizer={optimizer}"]
    whole = trained(tmp_path / "whole", options=options, **objects)
    config = nevoa.configure("object:images", options=(*OPTIONS, *options), steps=6)
    stream = nevoa.fit(config, tmp_path / "parts", images=ARRAY, **objects)
    next(stream)
    stream.close()
    newest = checkpoint.newest(nevoa.Run(tmp_path / "parts").checkpoints)
    assert newest is not None
    assert int(newest.name) == 8
    parts = trained(tmp_path / "parts", options=options, **objects)
    assert weights(parts) == weights(whole)


def test_weights_that_do_not_require_a_gradient_stay_as_they_are(tmp_path: Path) -> None:
    network = Placed()
    after = trained(tmp_path / "r", network=network).model().network.state_dict()
    same = {name for name, tensor in network.state_dict().items() if torch.equal(after[name], tensor)}
    assert same == {"positions"}


def test_tied_weights_are_tied_in_the_loaded_model(tmp_path: Path) -> None:
    network: Any = trained(tmp_path / "r", network=Tied(), steps=2).model().network
    assert network.last.weight is network.first.weight


class Other(Net):
    """Its weights have the shapes of Net's."""


class Broken(Net):
    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        raise RuntimeError("forgot something")


class Longer(Straight):
    signal = torch.linspace(1, 0.01, 31, dtype=torch.float64)
    noise = (1 - signal**2).sqrt()


def test_only_the_objects_of_the_training_load_a_run(tmp_path: Path) -> None:
    """Weights of another class may fit, and then make noise, or fail in the middle of sampling."""
    given: dict[str, Any] = {"network": Net(), "schedule": Straight()}
    run = trained(tmp_path / "r", **given)
    Broken.__qualname__, Longer.__qualname__ = "Net", "Straight"  # as edited since the training
    for objects, message in (
        ({"network": Other()}, r"trained with the network .*\.Net, not .*\.Other: pass network=Net"),
        ({"network": Broken()}, r"does not take \(x_t, t\).*forgot something"),
        ({"schedule": Longer()}, "trained in 20 timesteps: pass a schedule of as many, not of 30"),
        ({"loss": cubic}, "trained with the name of a loss, not an object: leave out loss="),
    ):
        with pytest.raises(NevoaError, match=message):
            nevoa.load(run.folder, "cpu", **(given | objects))


def test_a_class_may_move_to_another_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(tmp_path / "r", network=Net())
    monkeypatch.setattr(Net, "__module__", "__main__")
    assert nevoa.load(run.folder, network=Net()).sample(1).shape == (1, 8, 8, 1)


@pytest.mark.parametrize("part", ["network", "schedule", "loss"])
def test_a_missing_object_is_asked_for_by_its_class(tmp_path: Path, part: str) -> None:
    objects = {"network": Net(), "schedule": Straight(), "loss": cubic}
    run = trained(tmp_path / "r", **objects)
    name = {"network": "Net", "schedule": "Straight", "loss": "cubic"}[part]
    images = run.model().sample(1)
    del objects[part]
    missing = rf"with a {part} object, tests\.test_objects\.{name}.*in Python: {part}={name}"
    if part == "loss":  # images need none
        np.testing.assert_array_equal(nevoa.load(run.folder, **objects).sample(1), images)
    else:
        with pytest.raises(NevoaError, match=missing):
            nevoa.load(run.folder, **objects)
    with pytest.raises(NevoaError, match=missing):
        trained(tmp_path / "r", **objects)


def test_a_run_of_objects_is_not_asked_for_what_distill_does_not_take(tmp_path: Path) -> None:
    run = trained(tmp_path / "r", network=Net())
    with pytest.raises(NevoaError, match="object in place of a name: to train it further in Python"):
        nevoa.distill(run, out=tmp_path / "d")


@pytest.mark.parametrize(
    ("part", "option"), [("schedule", "diffusion.schedule=object:a.B"), ("loss", "training.loss=object:a.b")]
)
def test_a_new_run_of_a_config_asks_for_its_objects(part: str, option: str) -> None:
    config = nevoa.configure("object:images", options=(*OPTIONS, option), steps=1)
    with pytest.raises(NevoaError, match=rf"with a {part} object, a\.[bB]\. Pass it again, in Python: {part}="):
        nevoa.fit(config, images=ARRAY)


def test_a_loss_of_ones_own_equals_the_named_one(tmp_path: Path) -> None:
    """The mean squared error, once by name and once as a function."""
    config = nevoa.configure("object:images", options=(*OPTIONS, "training.loss=l2"), steps=4)
    network = Net()
    named = [step.loss for step in nevoa.fit(config, images=ARRAY, network=network)]
    squared = lambda output, target: (output - target).square().flatten(1).mean(1)  # noqa: E731
    own = [step.loss for step in nevoa.fit(config, images=ARRAY, network=network, loss=squared)]
    assert own == named


@pytest.mark.slow
def test_a_network_that_takes_labels_becomes_conditional(tmp_path: Path) -> None:
    options = (*(option for option in OPTIONS if "condition" not in option),)
    run = nevoa.train(Pictures(), network=LabelledNet(), steps=4, options=options, out=tmp_path / "r", progress=False)
    model = run.model()
    assert model.classes == ("0", "1")
    assert model.sample(4, labels=["1"], guidance=2.0).shape == (4, 8, 8, 1)
    plain = nevoa.train(Pictures(), network=Net(), steps=4, options=options, out=tmp_path / "p", progress=False)
    assert plain.model().classes == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [ARRAY, ARRAY[..., None], torch.from_numpy(ARRAY), ImageSet.of("images", ARRAY[..., None], np.zeros(20), ())],
)
def test_images_in_memory_are_the_same_however_they_come(tmp_path: Path, source: Any) -> None:
    run = trained(tmp_path / "r", source, network=Net(), steps=1)
    assert run.plan().data.fingerprint == ImageSet.of("x", ARRAY[..., None], np.zeros(20), ()).fingerprint


@pytest.mark.slow
def test_loaded_images_are_trained_on_as_they_are(tmp_path: Path) -> None:
    """Those that were set aside cannot be found again by a run of images in memory."""
    images = nevoa.data.load_images("shapes", size=8, limit=100, holdout=20)
    run = nevoa.train(images, out=tmp_path / "r", options=OPTIONS, steps=2, progress=False)
    assert run.plan().data.holdout == 0
    assert run.model().sample(1).shape == (1, 8, 8, 3)


def test_an_array_may_have_labels(tmp_path: Path) -> None:
    run = trained(tmp_path / "r", labels=["cat", "dog"] * 10, network=LabelledNet(), steps=1, condition="class")
    assert run.model().classes == ("cat", "dog")


def test_a_folder_may_be_a_path(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "photos").mkdir()
    for number, pixels in enumerate(ARRAY):
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    run = trained(tmp_path / "r", tmp_path / "photos", network=Net(), steps=1)
    assert run.plan().data.source == str(tmp_path / "photos")


class Still:
    """A sampler of a caller's own that returns its estimate of x_0 at once."""

    def step(self, denoiser: Any, x_t: Tensor, t: int, s: int, noise: Any, past: Any = None) -> Transition:
        x_0 = denoiser(x_t, torch.full((len(x_t),), t)).x_0
        return Transition(x_0, x_0)


def test_a_sampler_may_be_an_object(tmp_path: Path) -> None:
    model = trained(tmp_path / "r", network=Net(), steps=1).model()
    states = list(model.trajectory(2, sampler=Still(), steps=1))
    assert len(states) == 2
    assert torch.equal(states[0].x_0_hat, states[1].x_t)


class Stepless:
    pass


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": Widening()}, r"Widening must return a tensor of the shape of x_t"),
        ({"network": nn.Linear(3, 3)}, r"Linear does not take \(x_t, t\)"),
        ({"network": nn.Identity()}, "Identity has no weights to train"),
        ({"network": Net().requires_grad_(False)}, "Net has no weights to train"),
        ({"source": ARRAY.astype(np.float32)}, "uint8"),
        ({"source": ARRAY, "size": 4}, "leave out size"),
        ({"source": ARRAY, "options": ["data.limit=4", "data.holdout=4"]}, "leave out limit, holdout"),
        ({"options": ["network.dim=64"]}, r"decides network\.dim: leave it out"),
        ({"loss": cubic, "options": ["training.loss=l1"]}, r"decides training\.loss: leave it out"),
        ({"schedule": Straight(), "options": ["diffusion.timesteps=30"]}, r"decides diffusion\.timesteps: leave it"),
        ({"schedule": Straight(), "options": ["diffusion.zero_terminal_snr=true"]}, "decides diffusion.zero_terminal"),
        (
            {"source": "shapes", "labels": [1]},
            "labels, captions, numbers and pictures are for images given as an array",
        ),
        ({"stepps": 3}, "stepps.*Did you mean 'steps'"),
    ],
)
def test_wrong_objects_are_refused_and_nothing_is_written(tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(NevoaError, match=message):
        trained(tmp_path / "r", **{"network": Net(), **options})
    assert not (tmp_path / "r").exists()


def test_an_object_without_a_step_is_no_sampler(tmp_path: Path) -> None:
    model = trained(tmp_path / "r", network=Net(), steps=1).model()
    with pytest.raises(NevoaError, match="Stepless has no method step"):
        model.sample(1, sampler=Stepless())  # pyright: ignore[reportArgumentType]


@pytest.mark.slow
def test_objects_of_wrong_types_are_refused_in_a_sentence(tmp_path: Path) -> None:
    """In a process of its own: here the type checker of the tests would be first."""
    script = """
import numpy as np, nevoa
from nevoa.errors import NevoaError
array = np.zeros((4, 8, 8), np.uint8)
for source, options in (
    (array, {"network": 3}),
    (array, {"schedule": 3}),
    (3, {}),
    (array, {"loss": 3}),
    (array, {"network": "unet"}),
    (array, {"schedule": "linear"}),
    (array, {"loss": "l3"}),
    (array, {"options": {"network.dim": 16}}),
    (array, {"options": ["network.dim"]}),
):
    try:
        nevoa.train(source, steps=1, out="r", progress=False, **options)
    except NevoaError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path)
    lines = done.stdout.splitlines()
    expected = (
        *("torch.nn.Module", "int is not a schedule", "int is not a source of images", "loss must be a function"),
        *(f"by name with options=['{key}']." for key in ("network.kind=unet", "diffusion.schedule=linear")),
        *(
            "options=['training.loss=l3']",
            "options must be a list of texts such as",
            "The option 'network.dim' is not of",
        ),
    )
    assert all(part in line for part, line in zip(expected, lines, strict=True)), done.stdout + done.stderr
    assert not (tmp_path / "r").exists()
