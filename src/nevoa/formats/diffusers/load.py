"""Open a folder of diffusers as a model: a `UNet2DModel` with a schedule that nevoa knows."""

import json
import math
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nevoa._util.files import damaged, read_json
from nevoa._util.packages import needs
from nevoa._util.tensors import read_tensors
from nevoa.config import DiffusionPlan, ModelPlan, SamplingPlan, parse
from nevoa.config.network import DiffusersUNetConfig
from nevoa.errors import NevoaError
from nevoa.formats.diffusers.folder import INDEX
from nevoa.formats.diffusers.scheduler import diffusion_of
from nevoa.model import Model, Shape
from nevoa.networks import restored_network
from nevoa.objects import schedule_of
from nevoa.parallel.device import DeviceWish, choose_device
from nevoa.sampling import SPACINGS, timestep_grid

WEIGHTS = "diffusion_pytorch_model.safetensors"
OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
# The files of a repository that are needed and downloaded.
PARTS = "unet", "guide"
PATTERNS = ("*.json", "scheduler/*.json", *(f"{part}/*.json" for part in PARTS), WEIGHTS)
PATTERNS += tuple(f"{part}/{WEIGHTS}" for part in PARTS)


def check(folder: Path, name: str) -> None:
    """Raise a NevoaError if the pipeline of a folder, of which the index is enough, is of another kind."""
    index = read_json(folder / INDEX)
    for part, wanted in {"unet": "UNet2DModel", "scheduler": "Scheduler"}.items():
        found = index.get(part)  # [library, class]
        name_of_class = str(found[-1]) if isinstance(found, list) and found else ""
        if not name_of_class.endswith(wanted) or {"vae", "vqvae"} & index.keys():
            kind = index.get("_class_name")
            raise NevoaError(
                f"{name} is a {kind[-1] if isinstance(kind, list) else kind}, not a pipeline that makes images with a "
                "UNet2DModel alone. For a text-to-image pipeline, add --prompt."
            )


def read(folder: Path, device: DeviceWish = "auto", name: str | None = None) -> Model:
    """Open a pipeline that turns noise into images with a `UNet2DModel`.

    Args:
        name: of the model, for its config; the folder's path if None.

    Raises:
        NevoaError: it is a pipeline of another kind, a file is damaged, its weights are not safetensors, or its
            schedule is unknown.
    """
    needs("diffusers", "diffusers")
    place = name or str(folder.absolute())
    check(folder, name or str(folder))
    try:
        plan, shape = _described(folder, place)
    except NevoaError:
        raise
    except Exception as error:  # diffusers does not check what is in these files
        raise damaged(folder / INDEX, error) from error
    chosen = choose_device(device)
    parts = [_place(folder, "unet"), *([folder / "guide"] if _is_guided(read_json(folder / INDEX)) else ())]
    size = shape[0], len(plan.classes)
    networks = [restored_network(plan.network, *size, partial(_weights, part)).eval().to(chosen) for part in parts]
    return Model(plan, networks[0], shape, chosen, guide=networks[1] if networks[1:] else None, place=place)


def _described(folder: Path, place: str) -> tuple[ModelPlan, Shape]:
    """The plan of a model, and the shape of its images."""
    index, values = read_json(folder / INDEX), read_json(_place(folder, "unet") / "config.json")
    unet = {key: value for key, value in values.items() if not key.startswith("_")}
    scheduler = read_json(_place(folder, "scheduler") / "scheduler_config.json")
    patch, classes = index.get("patch", 1), index.get("classes") or ()
    if isinstance(classes, Mapping):  # a list in earlier exports
        classes = [classes[label] for label in sorted(classes, key=int)]
    shape, diffusion = _shape(index, unet, patch), diffusion_of(scheduler)
    if index.get("flow"):
        diffusion = diffusion.model_copy(update={"prediction": "flow"})
    plan = {
        "classes": classes,
        "null_label": index.get("guidance", 1.0) is not None,
        "data": {"source": place, "size": shape[1:], "channels": shape[0]},
        "diffusion": diffusion.model_dump(),
        "network": DiffusersUNetConfig(unet=json.dumps(unet), patch=patch).model_dump(),
        "sampling": _sampling(index, scheduler, diffusion, shape).model_dump(),
    }
    return parse(plan, ModelPlan), shape


