"""Arrays and torch data sets as sources: the same ImageSet as from a file, or one sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, TensorDataset

from nevoa.data import ImageSet, as_image_set, load_images
from nevoa.errors import NevoaError
from tests.data.pictures import encoded, photo

PIXELS = np.random.default_rng(0).integers(0, 256, (7, 5, 6, 3), dtype=np.uint8)
LABELS = np.array([7, 7, 3, 3, 3, 7, 7])


class Items(Dataset[Any]):
    """A Dataset of a list."""

    def __init__(self, *items: Any, classes: Any = None):
        self.items = items
        if classes is not None:
            self.classes = classes

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


def test_an_image_set_is_returned_as_it_is(few_images: ImageSet) -> None:
    assert load_images(few_images) is few_images
    with pytest.raises(NevoaError, match="has its own labels"):
        as_image_set(few_images, labels=[0] * len(few_images))


@pytest.mark.parametrize("pixels", [PIXELS, PIXELS[..., :1], PIXELS[..., 0], torch.from_numpy(PIXELS)])
def test_an_array_is_what_the_same_array_in_a_file_is(pixels: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.asarray(pixels), labels=LABELS)
    from_file, from_memory = load_images(str(tmp_path / "a.npz")), as_image_set(pixels, LABELS)
    assert from_memory.fingerprint == from_file.fingerprint
    assert from_memory.classes == ("3", "7")
    assert as_image_set(pixels).classes == ()


@pytest.mark.parametrize(
    "labels",
    [["b", "a", "b", "a", "a", "b", "b"], np.array([1, 0, 1, 0, 0, 1, 1]), torch.tensor([1, 0, 1, 0, 0, 1, 1])],
)
def test_labels_are_words_or_numbers_of_classes(labels: Any) -> None:
    classes = None if isinstance(labels, list) else ["a", "b"]
    images = as_image_set(PIXELS, labels, classes)
    assert images.classes == ("a", "b")
    assert images.labels.tolist() == [1, 0, 1, 0, 0, 1, 1]
    assert images.labels.dtype == np.int64


def test_classes_may_be_numbers() -> None:
    items = Items(*zip(PIXELS, [1, 0, 1, 0, 0, 1, 1], strict=True), classes=np.array([10, 20]))
    assert load_images(items).classes == ("10", "20")


@pytest.mark.parametrize("kind", ["PIL", "HWC", "CHW", "tensor CHW", "tensor HWC"])
def test_a_dataset_is_the_array_of_its_images(kind: str) -> None:
    make = {
        "PIL": Image.fromarray,
        "HWC": lambda image: image,
        "CHW": lambda image: image.transpose(2, 0, 1),
        "tensor CHW": lambda image: torch.from_numpy(image).permute(2, 0, 1),
        "tensor HWC": torch.from_numpy,
    }[kind]
    images = load_images(Items(*(make(image) for image in PIXELS)))
    np.testing.assert_array_equal(images.images, PIXELS)
    assert images.classes == ()
    labels = [torch.tensor(1), 0, np.int64(1), 0, 0, 1, torch.tensor([1])[0]]
    items = [(make(image), label) for image, label in zip(PIXELS, labels, strict=True)]
    labelled = load_images(Items(*items, classes=["cat", "dog"]))
    assert labelled.classes == ("cat", "dog")
    assert labelled.labels.tolist() == [1, 0, 1, 0, 0, 1, 1]
    assert load_images(Items(*items)).classes == ("0", "1")


def test_a_dataset_of_dictionaries_is_the_array_and_what_is_said_of_its_images() -> None:
    texts = ["a cat", ["a dog", "um cão"], None, "", (), "a cow", " a\nnewt "]
    ages = [30, torch.tensor(2.5), None, np.float32(4), float("nan"), 6, 7]
    items = [
        {"image": image, "label": label, "text": text, "age": age}
        for image, label, text, age in zip(PIXELS, LABELS, texts, ages, strict=True)
    ]
    del items[5]["age"]
    captions = [[text] if isinstance(text, str) else list(text or ()) for text in texts]
    numbers = {"age": [30, 2.5, np.nan, 4, np.nan, np.nan, 7]}
    expected = as_image_set(PIXELS, LABELS, captions=captions, numbers=numbers)
    assert load_images(Items(*items)).fingerprint == expected.fingerprint
    assert expected.captions[1] == ("a dog", "um cão") and expected.captions[6] == ("a newt",)
    alone = load_images(Items(*({"image": image, "caption": "a cat", "prompt": "um gato"} for image in PIXELS)))
    assert (alone.classes, alone.numbers, alone.captions[0]) == ((), {}, ("a cat", "um gato"))
    assert as_image_set(Items(*PIXELS), captions=["a cat"] * 7).captions == (("a cat",),) * 7


def test_what_the_items_of_a_dataset_say_is_not_said_again() -> None:
    items = Items(*({"image": image, "text": "a cat", "age": 3} for image in PIXELS))
    with pytest.raises(NevoaError, match="captions or numbers of their own: leave out those given"):
        as_image_set(items, captions=[""] * 7)
    with pytest.raises(NevoaError, match="captions or numbers of their own: leave out those given"):
        as_image_set(items, numbers={"size": [1] * 7})


def test_torchs_own_data_sets_are_sources(tmp_path: Path) -> None:
    pairs = TensorDataset(torch.from_numpy(PIXELS).permute(0, 3, 1, 2), torch.from_numpy(LABELS))
    assert load_images(pairs).fingerprint == as_image_set(PIXELS, LABELS).fingerprint
    torchvision = pytest.importorskip("torchvision")
    for number in range(4):
        (tmp_path / "cd"[number % 2]).mkdir(exist_ok=True)
        (tmp_path / "cd"[number % 2] / f"{number}.png").write_bytes(encoded(photo(number), "PNG"))
    images = load_images(torchvision.datasets.ImageFolder(str(tmp_path)))
    assert images.fingerprint == load_images(tmp_path).fingerprint  # also by a Path


def test_gray_pictures_of_a_dataset_have_one_channel() -> None:
    assert load_images(Items(photo(mode="L"), photo(1, mode="1"))).shape == (1, 30, 40)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (PIXELS.transpose(0, 3, 1, 2), r"transpose\(0, 2, 3, 1\)"),
        (PIXELS.astype(np.float32), r"images must be uint8 \(0…255\)"),
        (PIXELS[0], "looks like one image"),
        (PIXELS[:0], "images must be uint8"),
        (np.zeros((2, 4, 4, 4), np.uint8), "have 4 channels: give 1"),
        (torch.zeros(3, 3, 8, 8), "images must be uint8|channels first"),
        (torch.zeros(3, 8, 8, 3, dtype=torch.bfloat16), "images must be uint8"),
        (Items(), "needs a length"),
        (
            Items(torch.zeros(3, 8, 8)),
            r"Image 0 of the Dataset is float32: give uint8 .0…255., that is",
        ),
        (Items(torch.zeros(3, 8, 8, dtype=torch.bfloat16)), "Image 0 of the Dataset is float32: give uint8"),
        (Items(PIXELS[0], PIXELS[0, :3]), "number 0 is 5x6 with 3 channels, number 1 is 3x6"),
        (Items(PIXELS[0], np.zeros((5, 6), np.uint8)), "number 1 is 5x6 with 1 channel. Resize"),
        (Items(np.zeros((5, 6, 9), np.uint8)), r"has shape \[5, 6, 9\]"),
        (Items("cat.png"), "Item 0 of the Dataset is of type str"),
        (Items(Image.fromarray(PIXELS[0, :, :, 0].astype(np.int32))), "mode I does not say which number is white"),
        (Items((PIXELS[0], 1), PIXELS[0]), "Only 1 of the 2 items"),
        (Items((PIXELS[0], 1.5), (PIXELS[0], 2.5)), "label of item 0 of the Dataset is 1.5: give one"),
        (Items((PIXELS[0], torch.eye(3)[0])), "label of item 0 of the Dataset is tensor"),
        (Items((PIXELS[0], None)), "label of item 0 of the Dataset is None"),
        (Items({"img": PIXELS[0], "label": 3}), r"Item 0 of the Dataset has no key 'image', but 'img', 'label'\."),
        (Items({}), "has no key 'image', but no key at all"),
        (Items({"image": None}), "Item 0 of the Dataset is of type NoneType, not an image"),
        (Items({"image": PIXELS[0], "label": 3}, {"image": PIXELS[0], "label": None}), "Only 1 of the 2 items"),
        (Items({"image": PIXELS[0], "text": 3}), "The text of item 0 of the Dataset is 3: give a text or a list"),
        (Items({"image": PIXELS[0], "caption": ["a", 3]}), r"The caption of item 0 of the Dataset is \['a', 3\]"),
        (Items({"image": PIXELS[0], "age": "old"}), "'age' of item 0 of the Dataset is 'old': give a number, or leave"),
        (Items({"image": PIXELS[0], "box": [1, 2]}), r"'box' of item 0 of the Dataset is \[1, 2\]: give a number"),
        (Items({"image": PIXELS[0], "age": float("inf")}), r"numbers\['age'\] must be a finite number"),
    ],
)
def test_other_objects_are_refused_in_a_sentence(source: Any, said: str) -> None:
    with pytest.raises(NevoaError, match=said):
        load_images(source)


@pytest.mark.parametrize(
    ("labels", "classes", "said"),
    [
        ([0, 1], None, "for each of the 7 images, not int64"),
        ([0, 1, 2, 3, 4, 5, -1], ["a"] * 6, "Labels must be 0 to 5 for 6 classes, not -1 to 5"),
        (None, ["a", "b"], "Classes are the names of labels: give labels, too"),
        ([0, 1, 2, 3, 4, 5, 6], ["a", "b"], "not 0 to 6"),
        ([[0]] * 7, None, "Labels must be one integer"),
        (["cat"] * 6 + ["cow"], ["dog", "cat"], "Labels must be among the classes, dog, cat, not 'cow'"),
    ],
)
def test_wrong_labels_are_refused(labels: Any, classes: Any, said: str) -> None:
    with pytest.raises(NevoaError, match=said):
        as_image_set(PIXELS, None if labels is None else np.array(labels), classes)


def test_labels_that_are_words_have_the_classes_in_the_order_given() -> None:
    images = as_image_set(PIXELS, ["cat", "dog", "cat", "cow", "dog", "dog", "cat"], ["dog", "cow", "cat"])
    assert images.classes == ("dog", "cow", "cat")
    assert images.labels.tolist() == [2, 0, 2, 1, 0, 0, 2]


def test_options_are_for_sources_that_are_read(few_images: ImageSet) -> None:
    with pytest.raises(NevoaError, match="does not change images in memory: leave out size"):
        load_images(few_images, size=8)
