"""Tab "Make": new images, from noise or from images."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from nevoa.commands.from_images import inpainting, interpolation, variations
from nevoa.errors import NevoaError
from nevoa.model import Model
from nevoa.sampling import SAMPLERS, accepts
from nevoa.studio.asking import Asking, asked
from nevoa.studio.canvas import Canvas, example_of, pictured
from nevoa.studio.controls import Page
from nevoa.studio.making import FORMATS, MOST_IMAGES, OTHERS, PACKAGED, Made, make, opened
from nevoa.studio.texts import StudioError
from nevoa.studio.watch import Watch
from nevoa.studio.weights import MOST_KINDS, Weights, weights_of
from nevoa.studio.workspace import Workspace

WAYS = "new", "vary", "inpaint", "interpolate"
# The name of the tab.
MAKE = "make"
MOST_AUTOGUIDANCE = 4.0


def make_tab(page: Page, tabs: gr.Tabs, tab: gr.Tab, watched: Watch) -> None:
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            form = Form(page)
        with gr.Column(scale=3, min_width=320, visible=False) as column:
            result = Result(page, column)
    form.connect(page, tab)
    result.make_after(page, form, form.go.click, api_name="make")
    page.on(result.state.input, scrub, [result.made, result.state], result.grid, show_progress="hidden", queue=False)

    def offer(name: str) -> tuple[Any, ...]:
        return gr.update(selected=MAKE), gr.update(value=name), *form.of_model(name)

    offered = page.on(watched.make.click, offer, watched.run, [tabs, form.model, *form.follow])
    result.make_after(page, form, offered.success)


def scrub(made: Made | None, state: int) -> Any:
    """Show another state."""
    return made.picture(min(state, len(made.states) - 1)) if made else gr.skip()


class Form:
    """The controls that say what to make."""

    def __init__(self, page: Page) -> None:
        self.workspace, say = page.workspace, page.say
        self.model = gr.Dropdown([PACKAGED, *OTHERS], value=PACKAGED, allow_custom_value=True, **say("model"))
        packaged = opened(page.workspace, PACKAGED)
        own, guided = packaged.settings(), packaged.guide is not None
        self.asking, self.canvas = Asking(page, packaged.classes), Canvas(page)
        self.count = gr.Slider(1, MOST_IMAGES, 40, step=1, **say("count"))
        self.go = page.button("make", "primary")
        with gr.Accordion(say.label("more"), open=False):
            self.seed = gr.Number(0, **say("seed_of_images"))
            self.sampler = gr.Dropdown(["", *SAMPLERS], value="", **say("sampler"))
            self.steps = gr.Number(0, **say("steps"))
            self.weights = Weights(page, packaged.plan.sampling.guidance)
            self.autoguidance = gr.Slider(
                0, MOST_AUTOGUIDANCE, own.autoguidance, step=0.05, visible=guided, **say("autoguidance")
            )
        with gr.Accordion(say.label("from_image"), open=False):
            self.way = gr.Radio([(say.text(f"way_{way}"), way) for way in WAYS], value="new", **say("way"))
            self.picture, self.other = (page.upload(name, visible=False) for name in ("picture", "other"))
            self.strength = gr.Slider(0.05, 1, 0.6, step=0.05, visible=False, **say("strength"))
            self.painted = gr.ImageEditor(
                type="pil",
                sources=["upload"],
                label=say.label("painted"),
                visible=False,
                brush=_brush(),
                layers=False,
                transforms=(),
            )

    @property
    def controls(self) -> list[Any]:
        """All controls, in the order of the arguments of `_wish`."""
        options = [self.count, self.seed, self.sampler, self.steps, self.autoguidance]
        start = [self.way, self.picture, self.other, self.strength, self.painted, self.canvas.editor]
        return [self.model, *options, *start, *self.weights.controls, *self.asking.controls]

    @property
    def follow(self) -> list[Any]:
        """The controls that follow the model."""
        return [*self.asking.controls, *self.canvas.controls, *self.weights.controls, self.autoguidance]

    def of_model(self, name: str) -> tuple[Any, ...]:
        """What a model can be asked for, its guidance, and the weight of its guide if it has one."""
        model = opened(self.workspace, name)
        own = model.settings()
        most = max(MOST_AUTOGUIDANCE, own.autoguidance)
        guide = gr.update(value=own.autoguidance, maximum=most, visible=model.guide is not None)
        return *self.asking.of_model(model), *self.canvas.of_model(model), *self.weights.of_model(model), guide

    def models(self, chosen: str, before: str) -> tuple[Any, ...]:
        """Offer the newest run, once, to whoever has chosen none, with its classes: two events may end in any order."""
        found = [name for name in self.workspace.run_names() if self.workspace.run(name).has_model]
        newest, choices = next(iter(found), PACKAGED), [PACKAGED, *dict.fromkeys((*OTHERS, *found))]
        skipped = [gr.skip() for _ in self.follow]
        if chosen != PACKAGED or newest == before:  # without a value, what has been chosen meanwhile stays
            return gr.update(choices=choices), newest, *skipped
        try:
            return gr.update(choices=choices, value=newest), newest, *self.of_model(newest)
        except (NevoaError, OSError):  # the button says why, once somebody chooses it
            return gr.update(choices=choices), newest, *skipped

    def connect(self, page: Page, tab: gr.Tab) -> None:
        """Let the controls follow the runs, the model and the way to begin."""

        def show_way(way: str) -> list[Any]:
            parts = way in ("vary", "interpolate"), way == "interpolate", way == "vary", way == "inpaint"
            return [gr.update(visible=part) for part in parts]

        def show_away(name: str, *weights: Any) -> list[Any]:
            model = opened(self.workspace, name)
            return self.asking.show_away(model, weights_of(model.plan, *weights))

        def fit_brush(painted: dict[str, Any]) -> Any:
            return gr.update(brush=_brush(min(painted["background"].size)))

        def fit_canvas(name: str, drawn: dict[str, Any]) -> Any:
            return self.canvas.fit_brush(opened(self.workspace, name), drawn)

        def follow_model(name: str) -> tuple[Any, ...]:
            with suppress(NevoaError, OSError):
                return self.of_model(name)
            # The button "Make images" says what is wrong with the name: outside of the queue an error shows no message.
            return tuple(gr.skip() for _ in self.follow)

        follow, offered = self.follow, gr.State(PACKAGED)
        known = [self.model, offered]
        page.on([page.blocks.load, tab.select], self.models, known, [*known, *follow], queue=False)
        page.on(self.model.input, follow_model, self.model, follow, show_progress="hidden", queue=False)
        weights, last = (
            self.weights.controls,
            {"trigger_mode": "always_last", "show_progress": "hidden", "queue": False},
        )
        moved = [control.input for control in weights]
        page.on(moved, show_away, [self.model, *weights], self.asking.away, **last)
        shown = [self.picture, self.other, self.strength, self.painted]
        page.on(self.way.change, show_way, self.way, shown, queue=False)
        page.on(self.painted.upload, fit_brush, self.painted, self.painted)

        def show_example(name: str) -> Any:
            model = opened(self.workspace, name)
            example = example_of(model.plan)
            return self.canvas.fit_brush(model, example) | {"value": example}

        canvas = self.canvas.editor
        page.on(canvas.upload, fit_canvas, [self.model, canvas], canvas)
        page.on(self.canvas.example.click, show_example, self.model, canvas)


class Result:
    """The new images, in a column that is hidden until there are some."""

    def __init__(self, page: Page, column: gr.Column) -> None:
        say = page.say
        self.column, self.grid = column, page.picture("grid")
        self.state = gr.Slider(0, 1, 1, step=1, visible=False, **say("state"))
        with gr.Row():
            self.downloads = [gr.DownloadButton(name.upper(), visible=False, min_width=80) for name in FORMATS]
        self.made = gr.State(None)

    def make_after(self, page: Page, form: Form, event: Any, **options: Any) -> None:
        """Make images after an event, and show them as they come out of the noise."""
        workspace = page.workspace

        def run(*chosen: Any) -> Iterator[dict[Any, Any]]:
            made = None
            yield {self.column: gr.update(visible=True)}
            for made in _wish(workspace, *chosen):
                yield {self.grid: made.picture()}
            assert made
            last, files = len(made.states) - 1, _files(workspace, made)
            yield {
                self.made: made,
                self.state: gr.update(maximum=max(1, last), value=last, visible=last > 0),
                **{
                    button: gr.update(value=files.get(kind), visible=kind in files)
                    for kind, button in zip(FORMATS, self.downloads, strict=True)
                },
            }

        outputs = [self.grid, self.column, self.state, self.made, *self.downloads]
        page.on(event, run, form.controls, outputs, concurrency_limit=1, concurrency_id=MAKE, **options)


def _brush(side: int = 256) -> gr.Brush:
    """A brush for an image of so many pixels: Gradio's own covers all of a small one."""
    return gr.Brush(default_size=max(1, side // 8), colors=["#ff0000"], color_mode="fixed")


def _files(workspace: Workspace, made: Made) -> dict[str, str]:
    """The images in each format that this installation can write."""
    folder, files = Path(mkdtemp(dir=workspace.served)), {}
    for kind in FORMATS:
        path = folder / f"images.{kind}"
        with suppress(NevoaError):  # a video without PyAV
            made.save(path)
            files[kind] = str(path)
    return files


def _wish(workspace: Workspace, name: str, *chosen: Any) -> Iterator[Made]:
    """Make what the controls say."""
    count, seed, sampler, steps, autoguidance, way, picture, other, strength, painted, canvas, *rest = chosen
    weights, wanted = rest[: MOST_KINDS + 2], rest[MOST_KINDS + 2 :]
    model = started(opened(workspace, name), way, picture, other, strength, painted, count)
    options = asked(model, *wanted) | pictured(model.plan, canvas)
    guidance = weights_of(model.plan, *weights)
    if not accepts(model.plan, guidance=guidance, not_=options.get("not_")):  # its control is hidden then
        options.pop("not_", None)
    if options or (model.classes and not model.plan.conditions and model.start.all_classes):
        options["guidance"] = guidance
    if model.guide is not None:
        options["autoguidance"] = autoguidance
    return make(model, count, seed or 0, {"sampler": sampler, "steps": steps or None, **options})


def started(model: Model, way: str, picture: Any, other: Any, strength: float, painted: Any, count: int) -> Model:
    """The model, which starts from the images that were brought."""
    if way == "vary":
        return variations(model, _given(picture), strength)
    if way == "interpolate":
        return interpolation(model, _given(picture), _given(other), count)
    if way == "inpaint":
        image = _given((painted or {}).get("background"))
        layers = [np.asarray(layer.convert("RGBA"))[..., 3] > 0 for layer in painted["layers"]]
        return inpainting(model, image, np.any([np.zeros(image.size[::-1], bool), *layers], axis=0))
    return model


def _given(picture: Image.Image | None) -> Image.Image:
    if picture is None:
        raise StudioError("no_picture")
    return picture
