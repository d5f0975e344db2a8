"""Writing the page: what is in it, and what is refused."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nevoa.commands.load import load
from nevoa.errors import NevoaError
from nevoa.formats import webpage
from nevoa.formats.webpage import export
from nevoa.formats.webpage.tape import recorded
from nevoa.model import Model
from nevoa.networks import build_network
from nevoa.runs import card
from tests.formats.small_models import CLASSES, FOLDED, small_model
from tests.formats.small_run import run_of


def data_of(page: Path) -> dict[str, Any]:
    """What the page's scripts read."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text())
    assert found
    return json.loads(found[1])


def test_the_packaged_model_is_a_small_page(tmp_path: Path) -> None:
    said, size = export(load(device="cpu"), tmp_path / "page.html"), (tmp_path / "page.html").stat().st_size
    assert said == f"{size / 1e6:.1f} MB"
    assert size < 4_200_000
    about = data_of(tmp_path / "page.html")["about"]
    assert about["distance"] == ["fd_fashion", "0.213", "0.0208 ± 0.0016"]
    assert (about["data"], about["licence"]) == ("fashion_mnist", "MIT")


def test_nothing_can_be_fetched_and_no_text_is_code(tmp_path: Path) -> None:
    names = ("</script><script>alert(1)</script>", "<!--", "dog")
    export(small_model(FOLDED, classes=names), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', text)
    assert policy
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert not re.search(r"connect-src|unsafe-inline|'unsafe-eval'|https?:", policy[1])
    assert "<script>alert(1)" not in text
    assert data_of(tmp_path / "page.html")["package"]["classes"] == list(names)


def test_the_page_has_nothing_of_the_augmentation(tmp_path: Path) -> None:
    """It computes what the network does that was never told of any, with the same weights."""
    model = small_model(FOLDED, classes=CLASSES, augment="strong")
    plan = model.plan.model_copy(update={"data": model.plan.data.model_copy(update={"augment": {}})})
    plain = build_network(plan.network, model.shape[0], len(CLASSES), plan.learned)
    kept = {name: tensor for name, tensor in model.network.state_dict().items() if "augmentation" not in name}
    assert len(kept) == len(model.network.state_dict()) - 1
    plain.load_state_dict(kept)
    export(model, tmp_path / "page.html")
    export(replace(model, plan=plan, network=plain), tmp_path / "plain.html")
    assert data_of(tmp_path / "page.html")["package"] == data_of(tmp_path / "plain.html")["package"]


def test_options_of_sampling_are_those_of_the_page(tmp_path: Path) -> None:
    model = small_model(FOLDED, classes=CLASSES)
    export(model, tmp_path / "page.html", sampler="heun", steps=5, guidance=2)
    sampling = data_of(tmp_path / "page.html")["sampling"]
    assert (sampling["samplers"][0]["name"], sampling["samplers"][0]["steps"]) == ("heun", 5)
    assert sampling["guidance"] == [2]
    with pytest.raises(NevoaError, match="steps must be between 1 and 50"):
        export(model, tmp_path / "other.html", steps=51)
    assert not (tmp_path / "other.html").exists()


@pytest.mark.slow
def test_too_large_a_page_is_written_only_with_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webpage, "LARGEST_BYTES", 100_000)
    model = small_model(FOLDED | {"dim": 16})
    with pytest.raises(NevoaError, match=r"The page would have 0 MB, more than phones open.*--force"):
        export(model, tmp_path / "page.html")
    export(model, tmp_path / "page.html", force=True)
    assert (tmp_path / "page.html").stat().st_size > 100_000


class Own(nn.Module):
    """A network of a user."""

    def __init__(self, activation: nn.Module):
        super().__init__()
        self.stem, self.activation = nn.Conv2d(3, 4, 3, padding=1), activation
        self.out = nn.Conv2d(4, 3, 1)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.out(self.activation(self.stem(x)))


class Peeks(Own):
    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return super().forward(x, t) if t.item() > 500 else self.out(self.stem(x))


