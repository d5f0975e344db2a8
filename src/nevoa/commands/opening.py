"""The model that makes images, as the options of `nevoa sample` ask for it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nevoa._util.arguments import sides_in
from nevoa.commands.written import PathLike
from nevoa.errors import NevoaError

if TYPE_CHECKING:
    from nevoa.data import Size
    from nevoa.formats.diffusers.text_to_image import TextToImage
    from nevoa.model import Model

    AnyModel = Model | TextToImage

STRENGTH, FRAMES = 0.6, 9
# From one end to another.
BETWEEN = "interpolate", "blend"
WAYS = "from_", "inpaint", *BETWEEN
# Options that need one of others.
NEEDED = {"strength": ("from_",), "mask": ("inpaint",), "inpaint": ("mask",), "frames": BETWEEN}
STARTS = {*WAYS, *NEEDED}
# Options that say what images are asked to be, besides classes and prompts.
OTHERS = "tags", "numbers", "picture", "condition"


def opened(
    run: PathLike | None, label: Sequence[Any], prompts: Sequence[str], options: Mapping[str, Any]
) -> "AnyModel":
    """The model, which may start from images or take a text. A NevoaError unless the options go together."""
    from nevoa.commands.load import check, is_pipeline, load
    from nevoa.runs import PACKAGED

    if not prompts or run is None or not is_pipeline(run):
        if "size" in options:
            raise NevoaError("--size is for text-to-image pipelines, which need --prompt: leave out --size.")
        if prompts and run is None:
            raise NevoaError(
                "The model of clothes takes no prompts: name a model that does, as in 'nevoa sample emoji'."
            )
        place = PACKAGED if run is None else run
        check(place)
        return started(load(place), {name: options[name] for name in STARTS if name in options})
    if label:
        raise NevoaError("--class does not apply to a text-to-image pipeline: describe the image in --prompt instead.")
    if options.keys() & STARTS:
        raise NevoaError("A text-to-image pipeline starts from noise: leave out " + _options(WAYS, "and") + ".")
    if any(name in options for name in OTHERS):
        several = "--tags, --number, --picture and --condition"
        raise NevoaError(f"A text-to-image pipeline is asked by its prompt alone: leave out {several}.")
    if len(prompts) > 1:
        raise NevoaError("A text-to-image pipeline takes one --prompt at a time: give one.")
    from nevoa.formats.diffusers.text_to_image import open_text_to_image

    return open_text_to_image(str(run), prompts[0], _sides(options.get("size")), unwanted=options.get("not_"))


def started(model: "Model", options: Mapping[str, Any]) -> "Model":
    """The model that starts from the images of the options; the model itself without any.

    A NevoaError unless the options go together.
    """
    from nevoa.commands.blending import blending
    from nevoa.commands.from_images import inpainting, interpolation, variations

    if len(ways := [name for name in WAYS if name in options]) > 1:
        raise NevoaError(f"Give one of {_options(ways, 'and')}.")
    for name, needed in NEEDED.items():
        if name in options and not options.keys() & needed:
            raise NevoaError(f"--{name} needs {_options(needed, 'or')}: add it, or leave out --{name}.")
    if "from_" in options:
        return variations(model, options["from_"], options.get("strength", STRENGTH))
    if "inpaint" in options:
        return inpainting(model, options["inpaint"], options["mask"])
    for name, function in (("interpolate", interpolation), ("blend", blending)):
        if name in options:
            ends = options[name]
            if not isinstance(ends, tuple | list) or len(ends) != 2:
                raise NevoaError(f"{name} must be two ends, one to begin with and one to end with, not {ends!r:.60}.")
            return function(model, ends[0], ends[1], options.get("frames", FRAMES))
    return model


def _options(names: Sequence[str], word: str) -> str:
    """Options as they are typed, in a list of words."""
    *others, last = [f"--{name.strip('_')}" for name in names]
    return f"{', '.join(others)} {word} {last}" if others else last


def _sides(size: Any) -> "Size | None":
    if size is None:
        return None
    try:
        sides = sides_in(size)
    except ValueError as error:
        raise NevoaError(f"--size: {error} (given: '{size}').") from error
    return (sides, sides) if isinstance(sides, int) else sides
