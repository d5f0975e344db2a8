"""A published run opens in nevoa and in diffusers, and its card tells where it comes from."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from PIL import Image

import nevoa
from nevoa._util.files import read_json
from nevoa._util.tensors import packed
from nevoa.data import CATALOG, DataSource
from nevoa.errors import NevoaError
from nevoa.formats.publication import Publication, prepare
from nevoa.runs import Run, card, training_lock
from tests.data.fake_hub import FakeHub
from tests.formats.small_run import run_of
from tests.small_runs import replanned

PLACE = "hf:me/mist"


def published(run: Run, licence: str | None = None) -> Publication:
    folder = run.folder.parent / "published"
    folder.mkdir()
    return prepare(run, folder, PLACE, licence)


def metadata(publication: Publication) -> dict[str, Any]:
    """The metadata in the card."""
    text = (publication.folder / "README.md").read_text()
    assert text.startswith("---\n")
    return yaml.safe_load(text.split("---\n")[1])


@pytest.mark.slow
def test_a_pushed_run_opens_again_and_makes_the_same_images(fake: FakeHub, tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    assert nevoa.push(run.folder, PLACE).address == f"{fake.address}/me/mist"
    model = nevoa.load(PLACE)
    assert model.place == PLACE
    assert (model.sample(4) == run.model().sample(4)).all()
    (tmp_path / "cache" / "models--me--mist").rename(tmp_path / "other")
    assert (nevoa.load(Path(PLACE)).sample(2, seed=1) == run.model().sample(2, seed=1)).all()
    fetched = {path.name for path in (tmp_path / "cache").rglob("snapshots/*/*")}
    assert fetched == {"model"}, "the copy for diffusers is not downloaded"


@pytest.mark.slow
@pytest.mark.parametrize("classes", [(), ("a cat", "dog")])
def test_a_pushed_run_opens_in_diffusers_by_the_name_in_its_card(
    fake: FakeHub, classes: tuple[str, ...], tmp_path: Path
) -> None:
    """diffusers takes each list in model_index.json that begins with a text for a part of the model."""
    from diffusers.pipelines.pipeline_utils import DiffusionPipeline

    nevoa.push(run_of(tmp_path / "run", classes=classes).folder, PLACE)
    options = {"trust_remote_code": True, "low_cpu_mem_usage": False, "cache_dir": tmp_path / "cache"}
    pipeline: Any = DiffusionPipeline.from_pretrained("me/mist", **options)
    assert len(pipeline(class_labels=[*classes[1:]] or None).images) == 1


def test_a_guide_does_not_outlive_its_model_in_the_hub(fake: FakeHub, tmp_path: Path) -> None:
    for guided in (True, False):
        nevoa.push(run_of(tmp_path / f"run-{guided}", guided=guided).folder, PLACE)
        assert any("guide" in file for file in fake.repositories["me/mist"]) == guided


def test_a_published_folder_opens_in_diffusers_too(tmp_path: Path) -> None:
    from diffusers.pipelines.pipeline_utils import DiffusionPipeline

    run = run_of(tmp_path / "run")
    folder = published(run).folder
    pipeline: Any = DiffusionPipeline.from_pretrained(folder, trust_remote_code=True, low_cpu_mem_usage=False)
    assert len(pipeline(batch_size=2).images) == 2
    assert (nevoa.load(folder).sample(2) == run.model().sample(2)).all(), "nevoa opens it as a run"
    text = (folder / "README.md").read_text()
    assert 'DiffusionPipeline.from_pretrained("me/mist", trust_remote_code=True)' in text


def test_a_model_that_diffusers_lacks_is_published_without_it(tmp_path: Path) -> None:
    publication = published(run_of(tmp_path / "run", network={"kind": "unet", "dim": 12}, classes=()))
    assert publication.left_out is not None
    assert "A network of kind 'unet' is not a UNet2DModel" in publication.left_out
    assert "model_index.json" not in publication.sizes
    assert metadata(publication)["tags"] == ["denoising-diffusion"]
    assert "diffusers" not in (publication.folder / "README.md").read_text()


def test_what_is_published(tmp_path: Path) -> None:
    """Everything that the card shows or names, and nothing else of the run."""
    run = run_of(tmp_path / "run", network={"kind": "unet", "dim": 12}, classes=())
    (run.folder / "secret.txt").write_text("mine")
    run.card_file.write_text(run.card_file.read_text() + "\n![no](../passwords.png) ![no](gone.png)\n")
    (tmp_path / "passwords.png").write_bytes(b"x")
    assert set(published(run).sizes) == {
        *("README.md", "config.toml", "plan.toml", "loss.png", "metrics.jsonl", "samples/000000000008.png"),
        *("model/config.json", "model/model.safetensors"),
    }


def test_adapters_are_published_without_paths_of_this_machine(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", network={"kind": "unet", "dim": 12}, classes=())
    run.write_adapters(
        b'{"r": 8, "base_model_name_or_path": "/home/me/runs/first"}', weights := packed([("a", torch.zeros(1))])
    )
    copy = Run(published(run).folder)
    assert read_json(copy.adapters_config_file) == {"r": 8, "base_model_name_or_path": "first"}
    assert copy.adapters_file.read_bytes() == weights


def test_pictures_are_copied_into_the_folder_whatever_their_links(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", network={"kind": "unet", "dim": 12}, classes=())
    picture = run.previews()[-1]
    links = picture.absolute(), f"../run/samples/{picture.name}"
    run.card_file.write_text("".join(f"![x]({link})\n" for link in links))
    assert f"samples/{picture.name}" in published(run).sizes
    assert {path.name for path in tmp_path.iterdir()} == {"run", "published"}


def test_damaged_adapters_are_not_published(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", network={"kind": "unet", "dim": 12}, classes=())
    run.write_adapters(b"{}", b"weights")
    with pytest.raises(NevoaError, match=r"adapter_model\.safetensors is damaged"):
        published(run)


def test_the_card_names_both_licences(tmp_path: Path) -> None:
    publication = published(run_of(tmp_path / "run", "svhn"), "cc-by-4.0")
    text = (publication.folder / "README.md").read_text()
    assert metadata(publication)["license"] == "cc-by-4.0"
    assert "| this model | cc-by-4.0 |" in text
    assert f"| the images it was trained on: svhn | {CATALOG['svhn'].licence} |" in text
    assert CATALOG["svhn"].licence == "non-commercial"


def test_the_licence_of_the_images_is_the_one_that_the_card_of_the_run_has(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", "hf:you/cats")
    run.card_file.write_text("# Cats\n\n| | |\n| --- | --- |\n| licence of the data | CC0 1.0 |\n")
    text = (published(run).folder / "README.md").read_text()
    assert "| the images it was trained on: you/cats | CC0 1.0 |" in text


def test_an_unknown_licence_is_called_unknown(tmp_path: Path) -> None:
    publication = published(run_of(tmp_path / "run", "hf:you/cats"))
    assert metadata(publication)["license"] == "unknown"
    text = (publication.folder / "README.md").read_text()
    assert "| this model | unknown |" in text
    assert "| the images it was trained on: you/cats | unknown |" in text


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("fashion_mnist_10k", DataSource("fashion_mnist_10k", "MIT", "zalando-datasets/fashion_mnist")),
        ("shapes", DataSource("shapes", "MIT")),
        ("hf:you/cats:small@main", DataSource("you/cats", "unknown", "you/cats")),
        ("/home/me/photos.zip", DataSource("photos", "unknown")),
    ],
)
def test_images_have_the_name_and_licence_that_others_know(source: str, found: DataSource) -> None:
    assert DataSource.of(source) == found


def test_the_metadata_are_those_of_the_hub(tmp_path: Path) -> None:
    values = metadata(published(run_of(tmp_path / "run")))
    assert values == {
        "library_name": "nevoa",
        "pipeline_tag": "unconditional-image-generation",
        "license": "unknown",
        "datasets": ["zalando-datasets/fashion_mnist"],
        "tags": ["denoising-diffusion", "diffusers"],
    }


def test_scores_come_with_their_protocol_and_count(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    protocol = {"name": "nevoa-cifar10-1a2b3c4d/2", "departures": ["512 images instead of 10,000"]}
    protocol["reference"] = "cifar10, test split, 10,000 images"
    scores = {"fd_low": 1.25, "fd_low_low": 1.0, "kd_cifar10": 0.5, "kd_cifar10_se": 0.1, "recall": float("nan")}
    run.save_evaluation("report", {"images": 512, "protocol": protocol, "scores": scores}, Image.new("L", (2, 2)))
    card.set_quality(run, "![sheet](evaluation/report.png)")
    publication = published(run)
    (entry,) = metadata(publication)["model-index"]
    (result,) = entry["results"]
    assert entry["name"] == "mist"
    assert result["dataset"] == {"name": "cifar10", "type": "uoft-cs/cifar10"}
    assert [(metric["type"], metric["value"]) for metric in result["metrics"]] == [
        ("fd_low", 1.25),
        ("kd_cifar10", 0.5),
    ]
    for metric in result["metrics"]:
        assert metric["name"].endswith("(nevoa-cifar10-1a2b3c4d/2, 512 images)")
        assert metric["args"] == {
            "protocol": "nevoa-cifar10-1a2b3c4d/2",
            "images": 512,
            "departures": ["512 images instead of 10,000"],
        }
    assert "evaluation/report.png" in publication.sizes


def test_the_model_it_started_from_is_its_base(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    run.write(run.config(), replanned(run.plan(), start="hf:google/ddpm-cifar10-32"))
    assert metadata(published(run))["base_model"] == "google/ddpm-cifar10-32"


def test_commands_in_the_card_open_the_published_model(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    run.card_file.write_text("---\ntags: mine\n---\n" + run.card_file.read_text())
    text = (published(run).folder / "README.md").read_text()
    assert f"    nevoa sample {PLACE}\n" in text
    assert "Not measured yet.\n" in text
    assert str(tmp_path) not in text
    assert "tags: mine" not in text


def test_no_path_of_this_machine_is_published(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", "/home/me/private/photos")
    folder = published(run).folder
    texts = [path.read_text() for path in folder.rglob("*") if path.suffix in (".toml", ".json", ".md", ".jsonl")]
    assert all("/home" not in text and str(tmp_path) not in text for text in texts)
    assert Run(folder).config().data.source == Run(folder).plan().data.source == "photos"
    assert nevoa.load(folder).plan.data.source == "photos"


def test_a_run_that_cannot_be_published_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NevoaError, match="is not a run with a model"):
        published(Run(tmp_path / "none"))
    run = run_of(tmp_path / "run")
    with training_lock(run), pytest.raises(NevoaError, match="is being trained: wait until it is finished, or stop it"):
        prepare(run, tmp_path / "p", PLACE)
    weights = run.weights_file.read_bytes()
    run.weights_file.write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    with pytest.raises(NevoaError, match="is damaged"):
        prepare(run, tmp_path / "q", PLACE)
    assert not (tmp_path / "p").exists()
