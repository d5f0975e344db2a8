"""The page: four tabs in one language."""

import gradio as gr

from nevoa.studio.controls import Page
from nevoa.studio.make_tab import MAKE, make_tab
from nevoa.studio.noise_tab import noise_tab
from nevoa.studio.runs_tab import runs_tab
from nevoa.studio.texts import Language, texts
from nevoa.studio.train_tab import train_tab
from nevoa.studio.workspace import Workspace


def page(workspace: Workspace, language: Language) -> gr.Blocks:
    say = texts(language)
    with gr.Blocks(title=say.text("title"), analytics_enabled=False) as blocks:
        built = Page(blocks, workspace, say)
        gr.HTML(say.text("heading"))  # in Markdown, Gradio would open the link in another tab
        with gr.Tabs() as tabs:
            with gr.Tab(say.label("tab_train")):
                watched = train_tab(built)
            with gr.Tab(say.label("tab_make"), id=MAKE) as make:
                make_tab(built, tabs, make, watched)
            with gr.Tab(say.label("tab_noise")):
                noise_tab(built)
            with gr.Tab(say.label("tab_runs")):
                runs_tab(built)
    return blocks