class Flips(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flip(2)


class Reorders(nn.Module):
    """The same shape, other numbers."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, [1, 0, 2, 3]]


class Converts(nn.Module):
    """A constant in the type of the image."""

    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.full((1, 4, 1, 1), 2.0, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale.to(x)


class Weighs(Own):
    """Its weights depend on the timestep."""

    def __init__(self):
        super().__init__(nn.SiLU())
        self.embedding = nn.Linear(1, 4)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        scale = self.embedding(t.float()[:, None])[:, :, None, None]
        return torch.nn.functional.conv2d(self.stem(x), self.out.weight * scale, self.out.bias)


class Named(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(input=x)


def of_own(network: nn.Module) -> Model:
    model = small_model()
    return Model(model.plan, network, model.shape)


def test_a_constant_may_follow_the_type_of_the_image(tmp_path: Path) -> None:
    export(of_own(Own(Converts())), tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size > 50_000


def test_an_own_network_of_known_layers_is_exported(tmp_path: Path) -> None:
    export(of_own(Own(nn.Sequential(nn.GroupNorm(2, 4), nn.SiLU()))), tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size > 50_000


@pytest.mark.parametrize(
    ("activation", "sentence"),
    [
        (
            nn.Hardswish(),
            r"The layer activation \(Hardswish\) uses hardswish, which the web page does not know. Export",
        ),
        (nn.Sequential(nn.SiLU(), Flips()), r"The layer activation.1 \(Flips\) uses flip, which"),
        (nn.Conv2d(4, 4, 3, padding=2, dilation=2), r"activation \(Conv2d\) uses conv2d in a way"),
        (nn.Conv2d(4, 4, 3, padding=1, groups=2), r"activation \(Conv2d\) uses conv2d in a way"),
        (
            nn.Sequential(nn.Conv2d(4, 8, 3, padding=1, groups=4), nn.Conv2d(8, 4, 1)),
            r"activation.0 \(Conv2d\) uses conv2d",
        ),
        (Named(), r"activation \(Named\) uses sin in a way"),
        (Reorders(), r"activation \(Reorders\) uses __getitem__ in a way"),
        (nn.GELU(approximate="tanh"), r"activation \(GELU\) uses gelu in a way"),
    ],
)
def test_a_layer_that_the_page_lacks_is_named(activation: nn.Module, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(NevoaError, match=sentence):
        export(of_own(Own(activation)), tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_a_network_that_looks_at_numbers_is_refused(tmp_path: Path) -> None:
    """Its operations would be those of one timestep."""
    with pytest.raises(NevoaError, match=r"The layer network \(Peeks\) looks at the numbers of its image or timestep"):
        export(of_own(Peeks(nn.SiLU())), tmp_path / "page.html")


def test_weights_that_depend_on_the_timestep_are_refused(tmp_path: Path) -> None:
    """They would be those of the timestep that was recorded."""
    with pytest.raises(NevoaError, match="computes its weights from its image, timestep or condition"):
        export(of_own(Weighs()), tmp_path / "page.html")


@pytest.mark.parametrize("name", ["fd_fashion", "fd_my-photos", "fd_my photos 2024"])
def test_the_page_has_the_distance_of_the_card(name: str, tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    card.set_quality(run, f"| score | | floor |\n| --- | --- | --- |\n| {name} | 0.3 | 0.1 |\n")
    export(run.model("cpu"), tmp_path / "page.html")
    assert data_of(tmp_path / "page.html")["about"]["distance"] == [name, "0.3", "0.1"]


def test_recording_leaves_the_network_alone() -> None:
    model = small_model(FOLDED, classes=CLASSES)
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    x, t, label = torch.randn(1, *model.shape), torch.tensor([3]), torch.tensor([1])
    with torch.no_grad():
        expected = model.network(x, t, label)
        program = recorded(model.network, model.shape, len(CLASSES))
        assert torch.equal(model.network(x, t, label), expected)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.network.state_dict().items())
    assert program.shapes[program.output] == model.shape
    assert sum(program.on_image) < len(program.operations)
