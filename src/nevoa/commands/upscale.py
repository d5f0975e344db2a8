"""Enlarge a picture of any size."""

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from nevoa._util.reserve import check_free, numbered, reserve_output
from nevoa.commands.written import PathLike, Written, check_is_png, check_outside, output_path
from nevoa.config.options import SamplerOptions, given

if TYPE_CHECKING:
    from nevoa._util.arguments import Classes
    from nevoa.data import Picture

DEFAULT = "upscaled.png"


def upscale(
    run: PathLike,
    image: "Picture",
    *,
    label: "Classes | None" = None,
    prompt: str | None = None,
    seed: int = 0,
    out: PathLike | None = None,
    force: bool = False,
    **options: Unpack[SamplerOptions],
) -> Written:
    """Enlarge a picture of any size N times, with a model that was trained with --condition downscaled:N.

    The model enlarges windows of the size of its own images, which overlap by half, and every step blends them, so that
    they leave no seam. Each window takes as long as an image of the model.

    Args:
        run: Run folder, or hf:OWNER/NAME.
        image: A picture file.
        label: The class of what it shows, by name or index, for a model that learned classes, too.
        prompt: What it shows, in words, for a model that learned from captions, too.
        seed: Seed of the noise.
        out: Name of the result: x.png. [default: upscaled.png, then upscaled-2.png and so on]
        force: Replace the file that --out names.

    Example:
        >>> print(nevoa.upscale("runs/large", "photo.png", out="large.png"))
        56x56 pixels, dpm_solver, 4 steps: large.png
    """
    path, chosen = output_path(out), given(upscale, options, SamplerOptions)
    check_is_png(path)
    if path:
        check_free(path, force)
    from nevoa.commands.batches import sampled, sampling_steps
    from nevoa.commands.enlarging import upscaling
    from nevoa.commands.load import check, load
    from nevoa.data import picture_of

    check(run)
    model = load(run)
    check_outside(model.plan.data.source, path or Path(DEFAULT))
    enlarged, asked = upscaling(model, image), {"labels": label, "prompt": prompt, **chosen}
    steps, how = sampling_steps(enlarged, asked)
    with reserve_output([path] if path else numbered(DEFAULT), force and path is not None) as reserved:
        ((pixels,),) = sampled(enlarged, 1, 1, steps, {**asked, "seed": seed})
        picture_of(pixels[0]).save(reserved.temporary)
    _, height, width = enlarged.shape
    return Written(reserved.path, f"{width}x{height} pixels, {how}")
