"""What is wished for is understood or refused, and image n of a model of classes is of class n in turn."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nevoa.config import Config, parse
from nevoa.errors import NevoaError
from nevoa.model import Model, labels_of
from nevoa.sampling import settled

CLASSES = ("T-shirt/top", "Trouser", "Bag")


class Painter(nn.Module):
    """Knows every class by its shade: 0.5 for label 1; the null label is black."""

    def forward(self, x_t: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        shades = torch.tensor([0.1, 0.5, 0.9, -1.0])
        chosen = shades[torch.full_like(t, 3) if label is None else label]
        return chosen.view(-1, 1, 1, 1).expand_as(x_t)


SHADES = {0: 140, 1: 191, 2: 242}


def test_another_sampler_than_the_configs_does_not_take_its_timesteps() -> None:
    sampling = {"sampler": "dpm_solver", "steps": 8, "spacing": "karras"}
    config = parse({"sampling": sampling, "training": {"conditional": False}})
    assert settled(config).model_dump().items() >= sampling.items()
    assert settled(config, eta=0.5).spacing == "karras"
    other = settled(config, sampler="ddpm")
    assert (other.steps, other.spacing) == (1000, "trailing")
    assert settled(config, sampler="ddpm", spacing="log_snr").spacing == "log_snr"


@pytest.fixture
def model() -> Model:
    config = parse(
        {
            "data": {"classes": CLASSES},
            "diffusion": {"prediction": "x0", "timesteps": 10},
            "training": {"conditional": True},
            "sampling": {"sampler": "ddim", "steps": 2},
        }
    )
    return Model(config, Painter(), (1, 4, 4))


def shades(images: np.ndarray) -> list[int]:
    return images[:, 0, 0, 0].tolist()


@pytest.mark.parametrize(
    ("wish", "labels"),
    [
        (None, [0, 1, 2]),
        (["trouser", "BAG"], [1, 2]),
        ([" t-shirt/top "], [0]),
        (["2", 1], [2, 1]),
    ],
)
def test_classes_are_known_by_name_and_by_index(wish: list[int | str] | None, labels: list[int]) -> None:
    assert list(labels_of(CLASSES, wish)) == labels


def test_a_name_that_is_a_number_is_a_name_and_an_index_an_index() -> None:
    assert list(labels_of(("1", "0"), ["0", "1", 0, 1])) == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (["trousers"], "Did you mean 'trouser'"),
        (["3"], "no class '3'"),
        ([-1], "no class '-1'"),
        ([""], "no class ''"),
        ([], "labels is empty"),
    ],
)
def test_a_class_that_is_not_there_is_explained(wish: list[int | str], message: str) -> None:
    with pytest.raises(NevoaError, match=message):
        labels_of(CLASSES, wish)


def test_all_classes_come_in_turn_whatever_the_count(model: Model) -> None:
    assert shades(model.sample(7)) == [SHADES[n % 3] for n in range(7)]
    (*_, end) = model.trajectory(2, first=5)
    assert end.x_t[:, 0, 0, 0].tolist() == pytest.approx([0.9, 0.1], abs=1e-5)


def test_classes_wished_for_come_in_turn(model: Model) -> None:
    assert vars(model.settings(labels=["bag"])) == vars(model.settings())
    assert shades(model.sample(5, labels=["bag", 0])) == [SHADES[2], SHADES[0], SHADES[2], SHADES[0], SHADES[2]]


def test_guidance_reaches_the_denoiser(model: Model) -> None:
    """Halfway between black and the class; without it, black; and that is what a denoiser without a label makes."""
    assert shades(model.sample(2, labels=[1], guidance=0.5, clip=False)) == [round((1 - 0.25) / 2 * 255)] * 2
    assert shades(model.sample(3, guidance=0.0)) == [0, 0, 0]
    x_t, t = torch.zeros(2, 1, 4, 4), torch.tensor([3, 3])
    assert model.denoiser()(x_t, t).x_0.unique().item() == -1


@pytest.mark.parametrize("guidance", [-0.5, float("nan"), float("inf")])
def test_guidance_out_of_range_is_refused(model: Model, guidance: float) -> None:
    with pytest.raises(NevoaError, match="guidance is 0 or more"):
        model.settings(guidance=guidance)


def test_an_unconditional_model_refuses_labels_and_guidance() -> None:
    model = Model(Config(), Painter(), (1, 4, 4))
    with pytest.raises(NevoaError, match="knows no classes"):
        model.sample(1, labels=[0], steps=1)
    with pytest.raises(NevoaError, match="for models of classes"):
        model.sample(1, guidance=2.0, steps=1)
    assert model.settings(labels=None, guidance=1.0) == model.settings()
    assert model.labels(3) is None


@pytest.mark.parametrize("guidance", [0, 2])
def test_a_model_that_was_always_told_the_class_has_no_guidance(guidance: float) -> None:
    """What it would draw of no class is as it began, noise."""
    config = parse({"data": {"classes": CLASSES}, "training": {"conditional": True, "label_dropout": 0}})
    assert settled(config, guidance=1).guidance == 1
    with pytest.raises(NevoaError, match="this one was always told it"):
        settled(config, guidance=guidance)
