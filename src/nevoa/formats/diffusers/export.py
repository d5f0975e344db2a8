"""Write a model as a folder that diffusers opens."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

from nevoa._util.files import write_text
from nevoa._util.packages import needs
from nevoa.diffusion import Schedule, guide_weights, steps_of
from nevoa.formats.diffusers.scheduler import PREDICTIONS, SAMPLERS, needs_v, scheduler_of
from nevoa.formats.diffusers.unet import unet_of
from nevoa.formats.export import Export
from nevoa.model import Model
from nevoa.sampling import SamplingOptions, SamplingSettings


def export(model: Model, folder: Path, **options: Unpack[SamplingOptions]) -> str:
    """Write a model as a diffusers folder that makes the model's images. Return the name of its pipeline.

    A plain network without a guide, of images that are neither folded nor padded, without classes, with the sampler
    ddpm in all T steps and another prediction than flow, becomes a `DDPMPipeline`. Any other comes with a
    `NevoaPipeline` in the file pipeline.py.

    Args:
        options: sampling options in place of the model's own.

    Raises:
        NevoaError: diffusers has no such network or sampler.

    Example:
        >>> export(nevoa.load(), Path("clothes"))
        'NevoaPipeline'
    """
    needs("diffusers", "diffusers")
    settings = model.settings(**options)
    EXPORT.check(model, settings)
    scheduler: Any = scheduler_of(model, settings)
    unet = unet_of(model)
    if not _is_plain(model, settings):
        return _with_code(model, unet, scheduler, settings, folder)
    from diffusers.pipelines.ddpm.pipeline_ddpm import DDPMPipeline

    DDPMPipeline(unet, scheduler).save_pretrained(folder)
    return DDPMPipeline.__name__


def _with_code(model: Model, unet: Any, scheduler: Any, settings: SamplingSettings, folder: Path) -> str:
    """Write a `NevoaPipeline`, with its code."""
    from nevoa.formats.diffusers import pipeline

    grid = model.timesteps(settings)
    takes_guidance = model.plan.works_without_condition and not model.plan.distilled_from
    guidance: Any = settings.guidance if takes_guidance else None
    is_guided = model.guide is not None and settings.autoguidance != 1
    pipeline.NevoaPipeline(
        unet,
        unet_of(replace(model, network=model.guide)) if is_guided else None,
        scheduler,
        size=model.shape[1:],
        patch=getattr(model.plan.network, "patch", 1),
        timesteps=[t - 1 for t in grid[:-1]],
        classes=model.classes,
        guidance=guidance,
        autoguidance=settings.autoguidance,
        guided=_guided(model.schedule),
        flow=needs_v(model),
    ).save_pretrained(folder)
    shutil.copy(pipeline.__file__, folder / "pipeline.py")
    index = folder / "model_index.json"
    # Tells diffusers to take the class from the file.
    named = json.loads(index.read_text()) | {"_class_name": ["pipeline", "NevoaPipeline"]}
    write_text(index, json.dumps(named, indent=2) + "\n")
    return pipeline.NevoaPipeline.__name__


# It takes every schedule that is defined by its betas, and rectified flow: see `scheduler_of`.
EXPORT = Export(export, ("",), "A folder of diffusers", samplers=SAMPLERS, predictions=PREDICTIONS)


def _guided(schedule: Schedule) -> tuple[int, int]:
    """The first of diffusers' timesteps at which a guide has a weight, and the first after them."""
    timesteps = (guide_weights(schedule, 2.0)[1:] != 1).nonzero().flatten().tolist()
    return (timesteps[0], timesteps[-1] + 1) if timesteps else (0, 0)


def _is_plain(model: Model, settings: SamplingSettings) -> bool:
    unit = getattr(model.network, "downsampling", 1)
    fits = all(side % unit == 0 for side in model.shape[1:])
    folded = getattr(model.plan.network, "patch", 1) > 1
    in_all_steps = settings.sampler == "ddpm" and settings.steps == steps_of(model.schedule)
    unguided = model.guided(settings.autoguidance) is model.network
    return unguided and fits and in_all_steps and not (folded or model.classes or needs_v(model))
