"""The packaged model is small, and as good as its card says."""

import re

import numpy as np
import pytest
import torch

import nevoa
from nevoa.config import DataConfig
from nevoa.evaluation import Reference
from nevoa.features.frechet import frechet_distance
from nevoa.runs import PACKAGED, Run

pytestmark = pytest.mark.slow

COUNT = 512
SHIRTS = {
    ("short black hair in a blue shirt", "cabelo curto preto de camisola azul"): "428bca",
    ("short black hair in a green shirt", "cabelo curto preto de camisola verde"): "00b159",
    ("short black hair in a pink shirt", "cabelo curto preto de camisola cor-de-rosa"): "ff8fb1",
    ("short black hair in a yellow shirt", "cabelo curto preto de camisola amarela"): "ffc425",
}
HEARTS = "coração vermelho", "coração azul", "coração verde", "coração amarelo"


def test_it_is_small_and_makes_images_of_a_class() -> None:
    model = nevoa.load()
    assert Run(PACKAGED).weights_file.stat().st_size < 8_000_000
    assert next(model.network.parameters()).dtype == torch.float32
    # With channels-last weights, images take three fifths of the time.
    weights = [weight for weight in model.network.parameters() if weight.ndim == 4]
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)
    assert model.sample(20, labels=[8]).shape == (20, 28, 28, 1)
    assert model.classes[8] == "Bag"


def test_avatars_have_the_shirts_that_prompts_in_two_languages_ask_for() -> None:
    model = nevoa.load("avatars")
    colours = np.array([tuple(bytes.fromhex(colour)) for colour in SHIRTS.values()])
    prompts = [prompt for both in SHIRTS for prompt in both]
    images = model.sample(8 * len(prompts), prompt=prompts)
    # The lowest row shows the shirt, and the white around it.
    distances = np.square(images[:, -1, :, None].astype(float) - colours).sum(-1)
    worn = np.array(
        [np.bincount(row.argmin(1)[row.min(1) < 3000], minlength=len(colours)).argmax() for row in distances]
    )
    asked = np.tile(np.arange(len(prompts)) // 2, 8)
    assert (worn == asked).mean() > 0.9


@pytest.mark.parametrize("hearts", [("red heart", "blue heart", "green heart", "yellow heart"), HEARTS])
def test_emoji_have_the_colours_that_prompts_in_two_languages_ask_for(hearts: tuple[str, ...]) -> None:
    """The emoji of a red heart was held out."""
    images = nevoa.load("emoji").sample(8 * len(hearts), prompt=hearts).astype(float)
    colours = np.array([(221, 46, 68), (85, 172, 238), (119, 178, 85), (255, 204, 77)])  # of Twitter's hearts
    distances = np.square(images[:, 12:20, 12:20].mean((1, 2))[:, None] - colours).sum(-1)
    assert (distances.argmin(1) == np.tile(np.arange(4), 8)).mean() > 0.9


def test_its_images_score_what_its_card_states() -> None:
    card = Run(PACKAGED).card_file.read_text(encoding="utf-8")
    stated = re.search(rf"([\d.]+) for the first {COUNT} images", card)
    assert stated
    reference = Reference.of(DataConfig(source="fashion_mnist"))
    features = reference.feature_network.features(nevoa.load().sample(COUNT))
    assert frechet_distance(features, reference.features()) == pytest.approx(float(stated[1]), rel=0.02)
