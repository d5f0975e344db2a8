"""Sampling options are settled or refused, and image n of a conditional model is of class n in turn."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nevoa.config import Config, parse
from nevoa.config.condition import NumberPlan, TagsPlan
from nevoa.data import labels_of
from nevoa.diffusion import AnyDenoiser
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.sampling import DDIM, DDPM, SAMPLERS, DPMSolver, Heun, Past, Transition, as_sampler, settings_of
from tests.small_runs import model_plan

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
    config = model_plan(parse({"sampling": sampling}))
    assert settings_of(config).model_dump().items() >= sampling.items()
    assert settings_of(config, clip=False).spacing == "karras"
    other = settings_of(config, sampler="ddpm")
    assert (other.steps, other.spacing) == (1000, "trailing")
    assert settings_of(config, sampler="ddpm", spacing="log_snr").spacing == "log_snr"


@pytest.fixture
def model() -> Model:
    diffusion, sampling = {"prediction": "x0", "timesteps": 10}, {"sampler": "ddim", "steps": 2}
    config = parse({"diffusion": diffusion, "sampling": sampling})
    return Model(model_plan(config, classes=CLASSES), Painter(), (1, 4, 4))


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
        (["trousers"], "Did you mean 'Trouser'"),
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


@pytest.mark.parametrize("options", [{"condition": "cat"}, {"numbers": [30]}])
def test_what_is_asked_by_name_has_a_name(options: dict[str, Any], model: Model) -> None:
    with pytest.raises(NevoaError, match="must be a table of values by name, such as"):
        model.sample(1, **options)


def test_classes_wished_for_come_in_turn(model: Model) -> None:
    assert vars(model.settings(labels=["bag"])) == vars(model.settings())
    assert shades(model.sample(5, labels=["bag", 0])) == [SHADES[2], SHADES[0], SHADES[2], SHADES[0], SHADES[2]]


def test_guidance_reaches_the_denoiser(model: Model) -> None:
    """Halfway between black and the class; without it, black; and that is what a denoiser without a label makes."""
    assert shades(model.sample(2, labels=[1], guidance=0.5, clip=False)) == [round((1 - 0.25) / 2 * 255)] * 2
    assert shades(model.sample(3, guidance=0.0)) == [0, 0, 0]
    x_t, t = torch.zeros(2, 1, 4, 4), torch.tensor([3, 3])
    assert model.denoiser()(x_t, t).x_0.unique().item() == -1


def test_what_images_do_not_show_takes_the_place_of_no_condition(model: Model) -> None:
    """A shade of 0.5, away from one of 0.1, with twice the difference; of all classes in turn, too."""
    assert shades(model.sample(1, labels=[1], not_="t-shirt/top", guidance=2)) == [SHADES[2]]
    assert shades(model.sample(3, not_=1, guidance=1.5)) == [round((1 + shade) / 2 * 255) for shade in (-0.1, 0.5, 1.0)]


class Additive(nn.Module):
    """Its shade says what is asked: 0.1 for the class and 0.2 for a hat, and another 0.05 for both; else -0.5."""

    def forward(self, x_t: Tensor, t: Tensor, condition: dict[str, Tensor]) -> Tensor:
        known, hat = condition["class"] < len(CLASSES), condition["tags"][:, 0] == 1
        shade = -0.5 + 0.1 * known + 0.2 * hat + 0.05 * (known & hat)
        return shade.view(-1, 1, 1, 1).expand_as(x_t)


HAT = {"labels": "Bag", "tags": "hat"}


@pytest.fixture
def of_two_kinds() -> Model:
    config = parse({"diffusion": {"prediction": "x0", "timesteps": 10}, "sampling": {"sampler": "ddim", "steps": 2}})
    conditions = {"tags": TagsPlan(tags=("hat", "smile"))}
    return Model(model_plan(config, classes=CLASSES, conditions=conditions), Additive(), (1, 4, 4))


@pytest.mark.parametrize(
    ("options", "shade"),
    [
        ({**HAT, "guidance": {"class": 2, "tags": 3}}, -0.5 + 2 * 0.1 + 3 * 0.25),
        ({**HAT, "guidance": {"tags": 3}}, -0.5 + 0.1 + 3 * 0.25),
        ({**HAT, "guidance": {"tags": 2, "class": 2}}, -0.5 + 2 * 0.35),
        ({"tags": "hat", "guidance": {"class": 2, "tags": 3}}, -0.5 + 3 * 0.2),
        ({"tags": "smile", "not_": "hat", "guidance": 2}, -0.3 + 2 * -0.2),
        ({"not_": ["hat"], "guidance": 1.5}, -0.3 + 1.5 * -0.2),
        ({"labels": "Bag", "not_": "hat", "guidance": {"class": 1, "tags": 2}}, -0.15 + 2 * -0.25),
    ],
)
def test_each_kind_has_its_weight(of_two_kinds: Model, options: dict[str, Any], shade: float) -> None:
    """The kinds join in the order of the model; one that is not named has the model's own weight."""
    assert shades(of_two_kinds.sample(1, **options)) == [round((1 + shade) / 2 * 255)]
    assert shades(of_two_kinds.sample(1, **options, sampler="dpm_solver")) == [round((1 + shade) / 2 * 255)]


