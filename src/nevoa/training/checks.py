"""Refuse what cannot be trained, before anything is timed or written."""

from nevoa._util.arguments import argument, has_argument
from nevoa.config import LARGEST_SIDE, SMALLEST_SIDE, Config, Plan
from nevoa.config.network import OBJECT
from nevoa.config.registry import NETWORKS
from nevoa.data import ImageSet
from nevoa.diffusion.schedule import check_schedule
from nevoa.errors import NevoaError
from nevoa.networks import check_is_module
from nevoa.objects import Objects
from nevoa.parallel.environment import world_size
from nevoa.training.objective import keeps_best
from nevoa.training.optimizer import trained_parameters

# The key of a config that names each part.
KEYS = {"network": "network.kind", "schedule": "diffusion.schedule", "loss": "training.loss"}


def check_size(images: ImageSet) -> None:
    """A NevoaError if images have a size that nevoa does not train on.

    Example:
        >>> check_size(images)
    """
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


def takes(config: Config, objects: Objects) -> tuple[bool, bool]:
    """Whether the network takes classes, and whether it takes other conditions.

    Example:
        >>> takes(config, Objects())
        (True, True)
    """
    if objects.network is None:
        return True, has_argument(NETWORKS[config.network.kind], "conditions")
    third = argument(objects.network.forward, 2)  # of (x_t, t), (x_t, t, label) or (x_t, t, condition)
    return third is not None, third == "condition"


def learns_augmentation(config: Config, objects: Objects) -> bool:
    """Whether the network can learn what was done to images: adapters and distilled models cannot.

    Example:
        >>> learns_augmentation(config, Objects())
        True
    """
    training = config.training
    return not (training.lora or training.is_distillation) and takes(config, objects)[1]


def check_takes_augmentation(config: Config, objects: Objects) -> None:
    """A NevoaError if images are augmented and the network takes no condition to learn how.

    Example:
        >>> check_takes_augmentation(config, Objects())
    """
    if config.data.conditioned and not takes(config, objects)[1]:
        name = config.network.kind if objects.network is None else type(objects.network).__name__
        raise NevoaError(
            f"The network {name} takes no condition, so it cannot learn what was done to an image, and images that "
            "it makes would show it: train with --augment flip or --augment none."
        )


def check_patience(plan: Plan, images: ImageSet, records: bool) -> None:
    """A NevoaError if a training has patience and measures no held-out loss.

    Args:
        records: whether it has a run, whose previews are when it is measured.

    Example:
        >>> check_patience(run.plan(), images, records=True)
    """
    if plan.training.patience is None or (records and keeps_best(plan)):
        return
    if not records:
        raise NevoaError("training.patience needs a run, which measures the held-out loss: give a run folder, out=.")
    advice = f"hold some out with -o data.holdout={max(2, len(images) // 10)}"
    if plan.data.split != "train":
        advice = "they are of the split train: leave out --patience"
    elif len(images) < 3:
        advice = "they are too few: leave out --patience"
    elif plan.data.source.startswith(f"{OBJECT}:"):
        advice = "give the images as a folder or a file, and hold some out with data.holdout"
    raise NevoaError(f"training.patience (--patience) needs two or more held-out images of {images.name}: {advice}.")


def check_batch(batch_size: int) -> None:
    """A NevoaError if a process would get no image of a batch.

    Example:
        >>> check_batch(64)
    """
    if batch_size < world_size():
        raise NevoaError(
            f"{world_size()} processes cannot share a batch of {batch_size} images: start fewer, or set a larger "
            "training.batch_size."
        )
