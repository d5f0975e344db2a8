"""The README.md of a run folder: what it is, on one page."""

from nevoa.data import short_name
from nevoa._util.files import write_text
from nevoa.model import Model
from nevoa.runs.run import Run

CARD = """# {name}

A denoising diffusion model (Ho et al. 2020) trained with nevoa.

| | |
| --- | --- |
| data | {source}, {images:,} images of {height}x{width}, {channels} channel(s), fingerprint `{fingerprint:.12}` |
| network | {network}, {parameters:,} parameters |
| classes | {classes} |
| process | {schedule} schedule, T = {timesteps}, predicts {prediction} |
| trained | {images_seen:,} images, {step:,} of {steps:,} steps, {seconds:,.0f} s on {device} in {precision} |
| loss | {loss} at the last report ({loss_name}) |

{preview}

    nevoa sample {folder} --out images.png

All settings are in `config.toml`, the course of the loss in `metrics.jsonl`.

## Quality

Not measured yet: `nevoa evaluate {folder}`.
"""


def write(run: Run, model: Model, images: int, images_seen: int, seconds: float) -> None:
    """Write or replace the card of a run.

    Args:
        images: in the data set.
        images_seen: by the model, in training.
        seconds: of training so far.
    """
    config, (channels, height, width) = model.config, model.shape
    previews = sorted(run.samples.glob("*.png"))
    loss = [line["loss"] for line in run.metrics() if line.get("loss") is not None][-1:]
    text = CARD.format(
        name=run.folder.name,
        source=short_name(config.data.source),
        images=images,
        height=height,
        width=width,
        channels=channels,
        fingerprint=config.data.fingerprint or "",
        network=config.network.kind,
        parameters=model.parameters,
        classes=f"given to it: {', '.join(config.classes)}" if config.classes else "none: it is unconditional",
        schedule=config.diffusion.schedule,
        timesteps=config.diffusion.timesteps,
        prediction=config.diffusion.prediction,
        images_seen=images_seen,
        step=images_seen // config.training.batch_size,
        steps=config.training.steps or 0,
        seconds=seconds,
        device=model.device,
        precision=config.training.precision,
        loss=f"{loss[0]:.4f}" if loss else "none",
        loss_name=config.training.loss,
        preview=f"![previews](samples/{previews[-1].name})" if previews else "No preview yet.",
        folder=run.folder,
    )
    write_text(run.card, text)
