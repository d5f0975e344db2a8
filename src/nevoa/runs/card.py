"""The model card of a run: its README.md."""

import re
import shlex
from pathlib import Path

from nevoa._util.files import read_text, write_text
from nevoa._util.places import is_hub
from nevoa.config import Plan
from nevoa.config.names import OBJECT
from nevoa.data import short_name
from nevoa.model import Model
from nevoa.runs.card_rows import card_text, data_licence, prompts_to_try
from nevoa.runs.overview import chosen_in_words
from nevoa.runs.run import Run

# Up to the next section, which may be the user's own.
QUALITY = re.compile(r"^## Quality\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def write(
    run: Run, plan: Plan, model: Model, horizon: int, images_seen: int, seconds: float, best: int | None = None
) -> None:
    """Write or replace the card of a run.

    Args:
        horizon: `images_seen` at the end of the training.
        images_seen: by the training, so far.
        seconds: of training, so far.
        best: `images_seen` at the lowest held-out loss, whose model it is; None if that is not measured.
    """
    (channels, height, width), data, process, training = model.shape, plan.data, plan.diffusion, plan.training
    folder = shlex.quote(str(run.folder))
    before = card_text(run)
    losses = [line["loss"] for line in run.metrics() if line.get("loss") is not None]
    text = f"""# {run.folder.name}

A denoising diffusion model (Ho et al. 2020) trained with nevoa.

| | |
| --- | --- |
| data | {short_name(data.source)}, {data.images:,} images of {height}x{width}, \
{channels} channel{"s" * (channels > 1)}, fingerprint `{data.fingerprint:.12}` |
| licence of the data | {data_licence(before, data.source)} |
| network | {plan.network.kind}, {model.parameters:,} parameters |
| classes | {", ".join(plan.classes) or "none" + " (unconditional)" * (not plan.conditional)} |
| other conditions | {", ".join(plan.conditions) or "none"} |
| prompts to try | {"; ".join(prompts_to_try(before)) or "none"} |
| start | {_start(training.start)} |
| process | {process.schedule} schedule, T = {process.timesteps}, predicts {process.prediction} |
| trained | {images_seen:,} of {horizon:,} images, {seconds:,.0f} s on {model.device} in {training.precision} |
| model | {"the last" if best in (None, images_seen) else chosen_in_words(best)} |
| loss | {f"{losses[-1]:.4f}" if losses else "not reported yet"} ({training.loss}, at the last report) |
| guide | {_guide(plan, model)} |
| adapters | {_adapters(plan)} |

{_preview(run, best)}

    nevoa sample {folder}

What was asked is in `config.toml`, what was decided in `plan.toml`, the loss during training in `metrics.jsonl` and,
as a picture, in `loss.png`.

## Quality

Not measured yet. Run `nevoa evaluate {folder}`.
"""
    write_text(run.card_file, text)


def set_quality(run: Run, text: str) -> None:
    """Replace the section "Quality" of the card, or append it; the other sections stay."""
    section = f"## Quality\n\n{text.strip()}\n"
    card = read_text(run.card_file) if run.card_file.is_file() else f"# {run.folder.name}\n"
    found = QUALITY.search(card)
    before, after = (card[: found.start()], card[found.end() :]) if found else (f"{card.rstrip()}\n\n", "")
    write_text(run.card_file, before + section + (f"\n{after}" if after else ""))


def _start(place: str | None) -> str:
    """Name the model that the training started from, without its folder: a card may be published."""
    if place is None:
        return "random weights"
    return place if is_hub(place) else Path(place).name.removeprefix(f"{OBJECT}:")


def _guide(plan: Plan, model: Model) -> str:
    weight = model.settings().autoguidance
    return f"the average after {plan.training.guide:.0%} of that, at weight {weight:g}" if model.guide else "none"


def _adapters(plan: Plan) -> str:
    start, rank = plan.training.start, plan.training.lora
    return f"of rank {rank} for {short_name(start)}, in `model/lora`" if start and rank else "none"


def _preview(run: Run, best: int | None) -> str:
    """The newest preview, or that of the model of `best` images."""
    previews = [path for path in run.previews() if best is None or path.stem <= f"{best:012d}"]
    return f"![previews]({previews[-1].relative_to(run.folder).as_posix()})" if previews else "No preview yet."
