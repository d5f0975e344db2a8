"""Any pipeline of diffusers that makes images of a prompt: what it accepts, and how to look into its steps."""

import copy
import functools
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from nevoa._util.files import read_json
from nevoa._util.packages import needs
from nevoa.config import SamplingPlan, parse
from nevoa.data import Size
from nevoa.errors import NevoaError, reason
from nevoa.formats.diffusers.folder import INDEX

USUAL_SIDE = 1024


def kind_of(index: Path, place: str) -> Any:
    """Return the class of a pipeline. A NevoaError unless it is one of diffusers itself that takes a prompt."""
    needs("diffusers", "diffusers", "transformers")
    import diffusers
    from diffusers.pipelines.pipeline_utils import DiffusionPipeline

    if not index.is_file():
        raise NevoaError(
            f"{place} is not a folder of diffusers: it has no {INDEX}. Leave out --prompt, or give another."
        )
    values = read_json(index)
    name = values.get("_class_name")
    kind = getattr(diffusers, name, None) if isinstance(name, str) else None
    is_pipeline = inspect.isclass(kind) and issubclass(kind, DiffusionPipeline)
    if not is_pipeline or not {"prompt", "num_inference_steps"} <= parameters_of(kind).keys():
        raise NevoaError(f"{place} takes no prompt: leave out --prompt.")
    _check_libraries(values, place)
    return kind


def _check_libraries(index: Mapping[str, Any], place: str) -> None:
    """Raise a NevoaError if a part is of another library, which old versions of diffusers import."""
    from diffusers import pipelines

    libraries = {str(value[0]) for value in index.values() if isinstance(value, list) and len(value) == 2}
    for library in libraries - {"None", "diffusers", "transformers"}:
        if not hasattr(pipelines, library):
            raise NevoaError(f"{place} needs the library {library}, which nevoa does not import: open it in diffusers.")


def parameters_of(pipeline: Any) -> Mapping[str, inspect.Parameter]:
    """Return the arguments with which a pipeline is called."""
    return inspect.signature(pipeline.__call__).parameters


def check_guidance(pipeline: Any, guidance: object) -> None:
    """Raise a NevoaError if a pipeline has no guidance, or the weight is out of range."""
    if "guidance_scale" not in parameters_of(pipeline):
        raise NevoaError(f"A {type(pipeline).__name__} has no guidance: leave guidance out.")
    parse({"guidance": guidance}, SamplingPlan)


def check_unwanted(pipeline: Any, guidance: float | None) -> None:
    """Raise a NevoaError if a pipeline takes no negative prompt, or would ignore it at this weight."""
    parameters = parameters_of(pipeline)
    # Those of distilled models weigh a negative prompt by true_cfg_scale, and ignore it by default.
    if not {"negative_prompt", "guidance_scale"} <= parameters.keys() or "true_cfg_scale" in parameters:
        raise NevoaError(f"A {type(pipeline).__name__} takes no negative prompt with its guidance: leave out --not.")
    weight = parameters["guidance_scale"].default if guidance is None else guidance
    if weight <= 1:
        raise NevoaError(f"--not needs a guidance above 1, and that of this pipeline is {weight:g}: add --guidance 3.")


def own_size(pipeline: Any) -> Size:
    """Return the size of the images that a pipeline makes by itself."""
    denoiser = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    side = getattr(pipeline, "default_sample_size", None) or getattr(
        getattr(denoiser, "config", None), "sample_size", None
    )
    scale = _unit(pipeline)
    height, width = side if isinstance(side, list | tuple) else (side, side)
    return (height * scale, width * scale) if height and width else (USUAL_SIDE, USUAL_SIDE)


def _unit(pipeline: Any) -> int:
    """Return the side of the square of pixels that is one pixel of the latents."""
    return getattr(pipeline, "vae_scale_factor", 1)


def check_size(pipeline: Any, size: Size | None) -> None:
    """Raise a NevoaError if a pipeline cannot make images of a size."""
    unit = _unit(pipeline)
    if size and any(side < unit or side % unit for side in size):
        raise NevoaError(
            f"The sides of this pipeline's images are multiples of {unit}, and {size[0]}x{size[1]} are not: choose "
            f"--size {'x'.join(str(max(1, round(side / unit)) * unit) for side in size)}."
        )


def with_step(pipeline: Any, step: Callable[..., Any]) -> Any:
    """Return the same pipeline with a scheduler of its own that calls `step(its_own_step, ...)` to make a step.

    A pipeline's `callback_on_step_end` never sees the noise, and some pipelines lack it.
    """
    changed = copy.copy(pipeline)
    changed.scheduler = copy.deepcopy(pipeline.scheduler)
    own = changed.scheduler.step
    # Pipelines read the signature of `step`.
    changed.scheduler.step = functools.wraps(own)(functools.partial(step, own))
    return changed


@contextmanager
def quiet(*libraries: str) -> Iterator[None]:
    """Hide what libraries log, their progress bars and all warnings: their advice is for programmers.

    Args:
        libraries: diffusers, transformers, or both by default.
    """
    found = [import_module(f"{library}.utils.logging") for library in libraries or ("diffusers", "transformers")]
    before = [(one, one.get_verbosity(), one.is_progress_bar_enabled()) for one in found]
    try:
        for one in found:
            one.set_verbosity(one.CRITICAL)
            one.disable_progress_bar()
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        for one, verbosity, shown in before:
            one.set_verbosity(verbosity)
            if shown:
                one.enable_progress_bar()


@contextmanager
def explained(problem: str, advice: str) -> Iterator[None]:
    """Turn any error of a pipeline into a NevoaError; each kind fails in its own way."""
    try:
        yield
    except NevoaError:
        raise
    except Exception as error:
        raise NevoaError(f"{problem} ({reason(error).rstrip('. ')}): {advice}.") from error
