"""The real command, as a user types it."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa.data import load_images
from nevoa.data.augmentation import Augmentation
from nevoa.pictures import class_grid
from nevoa.runs.run import Run, load
from tests.cli.conftest import OPTIONS, Refuses, nevoa
from tests.conftest import TINY
from tests.data.sources.test_builtin import needs_debian

pytestmark = pytest.mark.slow


def test_training_says_what_it_does_and_where_it_is(tmp_path: Path) -> None:
    done = nevoa("train", "--steps", "12", "--out", "r", *OPTIONS, folder=tmp_path)
    for word in (
        "10,000 images",
        "parameters",
        "cpu",
        "float32",
        "96 to see, 8 at a time",
        "memory",
        "GFLOP/s",
        "disk",
    ):
        assert word in done.stdout
    lines = [line for line in done.stderr.splitlines() if "images/s" in line]
    assert [line.split("/")[0] for line in lines] == ["16", "32", "48", "64", "80", "96"]
    assert Run(tmp_path / "r").weights_file.exists()


def test_a_loss_line_per_epoch(tmp_path: Path) -> None:
    options = [part for option in TINY if "batch_size" not in option for part in ("-o", option)]
    extra = ["-o", "training.batch_size=5000", "-o", "data.size=4", "-o", "network.dim=4"]
    done = nevoa("train", "--epochs", "2", "--out", "r", *options, *extra, folder=tmp_path)
    assert [line[:7] for line in done.stderr.splitlines() if line.startswith("epoch")] == ["epoch 1", "epoch 2"]


def test_a_dry_run_tells_programs_and_writes_nothing(tmp_path: Path) -> None:
    done = nevoa("train", "--preset", "classic", "fashion_mnist_10k", "--dry-run", "--json", *BATCH, folder=tmp_path)
    told = json.loads(done.stdout)
    assert told["parameters"] == 2_996_315
    assert told["asked"]["training"]["epochs"] == 10
    plan, training = told["plan"], told["plan"]["training"]
    assert (plan["data"]["images"], training["images"]) == (10_000, 10 * 10_000)
    assert (training["device"], training["precision"]) == ("cpu", "float32")
    assert list(tmp_path.iterdir()) == []


BATCH = ["-o", "training.batch_size=8", "-o", "training.precision=float32", "-o", "training.device=cpu"]


def test_sample_makes_what_the_name_says(trained: Path) -> None:
    nevoa("sample", "runs/tiny", "--count", "5", "--seed", "3", "--out", "x.npy", folder=trained)
    images = np.load(trained / "x.npy")
    assert (images.shape, images.dtype) == ((5, 28, 28, 1), np.uint8)
    nevoa("sample", "runs/tiny", "--count", "5", "--seed", "3", "--out", "folder", folder=trained)
    pictures = [np.asarray(Image.open(path)) for path in sorted((trained / "folder").iterdir())]
    np.testing.assert_array_equal(np.stack(pictures), images[..., 0])
    np.testing.assert_array_equal(Run(trained / "runs/tiny").model().sample(5, seed=3), images)


def test_sample_draws_grids_rows_and_animations(trained: Path) -> None:
    nevoa("sample", "runs/tiny", "--count", "9", "--out", "grid.png", folder=trained)
    assert Image.open(trained / "grid.png").size == (3 * (3 * 28 + 2) + 2,) * 2
    nevoa("sample", "runs/tiny", "--count", "2", "--trajectory", "4", "--out", "rows.png", folder=trained)
    assert Image.open(trained / "rows.png").size == (4 * 86 + 2, 2 * 86 + 2)
    large = ("--sampler", "ddpm", "--variance", "large")
    nevoa("sample", "runs/tiny", "--count", "4", *large, "--out", "x.gif", folder=trained)
    with Image.open(trained / "x.gif") as gif:
        assert 2 < getattr(gif, "n_frames", 1) <= 21


def test_without_a_run_the_packaged_model_draws(tmp_path: Path) -> None:
    told = nevoa("sample", "--class", "bag", "--count", "4", "--out", "bags.png", folder=tmp_path).stdout
    assert "4 images of Bag" in told
    expected = class_grid(load().sample(4, labels=["Bag"]), ["Bag"])
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "bags.png")), np.asarray(expected))


def test_sample_makes_the_classes_asked_for_a_row_each(of_classes: Path, tmp_path: Path) -> None:
    told = nevoa(
        "sample", str(of_classes), "--class", "trouser", "--class", "8", "--guidance", "2", folder=tmp_path
    ).stdout
    assert "16 images of Trouser, Bag in turn" in told
    images = Run(of_classes).model().sample(16, labels=[1, 8], guidance=2.0)
    sheet = np.asarray(Image.open(of_classes / "images/0001.png"))
    np.testing.assert_array_equal(sheet, np.asarray(class_grid(images, ["Trouser", "Bag"])))
    for labels, guidance in (([1, 8], 1.0), ([8, 1], 2.0)):
        other = Run(of_classes).model().sample(16, labels=labels, guidance=guidance)
        assert not np.array_equal(other, images)


def test_without_a_label_a_model_of_classes_makes_a_row_of_each(of_classes: Path, tmp_path: Path) -> None:
    model = Run(of_classes).model()
    nevoa("sample", str(of_classes), "--out", "grid.png", folder=tmp_path)
    sheet = np.asarray(Image.open(tmp_path / "grid.png"))
    np.testing.assert_array_equal(sheet, np.asarray(class_grid(model.sample(80), model.classes)))
    nevoa("sample", str(of_classes), "--count", "3", "--out", "few.gif", folder=tmp_path)
    assert Image.open(tmp_path / "few.gif").size == class_grid(model.sample(3), model.classes).size
    nevoa("sample", str(of_classes), "--trajectory", "3", "--out", "rows.png", folder=tmp_path)
    assert Image.open(tmp_path / "rows.png").height == 10 * (84 + 2 * 2)


def test_classes_that_are_not_there_are_one_line(of_classes: Path, tmp_path: Path, refuses: Refuses) -> None:
    refuses(["sample", str(of_classes), "--class", "trouser,bga"], "Did you mean 'Bag'", tmp_path)
    refuses(["sample", str(of_classes), "--class", "10"], "no class '10'", tmp_path)
    refuses(
        ["sample", str(of_classes), "--guidance", "-1"],
        "guidance: Input should be greater than or equal to 0",
        tmp_path,
    )
    assert list(tmp_path.iterdir()) == []


def test_noise_draws_a_strip_of_any_picture(tmp_path: Path) -> None:
    from skimage.data import cat

    Image.fromarray(cat()).save(tmp_path / "cat.jpg")
    nevoa("noise", "cat.jpg", "--at", "0,100,1000", "--schedule", "cosine", "--out", "strip.png", folder=tmp_path)
    strip = np.asarray(Image.open(tmp_path / "strip.png").convert("RGB")).astype(int)
    assert strip.shape[1] > 3 * (128 + 4) + 4
    nevoa("noise", "fashion_mnist_10k:9", "--size", "32", "--out", "clothes.png", folder=tmp_path)
    assert Image.open(tmp_path / "clothes.png").width > 10 * (4 * 32 + 4) + 4


def test_data_lists_and_shows(tmp_path: Path) -> None:
    text = nevoa("data", "list", folder=tmp_path).stdout
    assert "fashion_mnist_10k" in text
    assert "fashion_mnist " in text
    nevoa("data", "show", "fashion_mnist_10k", "--out", "grid.png", folder=tmp_path)
    sheet = np.asarray(Image.open(tmp_path / "grid.png"))
    images = load_images("fashion_mnist_10k")
    left = sheet.shape[1] - (16 * 86 + 2)  # where the names end
    np.testing.assert_array_equal(sheet[2:86:3, left + 2 : left + 86 : 3], images.images[0, :, :, 0])


def test_data_shows_what_a_training_makes_of_images(tmp_path: Path) -> None:
    """Each row is an image as it is, then as it is trained on."""
    command = "data", "show", "fashion_mnist_10k", "--augment", "mirror", "--augment", "shift", "--out", "sheet.png"
    assert "First images, each with what a training makes of it: sheet.png" in nevoa(*command, folder=tmp_path).stdout
    sheet, images = np.asarray(Image.open(tmp_path / "sheet.png")), load_images("fashion_mnist_10k")
    seen = Augmentation({"mirror": 0.12, "shift": 0.12}, 0, images.shape)
    rows = images.take(np.arange(16).repeat(16))
    expected = seen.applied(rows, 0).images.reshape(16, 16, 28, 28)
    expected[:, 0] = images.images[:16, :, :, 0]
    shown = [[sheet[2 + 86 * y : 86 + 86 * y : 3, 2 + 86 * x : 86 + 86 * x : 3] for x in range(16)] for y in range(16)]
    np.testing.assert_array_equal(np.array(shown), expected)
    assert 10 < (expected[:, 1:] != expected[:, :1]).any((2, 3)).sum() < 120


WRONG = [
    (["train", "--preset", "clasic"], "Did you mean 'classic'"),
    (["train", "fashon_mnist"], "Did you mean 'fashion_mnist'"),
    (["train", "-o", "training.batchsize=3"], "Did you mean 'training.batch_size'"),
    (["train", "-o", "training.batchsize=3"], "Known: training.accumulation, training.batch_size"),
    (["train", "-o", f"network.multipliers={[1] * 5000}"], "not 5000 (given: (1, 1, 1, 1, 1, 1, ...))."),
    (["train", "--steps", "0"], "nevoa: --steps: Input should be greater than or equal to 1"),
    (["train", "--steps", "3", "-o", "sampling.steps=0"], "nevoa: sampling.steps: Input should be"),
    (["train", "-o", "training.steps=0"], "nevoa: training.steps: Input should be"),
    (["train", "--minutes", "-1"], "nevoa: --minutes: Input should be greater than 0"),
    (["train", "--seed", "-1"], "nevoa: --seed: Input should be greater than or equal to 0"),
    (["train", "--classes", "", "--limit", "0"], "nevoa: --limit: Input should be greater than or equal to 1"),
    (["continue", "runs/tiny", "--minutes", "0"], "nevoa: --minutes: Input should be greater than 0"),
    (["noise", "shapes:1", "--size", "2"], "nevoa: --size: Input should be greater than or equal to 4"),
    (["evaluate", "runs/tiny", "--steps", "0", "--metrics", "bits"], "nevoa: --steps: Input should be"),
    (["train", "--steps", "3", "--minutes", "3"], "one of minutes, epochs and steps"),
    (["train", "-o", "training.device=cuda", "--steps", "1"], "no cuda device"),
    (["train", "--steps", "1", "--out", "a_file"], "is not a run"),
    (["train", "--stps", "3"], "Unknown option: --stps. Did you mean --steps?"),
    (["train", "--steps"], "--steps requires an argument"),
    (["train", "--steps", "many"], 'Invalid value for --steps: "many" is not a whole number in digits, such as 100.'),
    (["train", "--minutes", "many"], 'Invalid value for --minutes: "many" is not a number, such as 2.5.'),
    (["continue", "runs/tiny", "--cool-down", "now"], '"now" is not a time, such as 30s or 2m.'),
    (["train", "--processes", "1.5"], '"1.5" is not a whole number in digits, such as 100, or auto.'),
    (["train", "--preset", "quick", "--config", "x.toml"], "Give a preset or a config, not both"),
    (
        ["train", "--plan", "plan.toml", "--accept-changes"],
        "--plan says all about the training: leave out the other settings",
    ),
    (["train", "digits", "shapes"], "takes one source, but got 2 arguments"),
    (["trian"], 'Did you mean "train"'),
    (["data", "show"], "SOURCE"),
    (["sample", "nowhere"], "nowhere is not a run"),
    (["sample", "broken"], "damaged"),
    (["sample", "runs/tiny", "--sampler", "dpm"], "Did you mean 'ddpm'"),
    (["sample", "runs/tiny", "--steps", "0"], "nevoa: --steps: Input should be greater than or equal to 1"),
    (["sample", "runs/tiny", "--steps", "21"], "nevoa: --steps must be between 1 and 20"),
    (["sample", "runs/tiny", "--variance", "big"], 'Choose from: "small", "large"'),
    (["sample", "runs/tiny", "--spacing", "log-snr"], 'Did you mean "log_snr"'),
    (
        ["sample", "runs/tiny", "--sampler", "ddim", "--eta", "1.5"],
        "nevoa: --eta: Input should be less than or equal to 1",
    ),
    (["sample", "runs/tiny", "--class", "bag"], "This model knows no classes"),
    (["sample", "runs/tiny", "--guidance", "2"], "nevoa: --guidance needs a model with conditions"),
    (["train", "--preset", "classic", "-o", "sampling.guidance=2"], "needs a condition"),
    (["sample", "runs/tiny", "--out", "x.jpeg"], "Known: .gif, .html, .mp4, .npy, .png, .webm"),
    (["sample", "runs/tiny", "--out", "a_file/x.png"], "Cannot write"),
    (["sample", "runs/tiny", "--count", "0"], "Must be > 0"),
    (["sample", "runs/tiny", "--count", "10001"], "A grid holds up to 10,000 images"),
    (["sample", "runs/tiny", "--count", "1000001", "--out", "x"], "A folder holds up to 1,000,000 images"),
    (["sample", "runs/tiny", "--count", "300", "--out", "x.gif"], "256 images at most, not 300"),
    (["sample", "runs/tiny", "--count", "1000000000000000", "--out", "x.npy"], "x.npy needs up to"),
    (["sample", "runs/tiny", "--trajectory", "9", "--out", "x.png"], "between 2 and 5"),
    (["sample", "runs/tiny", "--trajectory", "3", "--out", "x.gif"], "ends in .png"),
    (["noise", "missing.png"], "no picture 'missing.png'"),
    (["noise", "a_file"], "Cannot read a_file as an image"),
    (["noise", "fashion_mnist_10k:10000"], "images are 0 to 9999"),
    (["noise", "fashion_mnist_10k:1", "--schedule", "cosin"], "Did you mean 'cosine'"),
    (["noise", "fashion_mnist_10k:1", "--at", "1,2000"], "timesteps are 0 to 1000"),
    (["noise", "fashion_mnist_10k:1", "--at", "1,,2"], "whole numbers"),
    (["verify", "runs/tiny"], "tiny is a folder: name one of the reports"),
    (["train", "--processes", "0"], "--processes must be 1 or more, or auto, not 0."),
    (["data", "show", "fashn_mnist"], "Did you mean 'fashion_mnist'"),
    (["train", "shapes", "--augment", "rotat"], "There is no transformation 'rotat'. Did you mean 'rotate'"),
    (["data", "show", "shapes", "--augment", "2"], "--augment: Input should be auto, none, strong or a chance above 0"),
    (["train", "shapes", "--condition", "augmentation"], "There is no condition 'augmentation'"),
]


@pytest.mark.parametrize(
    ("arguments", "message"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_wrong_input_is_one_line_and_leaves_nothing(
    arguments: list[str], message: str, tmp_path: Path, trained: Path, refuses: Refuses
) -> None:
    (tmp_path / "a_file").write_text("no picture")
    if "broken" in arguments:
        shutil.copytree(trained / "runs/tiny", tmp_path / "broken")
        (tmp_path / "broken/model/model.safetensors").write_bytes(b"rubbish")
    before = sorted(tmp_path.rglob("*"))
    refuses(arguments, message, tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_run_that_a_short_name_means_is_named(trained: Path, refuses: Refuses) -> None:
    refuses(["sample", "tiny"], "Did you mean runs/tiny?", trained)


def test_ctrl_c_leaves_a_usable_run_that_goes_on(tmp_path: Path) -> None:
    """Interrupted at some step, then the same command again: the end is that of a run that was left alone."""
    arguments = ["train", "fashion_mnist_10k", "--steps", "60", *OPTIONS]
    command = [sys.executable, "-m", "nevoa", *arguments, "--out", "stopped"]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(60) == 130
    assert "To resume: nevoa continue" in said
    assert "Traceback" not in said
    run = Run(tmp_path / "stopped")
    assert 16 <= int(max(path.name for path in run.checkpoints.iterdir())) < 480
    nevoa("sample", "stopped", "--count", "2", "--out", "x.png", folder=tmp_path)
    nevoa(*arguments, "--out", "stopped", folder=tmp_path)
    nevoa(*arguments, "--out", "whole", folder=tmp_path)
    assert run.weights_file.read_bytes() == Run(tmp_path / "whole").weights_file.read_bytes()


@needs_debian
def test_the_real_sixty_thousand(tmp_path: Path) -> None:
    done = nevoa("train", "fashion_mnist", "--steps", "3", "--out", "r", *OPTIONS, folder=tmp_path)
    assert "60,000 images" in done.stdout
    nevoa("sample", "r", "--count", "4", "--out", "x.npy", folder=tmp_path)
    assert np.load(tmp_path / "x.npy").shape == (4, 28, 28, 1)
