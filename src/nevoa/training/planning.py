"""From asked to decided: the plan of a training, made before it begins, in one pass."""

import math
import time
import warnings
from collections.abc import Mapping

from nevoa._util.compiling import compiler_fault
from nevoa.config import Config, ModelPlan, Plan
from nevoa.config.training import TrainingConfig
from nevoa.data import ImageSet
from nevoa.errors import NevoaError
from nevoa.networks import check_network
from nevoa.objects import NAMES, Objects, check_objects
from nevoa.parallel.device import choose_device, choose_precision, choose_threads, devices
from nevoa.runs.journal import Costs
from nevoa.training.budget import images_within, report_interval, timetable
from nevoa.training.checks import check_batch, check_given, check_patience, check_size
from nevoa.training.draft import Draft, first, steps_after
from nevoa.training.few import is_memorised, with_start
from nevoa.training.measure import Trial
from nevoa.training.resume import Planned, check_same, kept_start
from nevoa.training.width import sized

# Compiling takes up to a minute on a GPU; a run of ten minutes gains more than that from it.
COMPILE_PAYS_SECONDS = 600.0
INTERVALS = "preview_every_images", "checkpoint_every_images"
TIMETABLE = "preview_steps", "report_every_images", *INTERVALS


def plan(
    config: Config,
    images: ImageSet,
    objects: Objects = NAMES,
    recorded: Planned | None = None,
    *,
    start: ModelPlan | None = None,
    started: float | None = None,
    records: bool = True,
    accept_changes: bool = False,
) -> Planned:
    """Decide everything that a config leaves open, from the device to how often a preview is drawn.

    A network that does not fit the images is refused here, before anything is timed or written.

    Args:
        recorded: of the run to resume: what was decided there stays. A NevoaError lists other differences.
        start: of the model to start from.
        started: `time.perf_counter()` at which the config's minutes began; None: now.
        records: whether previews and checkpoints will be written; without them all minutes are for steps.
        accept_changes: resume although images, batch size or settings differ.

    Example:
        >>> planned = plan(config, nevoa.data.load_images(config.data))
        >>> planned.plan.training.batch_size
        8
    """
    begun = time.perf_counter() if started is None else started
    asked, was = config.training, recorded.plan if recorded else None
    for made in (was, config) if was else (config,):
        check_objects(made, objects)
    check_given(objects)
    check_size(images)

    draft = with_start(_placed(Draft.of(config, images, objects, was, start), asked, was), asked, was)
    check_batch(draft.batch_size)
    draft = sized(draft, asked)
    _check_own_network(objects, images, draft)
    trial = draft.trial()
    check_patience(trial.plan, images, records)
    trial.check_memory()

    known = _known(asked, was, len(images), draft.batch_size)
    if "augment" in draft.open and is_memorised(len(images), _images_to_see(trial, asked, known["images"])):
        draft = draft.augmented()
        trial = draft.trial()
    stays = was is not None and was.training.device == trial.plan.training.device
    if asked.compile is None and not stays and _compiling_pays(trial, asked, known["images"]):
        draft = draft.training(compile=True)
        trial = draft.trial()
    costs = recorded.costs if recorded and stays else None
    if known["images"] is None or (records and None in [known[key] for key in INTERVALS]):
        costs = (costs or trial.costs) if records else Costs(trial.image_seconds, 0.0, 1, 0.0)
        known |= _timed(known, costs, asked, draft.batch_size, begun, records)
    decided = _sampled(draft, known["images"]).training(**_timetabled(known, trial, draft.batch_size)).plan()
    if was is not None:
        check_same(was, decided, accept_changes)
    return Planned(decided, costs)


def _placed(draft: Draft, asked: TrainingConfig, was: Plan | None) -> Draft:
    """The draft with a device and what suits it: that of the run to resume, if this machine has it."""
    there = was.training if was and was.training.device in devices() else None
    device = choose_device(first(asked.device, there and there.device) or "auto")
    same = there if there and there.device == device else None
    if asked.compile and (fault := compiler_fault(device)):
        raise NevoaError(f"{fault} Install what it lacks, or train with -o training.compile=false.")
    return draft.training(
        device=device,
        precision=first(asked.precision, same and same.precision) or choose_precision(device),
        threads=first(asked.threads, same and same.threads) or choose_threads(),
        compile=first(asked.compile, same and same.compile) or False,
        start=kept_start(asked.start, was),
    )


def _known(asked: TrainingConfig, was: Plan | None, count: int, batch_size: int) -> dict[str, int | None]:
    """The horizon and the timetable, as far as they need no measurement."""
    known = {key: first(getattr(asked, key), was and getattr(was.training, key)) for key in TIMETABLE}
    return known | {"images": _images(asked, was, count, batch_size)}


def _timed(
    known: dict[str, int | None], costs: Costs, asked: TrainingConfig, batch_size: int, begun: float, records: bool
) -> Mapping[str, int]:
    """The horizon, and of a run the timetable, by the costs. Measuring came first: its time is gone."""
    total = 60 * asked.minutes if asked.minutes else (known["images"] or 0) * costs.image
    left = total - (time.perf_counter() - begun)
    if records:
        return timetable(known, costs, total, left, batch_size, asked.cooldown)
    return {"images": known["images"] or images_within(costs, (), left, batch_size, cooldown=1.0)}


def _timetabled(known: Mapping[str, int | None], trial: Trial, batch_size: int) -> dict[str, int]:
    """Return the horizon and the timetable; an interval that is still open is the whole training."""
    horizon = known["images"] or batch_size
    own = {"report_every_images": report_interval(horizon, batch_size)}
    if not known["preview_steps"]:
        own["preview_steps"] = trial.state.model().settings().steps or 1
    return {key: value or own.get(key, horizon) for key, value in known.items()}


def _images(asked: TrainingConfig, was: Plan | None, count: int, batch_size: int) -> int | None:
    """The images of a budget that says how many, in whole batches; None if the minutes decide."""
    if asked.minutes is not None:
        return was.training.images if was and was.training.minutes == asked.minutes else None
    if asked.steps is not None:
        return asked.steps * batch_size
    return batch_size * math.ceil((asked.epochs or 0) * count / batch_size)


def _images_to_see(trial: Trial, asked: TrainingConfig, known: int | None) -> float:
    """The images of the training, estimated where the minutes decide."""
    return known or 60 * (asked.minutes or 0) / trial.image_seconds


def _sampled(draft: Draft, images: int | None) -> Draft:
    """The draft with more sampling steps after a long training. Previews keep the few that were timed."""
    return draft.sampled(steps_after(images or 0)) if "steps" in draft.open else draft


def _compiling_pays(trial: Trial, asked: TrainingConfig, images: int | None) -> bool:
    # A distillation calls its networks in seven ways, each of which would be compiled.
    if trial.plan.training.device != "cuda" or asked.is_distillation:
        return False
    seconds = 60 * asked.minutes if asked.minutes else (images or 0) * trial.image_seconds
    if seconds <= COMPILE_PAYS_SECONDS:
        return False
    if fault := compiler_fault("cuda"):
        warnings.warn(f"{fault} The training goes on, but slower.", stacklevel=2)
    return fault is None


def _check_own_network(objects: Objects, images: ImageSet, draft: Draft) -> None:
    """Call a network of the user with what the images have, and with what the training learns."""
    if objects.network is not None:
        for conditions in (draft.tables["conditions"], draft.plan().learned):
            check_network(objects.network, images.shape, len(draft.classes), conditions)
