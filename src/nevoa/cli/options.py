"""Options that several commands take: how a run makes images."""

from typing import Annotated

import typer

Sampler = Annotated[str | None, typer.Option(help="ddpm, ddim or dpm_solver.", show_default="the run's")]
Steps = Annotated[int | None, typer.Option(help="Network evaluations per image.", show_default="the run's")]
Spacing = Annotated[
    str | None, typer.Option(help="Of the timesteps: trailing, leading, log_snr or karras.", show_default="the run's")
]
Guidance = Annotated[
    float | None,
    typer.Option(
        help="How much of the class: 0 none, 1 as in the data, 2 and more exaggerated.", show_default="the run's"
    ),
]
Eta = Annotated[float | None, typer.Option(help="ddim's share of fresh noise, 0 to 1.", show_default="the run's")]
