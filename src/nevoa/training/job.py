"""From a config to a job: settle everything that the config leaves open before training starts."""

import math
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from nevoa._util.compiling import compiler_fault
from nevoa._util.plain import takes
from nevoa.config import LARGEST_SIDE, SMALLEST_SIDE, Config, DataConfig
from nevoa.config.network import OBJECT
from nevoa.config.training import TrainingConfig
from nevoa.data import ImageSet, changed_files, flips, is_path, load_images
from nevoa.diffusion.schedule import check_schedule
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.networks import check_is_module, check_network
from nevoa.objects import NAMES, Objects, check_objects, described
from nevoa.parallel.device import choose_device, choose_precision, choose_threads
from nevoa.parallel.launched import world_size
from nevoa.runs.decisions import Costs
from nevoa.training.budget import budgeted, is_open, report_interval
from nevoa.training.memory import count_parameters
from nevoa.training.optimizer import trained_parameters
from nevoa.training.profile import Profile
from nevoa.training.resume import resumed
from nevoa.training.start import start_weights
from nevoa.training.state import TrainingState
from nevoa.training.width import Width, sized

# Compiling takes up to a minute on a GPU; a run of ten minutes gains more than that from it.
COMPILE_PAYS_SECONDS = 600.0
# The key of a config that names each part.
KEYS = {"network": "network.kind", "schedule": "diffusion.schedule", "loss": "training.loss"}


class Earlier(NamedTuple):
    """What an earlier process left of the run to resume: its config and, if it measured them, its costs."""

    config: Config
    costs: Costs | None = None


@dataclass(frozen=True)
class Job:
    """A training that is ready to start: everything is settled, nothing has been written.

    Attributes:
        config: with no value left open.
        images: loaded once, for every step.
        objects: given in place of names.
        costs: measured seconds; None if nothing had to be measured.
        started: `time.perf_counter()` at which the config's minutes began.
        is_paced: whether the number of steps is an estimate, to be decided again on the way.
        cools_down: whether the cool-down begins at once, wherever the run is.
        start: the weights to start from; random ones if None.
        width: the network's, if the config left it open.

    Example:
        >>> job = resolve(config)
        >>> job.parameters
        12556
    """

    config: Config
    images: ImageSet
    objects: Objects = NAMES
    costs: Costs | None = None
    started: float = 0.0
    is_paced: bool = False
    start: Mapping[str, Tensor] | None = None
    cools_down: bool = False
    width: Width | None = None

    def fresh_state(self) -> TrainingState:
        """The state before the first step."""
        state = TrainingState.fresh(self.config, self.images.shape, self.objects)
        if self.start is not None:
            state.start_from(self.start)
        return state

    @property
    def parameters(self) -> int:
        """Number of the network's parameters."""
        return count_parameters(self.config, self.images.shape[0], self.objects)


def resolve(
    config: Config,
    images: ImageSet | None = None,
    *,
    objects: Objects = NAMES,
    earlier: Earlier | None = None,
    started: float | None = None,
    recorded: bool = True,
    accept_changes: bool = False,
    start: Model | None = None,
) -> Job:
    """Settle what a config leaves open, from the device to how often a preview is drawn.

    A network that does not fit the images is refused here, before anything is timed or written.

    Args:
        images: loaded from `config.data` if None.
        earlier: the run to resume; what it has settled and measured is kept. A NevoaError lists the differences.
        started: `time.perf_counter()` at which the config's minutes began; None: after the images were loaded.
        recorded: whether previews and checkpoints will be written; without them all minutes are for steps.
        accept_changes: resume although the config differs.
        start: the model that `config.training.start` names; not needed to resume.

    Example:
        >>> device = resolve(config).config.training.device
    """
    for made in (earlier.config, config) if earlier is not None else (config,):
        check_objects(made, objects)
    check_given(objects)
    images = load_images(config.data) if images is None else images
    started = time.perf_counter() if started is None else started
    if not accept_changes:
        _check_same_images(config, images)
    _check_size(images)
    config = _described(config, images, objects)
    if earlier is not None:
        config = resumed(config, earlier.config, accept_changes)
    config = _on_device(config)
    _check_compiler(config.training)
    _check_batch(config)
    config, width = sized(config, images, objects)
    _check_batch(config)
    if objects.network is not None:
        check_network(objects.network, images.shape, len(config.classes))
    profile = Profile(config, images, objects, earlier and earlier.costs)
    profile.check_memory()
    weights = None if start is None else start_weights(start, profile.state.network, config.classes)
    is_paced = config.training.minutes is not None and config.training.steps is None
    settle(profile, started, recorded)
    return Job(profile.config, images, objects, profile.measured_costs, started, is_paced, weights, width=width)


def _on_device(config: Config) -> Config:
    """The config with the device, its precision and the number of threads."""
    training = config.training
    device = choose_device(training.device)
    precision = choose_precision(device) if training.precision == "auto" else training.precision
    threads = training.threads or choose_threads()
    return config.updated("training", device=device, precision=precision, threads=threads)


def _check_compiler(training: TrainingConfig) -> None:
    if training.compile and (fault := compiler_fault(training.device)):
        raise NevoaError(f"{fault} Install what it lacks, or train with -o training.compile=false.")


