"""The facts about a model that its page shows, and what a reader may ask for and choose."""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from nevoa.conditions import conditions_of
from nevoa.conditions.text import LENGTHS, LONGEST_PROMPT
from nevoa.config import ModelPlan, TextPlan
from nevoa.data import DataSource
from nevoa.diffusion import steps_of
from nevoa.model import Model
from nevoa.runs import Run, card_text, data_licence, prompts_to_try
from nevoa.sampling import SamplingOptions, SamplingSettings, accepts, settings_of

# The numbers of steps on the page's slider, besides the run's own.
STEPS = 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000
# The samplers that the page can take, with the evaluations of a step, and the predictions: those of `samplers.js`.
EVALUATIONS = {"dpm_solver": 1, "ddim": 1, "euler": 1, "ddpm": 1, "heun": 2}
PREDICTIONS = "epsilon", "x0", "v", "flow"
# The kinds of condition that `asking.js` has controls for.
CONDITIONS = "text", "tags", "number", "picture", "downscaled", "gray", "edges", "masked"
# The samplers on the page, besides the run's own.
OFFERED = ("ddpm", "ddim", "dpm_solver")
# Any guidance that needs a model made for it, and anything to guide away from.
STRONG, ANYTHING = 2.0, "anything"
# Those of `nevoa.inpainting`.
FILLING_STEPS = 10
# A row of the card: the Fréchet distance, and that of as many real images.
DISTANCE = re.compile(r"^\| (fd_[^|]+) \| ([\d.e+-]+) \| ([^|]*?) ?\|$", re.MULTILINE)


def about(model: Model) -> dict[str, Any]:
    """Name, data set, licence and score of a model."""
    source, card = model.plan.data.source, _card(model)
    distance = DISTANCE.search(card)
    return {
        "name": Path(model.place).name or "nevoa",
        "parameters": model.parameters,
        "data": DataSource.of(source).name,
        "licence": data_licence(card, source),
        "distance": list(distance.groups()) if distance else None,
    }


def prompts_of(model: Model) -> list[str]:
    """The prompts that the page offers: those on the model's card."""
    return prompts_to_try(_card(model))


def _card(model: Model) -> str:
    return card_text(Run(Path(model.place))) if model.place else ""


def kinds_of(plan: ModelPlan, prompts: Sequence[str] = (), picture: Any = None) -> list[dict[str, Any]]:
    """The kinds of condition besides classes, with all that `asking.js` makes their tensors of.

    Each has the `size` of its tensor, in numbers; a text has prompts to try.

    Args:
        picture: what the canvas begins with, of several canvases the first; None for an empty one.

    Raises:
        NevoaError: it is no picture, or the model knows no pictures.
    """
    kinds = conditions_of(plan).kinds
    start = {} if picture is None else _start(plan, picture)
    return [
        one.model_dump()
        | {"size": kinds[name].tensor([None]).numel()}
        | (_reading(one, prompts) if isinstance(one, TextPlan) else {})
        | start.get(name, {})
        for name, one in plan.conditions.items()
    ]


def _start(plan: ModelPlan, picture: Any) -> dict[str, dict[str, str]]:
    """The bytes of the picture on the first canvas, in base64, by the name of its kind; channel after channel."""
    name = next(iter(plan.pictures), "gray")  # which a model without pictures cannot be asked for
    [value] = conditions_of(plan).asked(name, [picture])
    factor = plan.pictures[name].factor
    pixels = value[::factor, ::factor].transpose(2, 0, 1)
    return {name: {"start": b64encode(pixels.tobytes()).decode()}}


def _reading(plan: TextPlan, prompts: Sequence[str]) -> dict[str, Any]:
    """How texts are read."""
    seen = b64encode(plan.bits).decode()
    return {"seen": seen, "lengths": LENGTHS, "longest": LONGEST_PROMPT, "prompts": prompts}


def ways(model: Model, **options: Unpack[SamplingOptions]) -> dict[str, Any]:
    """How the page samples: the run's way first, then what a reader may choose in its place.

    Nothing else for a distilled model, which is poor at other timesteps.
    """
    own = model.settings(**options)
    if model.plan.distilled_from:
        samplers, filling = [_sampler(model, own, ())], None
    else:
        others = [settings_of(model.plan, sampler=name) for name in OFFERED if name != own.sampler]
        samplers = [_sampler(model, settings) for settings in (own, *others)]
        settings = settings_of(model.plan, sampler="ddpm", steps=min(FILLING_STEPS, steps_of(model.schedule)))
        filling = _sampler(model, settings, ())
    return {
        "samplers": samplers,
        "filling": filling,
        "clip": own.clip,
        "guidance": _weights(model.plan, own),
        "guided": accepts(model.plan, guidance=STRONG),
        "away": _away(model.plan),
        "needs": not model.plan.works_without_condition,
    }


def _weights(plan: ModelPlan, settings: SamplingSettings) -> list[float]:
    """The guidance of each kind of condition, class first."""
    one = settings.guidance
    return [one[kind] if isinstance(one, Mapping) else one for kind in plan.kinds]


def _away(plan: ModelPlan) -> int | None:
    """The place of the kind of which images can be guided away from something; None if they cannot."""
    return plan.kinds.index(plan.spoken) if plan.spoken and accepts(plan, guidance=STRONG, not_=ANYTHING) else None


def _sampler(model: Model, settings: SamplingSettings, choices: tuple[int, ...] = STEPS) -> dict[str, Any]:
    steps, last = settings.steps or 1, steps_of(model.schedule)
    numbers = sorted({steps, *(count for count in choices if count <= last)})
    return {
        "name": settings.sampler,
        "steps": steps,
        "grids": {count: model.timesteps(settings.model_copy(update={"steps": count})) for count in numbers},
        "variance": settings.variance,
        "eta": settings.eta,
        "evaluations": EVALUATIONS[str(settings.sampler)],
    }
