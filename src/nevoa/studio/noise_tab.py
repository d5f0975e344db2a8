"""Tab "Noise": the forward process on a picture of one's own."""

from collections.abc import Mapping
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from nevoa.commands.noise import noised
from nevoa.data import fitted, image_at, opaque, pixels_of
from nevoa.diffusion import SCHEDULES, Schedule, named_schedule, steps_of
from nevoa.errors import NevoaError
from nevoa.pictures import enlargement, schedule_curves, titled_grid
from nevoa.studio.controls import Page, table
from nevoa.studio.texts import Texts

SIDE, WIDTH = 128, 1000
EXAMPLE = "shapes:0"
EQUATION = r"""$$q(x_t \mid x_0) = \mathcal{N}\big(\mathrm{signal}_t\, x_0,\ \mathrm{noise}_t^2\, I\big)$$

$$x_t = \mathrm{signal}_t\, x_0 + \mathrm{noise}_t\, \epsilon$$"""


def noise_tab(page: Page) -> None:
    say = page.say
    schedules = {name: named_schedule(name) for name in SCHEDULES}
    last = min(map(steps_of, schedules.values()))
    with gr.Row():
        with gr.Column(scale=1, min_width=320):
            picture = page.upload("own_picture")
            t = gr.Slider(0, last, last // 4, step=1, **say("timestep"))
            seed = gr.Number(0, **say("seed_of_noise"))
            gr.Markdown(say.text("forward"))
            gr.Markdown(EQUATION, latex_delimiters=[{"left": "$$", "right": "$$", "display": True}])
        with gr.Column(scale=2, min_width=320):
            noisy = page.picture("noisy")
            numbers = gr.Markdown(_numbers(schedules, last // 4, say))
            tables = {name: (one.signal.numpy(), one.noise.numpy()) for name, one in schedules.items()}
            curves = schedule_curves(tables, WIDTH)
            drawn = page.picture("schedules")

    def example() -> tuple[Image.Image, Image.Image]:
        return draw(None, schedules, last // 4, 0), curves

    def show(image: Image.Image | None, t: int, seed: int | None) -> tuple[Any, str]:
        try:
            return draw(image, schedules, t, seed or 0), _numbers(schedules, t, say)
        except (NevoaError, OSError) as error:  # outside of the queue an error shows no message
            return gr.skip(), say.sentence(error)

    # On each load, so that each page gets pictures of its own: old ones are removed.
    page.on(page.blocks.load, example, None, [noisy, drawn], queue=False)
    page.on(
        [control.change for control in (picture, t, seed)],
        show,
        [picture, t, seed],
        [noisy, numbers],
        show_progress="hidden",
        trigger_mode="always_last",
        queue=False,
    )


def draw(image: Image.Image | None, schedules: Mapping[str, Schedule], t: int, seed: int) -> Image.Image:
    """The picture at timestep t under each schedule, side by side; an example without a picture.

    A NevoaError if the image or the seed is none.
    """
    pixels = image_at(EXAMPLE) if image is None else pixels_of(fitted(opaque(image, "white"), (SIDE, SIDE)))
    tiles = noised(np.asarray(pixels), list(schedules.values()), [t], seed)[:, 0]
    return titled_grid(tiles, list(schedules), len(schedules), enlargement(tiles[:1], SIDE))


def _numbers(schedules: Mapping[str, Schedule], t: int, say: Texts) -> str:
    """signal, noise and SNR of each schedule at t, in Markdown."""
    rows = []
    for name, one in schedules.items():
        signal, noise = one.signal[t].item(), one.noise[t].item()
        snr = "∞" if noise == 0 else say.number((signal / noise) ** 2, ".3g")
        rows.append((name, say.number(signal, ".3f"), say.number(noise, ".3f"), snr))
    return table(["", "signal", "noise", "SNR"], rows)
