"""The card of a published model: the card of the run, with the metadata that the Hub reads."""

import math
import re
from typing import TYPE_CHECKING

from nevoa._util.arguments import counted
from nevoa._util.files import read_text
from nevoa.data import DataSource, is_hub
from nevoa.data.hub import parse_model
from nevoa.runs import Run, data_licence
from nevoa.runs.reports import SavedReport, best_report, is_part

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

# The class of a pipeline that comes with its code.
WITH_CODE = "NevoaPipeline"
TASK = "unconditional-image-generation"
METADATA = re.compile(r"\A---\n.*?^---\n", re.MULTILINE | re.DOTALL)
SAMPLE = re.compile(r"^    nevoa sample .*$", re.MULTILINE)
EVALUATE = re.compile(r" Run `nevoa evaluate .*`\.$", re.MULTILINE)


def metadata(run: Run, place: str, licence: str, diffusers: bool) -> str:
    """The YAML in which a card tells the Hub what the model is, how good, and made from which images."""
    from huggingface_hub import ModelCardData

    plan, best = run.plan(), best_report(run)
    data, start = DataSource.of(plan.data.source), plan.training.start or ""
    results = _results(best[1], data) if best else []
    return ModelCardData(
        license=licence,
        library_name="nevoa",
        pipeline_tag=TASK,
        datasets=[data.hub_id] if data.hub_id else None,
        base_model=parse_model(start).hub_id if is_hub(start) else None,
        tags=["denoising-diffusion", *["diffusers"] * diffusers],
        model_name=parse_model(place).hub_id.partition("/")[2] if results else None,
        eval_results=results or None,
    ).to_yaml()


def text(run: Run, place: str, licence: str, pipeline: str | None) -> str:
    """The card of the run with the commands that open the published model, and the licences of model and images.

    Args:
        pipeline: name of the class that opens the model in diffusers; None if diffusers cannot.
    """
    card = read_text(run.card_file) if run.card_file.is_file() else f"# {run.folder.absolute().name}\n"
    card = SAMPLE.sub(f"    nevoa sample {place}", EVALUATE.sub("", METADATA.sub("", card)))
    plan = run.plan()
    diffusers = _diffusers(place, pipeline, plan.diffusion.timesteps) if pipeline else ""
    return f"{card.rstrip()}\n\n{diffusers}{_licences(licence, plan.data.source, card)}"


def _results(report: SavedReport, data: DataSource) -> "list[EvalResult]":
    from huggingface_hub import EvalResult

    protocol = report.protocol
    reference = protocol.reference.partition(", ")[0]
    measured = DataSource.of(reference) if reference else data
    how = {"protocol": protocol.name, "images": report.images, "departures": list(protocol.departures)}
    return [
        EvalResult(
            task_type=TASK,
            dataset_type=measured.hub_id or measured.name,
            dataset_name=measured.name,
            metric_type=name,
            metric_name=f"{name} ({protocol.name}, {counted(report.images, 'image')})",
            metric_value=score,
            metric_args=how,
        )
        for name, score in report.scores.items()
        if math.isfinite(score) and not is_part(name, report.scores)
    ]


def _diffusers(place: str, pipeline: str, timesteps: int) -> str:
    # A class of diffusers itself needs no code from the repository.
    trust = ", trust_remote_code=True" if pipeline == WITH_CODE else ""
    # A DDPMPipeline takes 1000 steps by default.
    steps = "" if pipeline == WITH_CODE or timesteps == 1000 else f", num_inference_steps={timesteps}"
    return f"""## In diffusers

```python
from diffusers import DiffusionPipeline

pipeline = DiffusionPipeline.from_pretrained("{parse_model(place).hub_id}"{trust})
pipeline(batch_size=4{steps}).images[0].save("image.png")
```

"""


def _licences(licence: str, source: str, card: str) -> str:
    return f"""## Licences

| | licence |
| --- | --- |
| this model | {licence} |
| the images it was trained on: {DataSource.of(source).name} | {data_licence(card, source)} |
"""
