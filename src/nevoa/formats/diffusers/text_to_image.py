"""Any text-to-image pipeline of diffusers, as far as `nevoa sample` needs it to be a model."""

import functools
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from nevoa._util.arguments import whole
from nevoa._util.as_generator import as_generator
from nevoa._util.random import Stream, generator
from nevoa.data import Size, hub
from nevoa.errors import NevoaError
from nevoa.formats.diffusers.folder import INDEX
from nevoa.formats.diffusers.prompted import (
    check_guidance,
    check_size,
    check_unwanted,
    explained,
    kind_of,
    own_size,
    parameters_of,
    quiet,
    with_step,
)
from nevoa.parallel.device import DeviceWish, choose_device, choose_precision, computing

# All that is downloaded of a repository: no pickle, and no second copy of the weights in another precision.
PATTERNS = (
    "*.json",
    "*/*.txt",
    "*/*.model",
    "*/*.jinja",
    "*/diffusion_pytorch_model.safetensors",
    "*/diffusion_pytorch_model-*-of-*.safetensors",
    "*/model.safetensors",
    "*/model-*-of-*.safetensors",
)
# One image of Stable Diffusion, which fills any processor; smaller images are made several at a time.
PIXELS_AT_ONCE = 512**2
MOST_STEPS = 1000

Latents = Float[Tensor, "B *latents"]
Images = Float[Tensor, "B C H W"]
OwnStep = Callable[..., Any]


@dataclass(frozen=True)
class LatentState:
    """A moment of the reverse process. `x_t`, the images in [-1, 1], is decoded when it is asked for."""

    latents: Latents
    decode: Callable[[Latents], Images]

    @property
    def x_t(self) -> Images:
        return self.decode(self.latents)


@dataclass(frozen=True)
class TextToImageSettings:
    """How a pipeline makes images; without guidance it uses its own."""

    sampler: str
    steps: int
    guidance: float | None = None