def test_weights_of_kinds_are_settled(of_two_kinds: Model) -> None:
    """One number where all are the same."""
    plan = of_two_kinds.plan
    assert settings_of(plan, guidance={"tags": 3}).guidance == {"class": 1, "tags": 3}
    assert settings_of(plan, guidance={"tags": 3, "class": 3}).guidance == 3
    own = plan.model_copy(update={"sampling": plan.sampling.model_copy(update={"guidance": 2.5})})
    assert settings_of(own, guidance={"tags": 3}).guidance == {"class": 2.5, "tags": 3}
    for settings in (settings_of(own), settings_of(own, guidance={"tags": 3})):
        assert (
            settings_of(plan, **{**settings.model_dump(), "eta": None, "variance": None}).guidance == settings.guidance
        )
    with pytest.raises(NevoaError, match="guidance has a weight for text, and this model knows class and tags"):
        settings_of(plan, guidance={"text": 3})
    with pytest.raises(NevoaError, match=r"guidance\.tags: Input should be less than or equal to 100 \(given: 101\)"):
        settings_of(plan, guidance={"tags": 101})


@pytest.mark.parametrize("guidance", [None, 0, 1, {"class": 3}])
def test_what_images_do_not_show_needs_guidance(of_two_kinds: Model, guidance: Any) -> None:
    with pytest.raises(NevoaError, match=r"not_ needs a guidance above 1, and that of tags is [01]: add --guidance 3"):
        of_two_kinds.sample(1, tags="smile", not_="hat", guidance=guidance)


def test_what_images_do_not_show_is_refused_where_it_cannot_be_asked(model: Model) -> None:
    number = {"number:age": NumberPlan(name="age", low=0, high=90)}
    with pytest.raises(NevoaError, match="not_ takes a prompt, tags or a class, and this model knows number:age"):
        settings_of(model_plan(Config(), conditions=number), not_="hat", guidance=3)
    with pytest.raises(NevoaError, match="not_ needs a model with conditions"):
        settings_of(model_plan(Config()), not_="hat")
    with pytest.raises(NevoaError, match=r"There is no class 'Bog'\. Did you mean 'Bag'"):
        model.sample(1, not_="Bog", guidance=3)


@pytest.mark.parametrize("options", [{"guidance": 2}, {"guidance": {"class": 0.5}}, {"not_": "Bag", "guidance": 2}])
def test_a_distilled_model_refuses_guidance(model: Model, options: dict[str, Any]) -> None:
    """The guide of its teacher is in its weights; large steps are no scores, whose sums would be one."""
    plan = model.plan.model_copy(update={"distilled_from": "runs/teacher"})
    with pytest.raises(NevoaError, match=r"does not suit a distilled model.*use its teacher, runs/teacher"):
        settings_of(plan, **options)
    assert settings_of(plan, guidance=1).guidance == 1


@pytest.mark.parametrize("guidance", [-0.5, 1e30, float("nan"), float("inf")])
def test_guidance_out_of_range_is_refused(model: Model, guidance: float) -> None:
    with pytest.raises(
        NevoaError, match=r"guidance: Input should be (greater than .* 0|less than .* 100|a finite number)"
    ):
        model.settings(guidance=guidance)


def test_an_unconditional_model_refuses_labels_and_guidance() -> None:
    model = Model(model_plan(Config()), Painter(), (1, 4, 4))
    with pytest.raises(NevoaError, match="knows no classes"):
        model.sample(1, labels=[0], steps=1)
    with pytest.raises(NevoaError, match="guidance needs a model with conditions"):
        model.sample(1, guidance=2.0, steps=1)
    assert model.settings(labels=None, guidance=1.0) == model.settings()
    assert model.condition(3) is None