def _check_batch(config: Config) -> None:
    batch_size = config.training.batch_size
    if batch_size != "auto" and batch_size < world_size():
        raise NevoaError(
            f"{world_size()} processes cannot share a batch of {batch_size} images: start fewer, or set a larger "
            "training.batch_size."
        )


def _check_same_images(config: Config, images: ImageSet) -> None:
    if config.data.fingerprint not in (None, images.fingerprint):
        sentences = (
            f"The images of {images.name} are not those that this config was made for.",
            changed_files(config.data.fingerprint, images.fingerprint),
            "Train on them all the same with 'nevoa train' and --accept-changes.",
        )
        raise NevoaError(" ".join(filter(None, sentences)))


def _check_size(images: ImageSet) -> None:
    _, height, width = images.shape
    if not SMALLEST_SIDE <= min(height, width) <= max(height, width) <= LARGEST_SIDE:
        raise NevoaError(
            f"The images are {height}x{width}; nevoa trains on {SMALLEST_SIDE}x{SMALLEST_SIDE} to "
            f"{LARGEST_SIDE}x{LARGEST_SIDE}: choose another --size."
        )


def check_given(objects: Objects) -> None:
    """A NevoaError if an object is not what its name says.

    Example:
        >>> check_given(nevoa.objects.Objects(network=network))
    """
    for part, value in vars(objects).items():
        if isinstance(value, str):
            raise NevoaError(f"{part}= takes an object. Choose a {part} by name with options=['{KEYS[part]}={value}'].")
    if objects.network is not None:
        check_is_module(objects.network)
        trained_parameters(objects.network)
    if objects.schedule is not None:
        check_schedule(objects.schedule)
    if objects.loss is not None and not callable(objects.loss):
        raise NevoaError("The loss must be a function of (output, target) that returns one loss per image.")


def settle(profile: Profile, started: float, recorded: bool) -> None:
    """Settle what depends on the time of a step."""
    training = profile.config.training
    if training.steps is None and training.epochs is not None:
        profile.settle(steps=math.ceil(training.epochs * len(profile.images) / training.known_batch_size))
    if training.compile is None:
        # A distillation calls its networks in seven ways, each of which would be compiled.
        is_plain = training.device == "cuda" and not training.is_distillation
        pays = is_plain and _seconds(profile) > COMPILE_PAYS_SECONDS
        profile.settle(compile=pays and _can_compile(training.device))
    if recorded and is_open(profile.config.training):
        # Measuring comes first: it takes its time from the minutes too.
        costs, total = profile.costs, _seconds(profile)
        profile.settle(**budgeted(profile.config.training, costs, total, total - (time.perf_counter() - started)))
    elif profile.config.training.steps is None:
        step = profile.step_seconds
        left = _seconds(profile) - (time.perf_counter() - started)
        profile.settle(steps=max(1, int(left / step)))
    if profile.config.training.report_every_images is None:
        profile.settle(report_every_images=report_interval(profile.config.training))


def _can_compile(device: str) -> bool:
    if fault := compiler_fault(device):
        warnings.warn(f"{fault} The training goes on, but slower.", stacklevel=2)
    return fault is None


def _seconds(profile: Profile) -> float:
    """How long the whole run is to take."""
    training = profile.config.training
    return training.minutes * 60 if training.minutes else (training.steps or 0) * profile.step_seconds


def _described(config: Config, images: ImageSet, objects: Objects) -> Config:
    """The config with what is known once the images and objects are."""
    conditional = _conditional(config, images, objects)
    config = described(config, objects)
    return config.updated("training", conditional=conditional).updated("data", **_about(config, images, conditional))


def _conditional(config: Config, images: ImageSet, objects: Objects) -> bool:
    wanted = config.training.conditional
    if wanted and images.notes.unsettled:
        raise NevoaError(f"{images.name}: {images.notes.unsettled}")
    if wanted == "auto":
        network = objects.network  # takes (x_t, t) or (x_t, t, label)
        return bool(images.classes) and (network is None or takes(network.forward, 3))
    if wanted and not images.classes:
        raise NevoaError(
            f"{images.name} has no classes, and a conditional model needs them. Put its images into one sub-folder per "
            "class, or set training.conditional=false."
        )
    return wanted


def _about(config: Config, images: ImageSet, conditional: bool) -> dict[str, Any]:
    """Facts about the images; the classes only where the network is conditional."""
    data = config.data
    about = {
        "flip": flips(data.source) if data.flip is None else data.flip,
        "fingerprint": images.fingerprint,
        "holdout": images.notes.held_out,
        "classes": images.classes if conditional else None,
    }
    if not images.notes.source or data.source.startswith(f"{OBJECT}:"):
        # Images in memory are used as they are: the keys that choose or change images mean nothing.
        return dict(DataConfig()) | about | {"source": f"{OBJECT}:{images.name}", "holdout": 0}
    return about | {"source": _found_again(data.source)}


def _found_again(source: str) -> str:
    """The source as a resumed run finds it again."""
    return str(Path(source).expanduser().resolve()) if is_path(source) else source