@dataclass(frozen=True)
class TextToImage:
    """Makes images that a text describes.

    Attributes:
        pipeline: any text-to-image pipeline of diffusers.
        prompt: the text.
        size: height and width; the pipeline's own if None.
        unwanted: what the images do not show, the pipeline's `negative_prompt`.
    """

    pipeline: Any
    prompt: str
    size: Size | None = None
    unwanted: str | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of an image."""
        return (3, *(self.size or own_size(self.pipeline)))

    @property
    def images_at_once(self) -> int:
        """How many images are made side by side."""
        _, height, width = self.shape
        return max(1, PIXELS_AT_ONCE // (height * width))

    def settings(self, **options: Any) -> TextToImageSettings:
        """The pipeline's own settings, overridden by `steps` and `guidance`. Options that are None are not given.

        Raises:
            NevoaError: for another option, or a value that the pipeline does not take.
        """
        given = {name: value for name, value in options.items() if value is not None}
        if others := sorted(given.keys() - {"steps", "guidance"}):
            raise NevoaError(
                f"{others[0]} is not an option of a text-to-image pipeline: leave it out, or leave out prompt."
            )
        if "guidance" in given:
            check_guidance(self.pipeline, given["guidance"])
        if self.unwanted is not None:
            check_unwanted(self.pipeline, given.get("guidance"))
        scheduler, usual = self.pipeline.scheduler, parameters_of(self.pipeline)["num_inference_steps"].default
        most = getattr(scheduler.config, "num_train_timesteps", MOST_STEPS)
        steps = whole("steps", given.get("steps", usual), 1, most)
        return TextToImageSettings(type(scheduler).__name__, steps, given.get("guidance"))

    def timesteps(self, settings: TextToImageSettings) -> range:
        """The states of a trajectory, by the number of steps left; the pipeline has timesteps of its own."""
        return range(settings.steps, -1, -1)

    def trajectories(self, count: int, seed: int = 0, **options: Any) -> Iterator[Generator[LatentState, None, None]]:
        """`trajectory` for any count, in batches that fit in memory."""
        for first in range(0, count, self.images_at_once):
            yield self.trajectory(min(self.images_at_once, count - first), seed, first, **options)

    def trajectory(
        self, count: int, seed: int = 0, first: int = 0, **options: Any
    ) -> Generator[LatentState, None, None]:
        """The reverse process of images number first to first + count - 1 of a seed, in `steps + 1` states.

        Image n of a seed is the same picture whatever the count.
        """
        noise = [noise_of_image(seed, number) for number in range(first, first + count)]
        return as_generator(functools.partial(self._run, noise, self.settings(**options)))

    def _run(
        self, noise: list[torch.Generator], settings: TextToImageSettings, give: Callable[[LatentState], None]
    ) -> None:
        calls, steps = 0, settings.steps

        def watched(step: OwnStep, output: Tensor, t: Any, latents: Tensor, *rest: Any, **named: Any) -> Any:
            nonlocal calls
            for _ in range(calls_of_states(steps, len(pipeline.scheduler.timesteps)).count(calls)):
                give(LatentState(latents, self._decode))
            calls += 1
            return step(output, t, latents, *rest, **named)

        pipeline = with_step(self.pipeline, watched)
        # diffusers reports here that it shortened the text or hid an image.
        with quiet("transformers"):
            images = self._images(pipeline, noise, steps, settings.guidance)
        give(LatentState(images, lambda images: images))

    def _decode(self, latents: Latents) -> Images:
        """Let the pipeline decode, each kind in its own way: it makes one step, whose result are these latents."""
        pipeline = with_step(self.pipeline, lambda *_, **__: (latents, latents))
        guidance = 1.0 if "guidance_scale" in parameters_of(pipeline) else None
        with quiet():
            return self._images(pipeline, [torch.Generator() for _ in latents], 1, guidance)

    def _images(self, pipeline: Any, noise: list[torch.Generator], steps: int, guidance: float | None) -> Images:
        options: dict[str, Any] = {} if guidance is None else {"guidance_scale": guidance}
        if self.size:
            options["height"], options["width"] = self.size
        if self.unwanted is not None:
            options["negative_prompt"] = [self.unwanted] * len(noise)
        kind, prompts = type(pipeline).__name__, [self.prompt] * len(noise)
        advice = "change --prompt, --size, --steps or --guidance"
        with computing(pipeline.device.type), explained(f"{kind} cannot make these images", advice):
            made = pipeline(prompts, num_inference_steps=steps, generator=noise, output_type="pt", **options)
            images = 2 * made.images.float() - 1
        if not bool(images.isfinite().all()):
            raise NevoaError(f"The images became NaN or infinite: {advice}.")
        return images


def open_text_to_image(
    place: str, prompt: str, size: Size | None = None, device: DeviceWish = "auto", unwanted: str | None = None
) -> TextToImage:
    """Open a text-to-image pipeline of `hf:OWNER/NAME[@REVISION]` or of a folder of diffusers.

    Raises:
        NevoaError: it is missing or damaged, takes no prompt, has no safetensors, or cannot make images of this size.

    Example:
        >>> model = open_text_to_image("hf:OWNER/NAME", "um gato de chapéu")
    """
    index = hub.download(place, [INDEX]) if hub.is_hub(place) else Path(place)
    kind = kind_of(index / INDEX, place)
    folder = hub.download(place, PATTERNS) if hub.is_hub(place) else index
    chosen = choose_device(device)
    precision = choose_precision(chosen) if chosen == "cuda" else "float32"
    advice = "it needs the whole pipeline with weights in .safetensors, because nevoa opens no pickle"
    with quiet(), explained(f"diffusers cannot open {place}", advice):
        pipeline = kind.from_pretrained(
            folder,
            use_safetensors=True,
            local_files_only=True,
            low_cpu_mem_usage=False,
            torch_dtype=getattr(torch, precision),
        ).to(chosen)
    pipeline.set_progress_bar_config(disable=True)
    check_size(pipeline, size)
    return TextToImage(pipeline, prompt, size, unwanted)


def noise_of_image(seed: int, number: int) -> torch.Generator:
    """The generator of an image's noise, on the CPU, so that it draws the same for every device."""
    return torch.Generator().manual_seed(int(generator(seed, Stream.SAMPLE, number).integers(2**63)))


def calls_of_states(steps: int, calls: int) -> list[int]:
    """The scheduler's calls before which each of `steps` states is taken; some schedulers make two calls in a step."""
    return [min(-(-number * calls // steps), calls - 1) for number in range(steps)]