@pytest.mark.parametrize("guidance", [0, 2])
def test_a_model_that_was_always_told_the_class_has_no_guidance(guidance: float) -> None:
    """What it would draw of no class is as it began, noise."""
    config = model_plan(Config(), classes=CLASSES, null_label=False)
    assert settings_of(config, guidance=1).guidance == 1
    with pytest.raises(NevoaError, match=r"label_dropout=0\.1"):
        settings_of(config, guidance=guidance)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 2}, "no keyword 'step'. Did you mean 'steps'"),
        ({"guidence": 3.0}, "Did you mean 'guidance'"),
        ({"clip": "no"}, r"clip: Input should be a valid boolean \(given: 'no'\)"),
        ({"steps": "5"}, r"steps: Input should be a valid integer \(given: '5'\)"),
        ({"steps": 2.5}, "steps: Input should be a valid integer"),
        ({"steps": True}, "steps: Input should be a valid integer"),
        ({"steps": 0}, "steps: Input should be greater than or equal to 1"),
        ({"steps": 11}, "steps must be between 1 and 10"),
        ({"eta": 1.5}, "eta: Input should be less than or equal to 1"),
        ({"eta": "much"}, "eta: Input should be a valid number"),
        ({"sampler": "dpm"}, "no sampler 'dpm'. Did you mean 'ddpm'"),
        ({"sampler": 3}, "int has no method step"),
        ({"spacing": "log-snr"}, "Did you mean 'log_snr'"),
        ({"sampler": "ddpm", "variance": "tiny"}, "variance: Input should be 'small' or 'large'"),
    ],
)
def test_a_wrong_option_is_explained(model: Model, options: dict[str, Any], message: str) -> None:
    with pytest.raises(NevoaError, match=message):
        model.settings(**options)
    with pytest.raises(NevoaError, match=message):
        model.sample(1, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"sampler": "dpm_solver", "eta": 0.5},
            "eta is an option of ddim, not of dpm_solver: leave it out, or choose ddim",
        ),
        ({"sampler": "euler", "eta": 0.0}, "eta is an option of ddim, not of euler"),
        ({"sampler": "ddpm", "eta": 0.5}, "not of ddpm"),
        ({"variance": "large"}, "variance is an option of ddpm, not of ddim"),
        ({"sampler": DDIM(), "eta": 0.5}, "not of DDIM"),
    ],
)
def test_an_option_of_another_sampler_is_refused(model: Model, options: dict[str, Any], message: str) -> None:
    with pytest.raises(NevoaError, match=message):
        model.settings(**options)


@pytest.mark.parametrize("name", SAMPLERS)
def test_settled_settings_have_the_fresh_noise_that_the_sampler_adds(name: str) -> None:
    """Also where the config asks for some, for ddim, and another sampler takes its place."""
    config = model_plan(parse({"sampling": {"sampler": "dpm_solver", "eta": 0.5}}))
    assert settings_of(config).eta == 0
    assert settings_of(config, sampler=name).eta == (0.5 if name == "ddim" else 0)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", SAMPLERS)
def test_settled_settings_of_every_sampler_settle_to_themselves(name: str) -> None:
    settings = settings_of(model_plan(parse({"sampling": {"sampler": name}})))
    assert settings.steps == {"ddpm": 1000, "ddim": 50, "dpm_solver": 20, "euler": 50, "heun": 25}[name]
    again = parse({"sampling": settings.model_dump(exclude={"autoguidance"})})
    assert settings_of(model_plan(again)) == settings
    few = settings_of(model_plan(parse({"sampling": {"sampler": name}, "diffusion": {"timesteps": 7}}))).steps
    assert few == min(7, settings.steps or 7)


def test_a_name_makes_its_sampler_with_the_options_it_has() -> None:
    assert as_sampler("ddpm", "large", eta=0.5) == DDPM("large")
    assert as_sampler("ddim", "large", eta=0.5) == DDIM(0.5)
    assert as_sampler("euler", "large", eta=0.5) == DDIM(0.0)
    assert (as_sampler("dpm_solver"), as_sampler("heun")) == (DPMSolver(), Heun())


class Jump:
    """A sampler from outside: straight to the estimate."""

    def step(
        self, denoiser: AnyDenoiser, x_t: Tensor, t: int, s: int, noise: Callable[[], Tensor], past: Past | None = None
    ) -> Transition:
        x_0 = denoiser(x_t, torch.full((len(x_t),), t)).x_0
        return Transition(x_0, x_0)


def test_a_sampler_may_be_an_object(model: Model) -> None:
    mine = Jump()
    assert as_sampler(mine) is mine
    settings = model.settings(sampler=mine)
    assert settings.sampler is mine
    assert (settings.steps, settings.spacing) == (10, "trailing")
    assert settings.model_dump()["sampler"] == "Jump"
    assert shades(model.sample(2, sampler=mine, steps=1)) == [SHADES[0], SHADES[1]]


class Short:
    """Its step lacks noise and past."""

    def step(self, denoiser: object, x_t: object, t: int, s: int) -> None: ...


class Wrong:
    """Its step returns something that is no transition."""

    def __init__(self, returned: Callable[[Tensor], object]):
        self.returned = returned

    def step(self, denoiser: object, x_t: Tensor, t: int, s: int, noise: object, past: object = None) -> object:
        return self.returned(x_t)


@pytest.mark.parametrize("returned", [lambda x: x, lambda x: (x,), lambda x: (x[:, :, :2], x), lambda x: None])
def test_a_step_must_return_a_transition(model: Model, returned: Callable[[Tensor], object]) -> None:
    with pytest.raises(NevoaError, match=r"Wrong.step must return a Transition\(x_s, x_0_hat\)"):
        model.sample(2, sampler=Wrong(returned), steps=2)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("sampler", [object(), 3, Jump, Short(), lambda x: x])
def test_an_object_without_a_step_is_no_sampler(sampler: object) -> None:
    with pytest.raises(NevoaError, match=r"has no method step\(denoiser, x_t, t, s, noise, past\)"):
        as_sampler(sampler)