def _place(folder: Path, part: str) -> Path:
    """The folder of a part. Old pipelines keep the files beside the index."""
    return folder / part if (folder / part).is_dir() else folder


def _shape(index: Mapping[str, Any], unet: Mapping[str, Any], patch: int) -> Shape:
    side = unet.get("sample_size")
    height, width = side if isinstance(side, list) else (side, side)
    if not isinstance(height, int) or not isinstance(width, int):
        raise NevoaError("The UNet2DModel of this pipeline does not say its sample_size: add it to its config.json.")
    height, width = index.get("size") or (height * patch, width * patch)
    return unet.get("in_channels", 3) // patch**2, height, width


def _weights(folder: Path, shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """Read the tensors of a network of these shapes, under its names."""
    path = folder / WEIGHTS
    if not path.is_file():
        raise NevoaError(
            f"{folder} has no {WEIGHTS}, and nevoa opens no pickle, which can run code: open the model in diffusers "
            "and save it with save_pretrained."
        )
    # In attention, older versions of diffusers named tensors otherwise.
    old = re.compile(rf"(?<=\.)({'|'.join(OLD_NAMES)})(?=\.)")
    found = read_tensors(path).items()
    tensors = {f"unet.{old.sub(lambda name: OLD_NAMES[name[0]], name)}": tensor for name, tensor in found}
    if {name: tensor.shape for name, tensor in tensors.items()} != shapes:
        if "unet.class_embedding.weight" in tensors.keys() - shapes.keys():
            raise NevoaError(f"{path} has classes, but the index does not name them, as those of nevoa's exports do.")
        raise NevoaError(f"{path} does not fit the config beside it: download the model again.")
    return tensors


def _sampling(
    index: Mapping[str, Any], scheduler: Mapping[str, Any], diffusion: DiffusionPlan, shape: Shape
) -> SamplingPlan:
    """The sampler that the scheduler is, as far as nevoa has it; another scheduler becomes ddpm."""
    name, guidance = scheduler.get("_class_name", ""), index.get("guidance")
    given: dict[str, Any] = {
        "guidance": 1.0 if guidance is None else float(guidance),
        **_grid(index, diffusion, math.prod(shape[1:])),
    }
    if _is_guided(index):
        given["autoguidance"] = float(index.get("autoguidance", 1.0))
    if name == "DPMSolverMultistepScheduler":
        solver = "dpm_solver" if scheduler.get("solver_order", 2) > 1 else "euler"
        clip = bool(scheduler.get("thresholding", False))
        return SamplingPlan(sampler=solver, clip=clip, **given)
    clip = bool(scheduler.get("clip_sample", True))
    if name == "DDIMScheduler":
        return SamplingPlan(sampler="ddim", clip=clip, **given)
    large = scheduler.get("variance_type") == "fixed_large"
    return SamplingPlan(sampler="ddpm", variance="large" if large else "small", clip=clip, **given)


def _is_guided(index: Mapping[str, Any]) -> bool:
    """Whether a `NevoaPipeline` has a guide; diffusers writes [null, null] for a part that is not there."""
    return (index.get("guide") or [None])[0] is not None


def _grid(index: Mapping[str, Any], diffusion: DiffusionPlan, pixels: int) -> dict[str, Any]:
    """Steps and spacing of the timesteps of a `NevoaPipeline`."""
    grid = [*(t + 1 for t in index.get("timesteps") or ()), 0]
    if len(grid) == 1:
        return {}
    steps, schedule = len(grid) - 1, schedule_of(diffusion)
    spacing = next((name for name in SPACINGS if timestep_grid(schedule, steps, name, pixels) == grid), "trailing")
    return {"steps": steps, "spacing": spacing}
