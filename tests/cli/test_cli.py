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

from nevoa.data import open_source
from nevoa.runs.run import Run
from nevoa.training import train
from tests.cli.conftest import OPTIONS, Refuses, nevoa
from tests.conftest import TINY
from tests.data.test_data import needs_debian


def test_help_does_not_wait_for_torch() -> None:
    code = "import sys, nevoa.cli.main; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_help_lists_the_commands(tmp_path: Path) -> None:
    text = nevoa("--help", folder=tmp_path).stdout
    assert all(command in text for command in ("train", "sample", "noise", "data"))


@pytest.mark.slow
def test_training_says_what_it_does_and_where_it_is(tmp_path: Path) -> None:
    done = nevoa("train", "--steps", "12", "--out", "r", "--notify", *OPTIONS, folder=tmp_path)
    for word in ("10,000 images", "parameters", "cpu", "float32", "12 of 8 images", "memory", "GFLOP/s", "disk"):
        assert word in done.stdout
    lines = [line for line in done.stderr.splitlines() if "images/s" in line]
    assert [line.split("/")[0] for line in lines] == ["16", "32", "48", "64", "80", "96"]
    assert "\a" in done.stderr
    assert Run(tmp_path / "r").weights_file.exists()


@pytest.mark.slow
def test_a_loss_line_per_epoch(tmp_path: Path) -> None:
    options = [part for option in TINY if "batch_size" not in option for part in ("-o", option)]
    extra = ["-o", "training.batch_size=5000", "-o", "data.size=4", "-o", "network.dim=4"]
    done = nevoa("train", "--epochs", "2", "--out", "r", *options, *extra, folder=tmp_path)
    assert [line[:7] for line in done.stderr.splitlines() if line.startswith("epoch")] == ["epoch 1", "epoch 2"]


@pytest.mark.slow
def test_a_dry_run_tells_programs_and_writes_nothing(tmp_path: Path) -> None:
    done = nevoa("train", "--preset", "classic", "fashion_mnist_10k", "--dry-run", "--json", *BATCH, folder=tmp_path)
    plan = json.loads(done.stdout)
    assert plan["parameters"] == 2_996_315
    assert plan["images"] == 10_000
    assert plan["steps"] == 10 * 10_000 // 8
    assert (plan["device"], plan["precision"]) == ("cpu", "float32")
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
    assert Image.open(trained / "grid.png").size == (3 * (2 * 28 + 2) + 2,) * 2
    nevoa("sample", "runs/tiny", "--count", "2", "--trajectory", "4", "--out", "rows.png", folder=trained)
    assert Image.open(trained / "rows.png").size == (4 * 58 + 2, 2 * 58 + 2)
    large = ("--sampler", "ddpm", "--variance", "large")
    nevoa("sample", "runs/tiny", "--count", "4", *large, "--out", "x.gif", folder=trained)
    with Image.open(trained / "x.gif") as gif:
        assert 2 < getattr(gif, "n_frames", 1) <= 21


def test_without_a_run_the_packaged_model_draws(tmp_path: Path) -> None:
    told = nevoa("sample", "--label", "bag", "--count", "4", "--out", "bags.png", folder=tmp_path).stdout
    assert "4 images of Bag" in told
    assert Image.open(tmp_path / "bags.png").size == (2 * 58 + 2,) * 2


@pytest.fixture(scope="module")
def of_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tiny run that was told of classes, and took large steps, so that they differ."""
    folder = tmp_path_factory.mktemp("classes") / "told"
    large_steps = ("training.learning_rate=0.02", "training.warmup_images=0", "training.ema_decay=0")
    options = (*TINY, *large_steps, "training.conditional=true")
    train("fashion_mnist_10k", steps=20, out=folder, options=options, progress=False)
    return folder


@pytest.mark.slow
def test_sample_makes_the_classes_asked_for_a_row_each(of_classes: Path, tmp_path: Path) -> None:
    told = nevoa("sample", str(of_classes), "--label", "trouser,8", "--guidance", "2", folder=tmp_path).stdout
    assert "16 images of Trouser, Bag in turn" in told
    images = Run(of_classes).model().sample(16, labels=[1, 8], guidance=2.0)
    sheet = np.asarray(Image.open(tmp_path / "images.png"))
    assert sheet.shape == (2 * 58 + 2, 8 * 58 + 2)
    np.testing.assert_array_equal(sheet[60:116:2, 60:116:2], images[3, :, :, 0])
    for labels, guidance in (([1, 8], 1.0), ([8, 1], 2.0)):
        other = Run(of_classes).model().sample(16, labels=labels, guidance=guidance)
        assert not np.array_equal(other, images)
    nevoa("sample", str(of_classes), "--label", "Bag", "--count", "9", "--out", "bags.png", folder=tmp_path)
    assert Image.open(tmp_path / "bags.png").size == (3 * 58 + 2, 3 * 58 + 2)


@pytest.mark.slow
def test_without_a_label_a_model_of_classes_makes_a_row_of_each(of_classes: Path, tmp_path: Path) -> None:
    nevoa("sample", str(of_classes), folder=tmp_path)
    assert Image.open(tmp_path / "images.png").size == (8 * 58 + 2, 10 * 58 + 2)
    nevoa("sample", str(of_classes), "--count", "3", "--out", "few.gif", folder=tmp_path)
    assert Image.open(tmp_path / "few.gif").size == (58 + 2, 3 * 58 + 2)
    nevoa("sample", str(of_classes), "--trajectory", "3", "--out", "rows.png", folder=tmp_path)
    assert Image.open(tmp_path / "rows.png").size == (3 * 58 + 2, 10 * 58 + 2)


def test_classes_that_are_not_there_are_one_line(of_classes: Path, tmp_path: Path, refuses: Refuses) -> None:
    refuses(["sample", str(of_classes), "--label", "trouser,bga"], "Did you mean 'bag'", tmp_path)
    refuses(["sample", str(of_classes), "--label", "10"], "no class '10'", tmp_path)
    refuses(["sample", str(of_classes), "--guidance", "-1"], "guidance is 0 or more", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_noise_draws_a_strip_of_any_picture(tmp_path: Path) -> None:
    from skimage.data import cat

    Image.fromarray(cat()).save(tmp_path / "cat.jpg")
    nevoa("noise", "cat.jpg", "--at", "0,100,1000", "--schedule", "cosine", "--out", "strip.png", folder=tmp_path)
    strip = np.asarray(Image.open(tmp_path / "strip.png").convert("RGB")).astype(int)
    assert strip.shape[1] == 3 * (128 + 4) + 4
    nevoa("noise", "fashion_mnist_10k:9", "--size", "32", "--out", "clothes.png", folder=tmp_path)
    assert Image.open(tmp_path / "clothes.png").width == 10 * (4 * 32 + 4) + 4


def test_data_lists_and_shows(tmp_path: Path) -> None:
    text = nevoa("data", "list", folder=tmp_path).stdout
    assert "fashion_mnist_10k" in text
    assert "fashion_mnist " in text
    nevoa("data", "show", "fashion_mnist_10k", "--out", "grid.png", folder=tmp_path)
    sheet = np.asarray(Image.open(tmp_path / "grid.png"))
    images = open_source("fashion_mnist_10k")
    left = sheet.shape[1] - (16 * 58 + 2)  # where the names end
    np.testing.assert_array_equal(sheet[2:58:2, left + 2 : left + 58 : 2, 1], images.images[0, :, :, 0])


WRONG = [
    (["train", "--preset", "clasic"], "Did you mean 'classic'"),
    (["train", "fashon_mnist"], "Did you mean 'fashion_mnist'"),
    (["train", "-o", "training.batchsize=3"], "Did you mean 'training.batch_size'"),
    (["train", "--steps", "0"], "steps"),
    (["train", "--minutes", "-1"], "minutes"),
    (["train", "--steps", "3", "--minutes", "3"], "one of minutes, epochs and steps"),
    (["train", "-o", "training.device=cuda", "--steps", "1"], "no cuda device"),
    (["train", "--steps", "1", "--out", "a_file"], "is no run"),
    (["sample", "nowhere"], "nowhere is not a run"),
    (["sample", "broken"], "damaged"),
    (["sample", "runs/tiny", "--sampler", "dpm"], "Did you mean 'ddpm'"),
    (["sample", "runs/tiny", "--steps", "0"], "between 1 and 20"),
    (["sample", "runs/tiny", "--steps", "21"], "between 1 and 20"),
    (["sample", "runs/tiny", "--variance", "big"], "Known: large, small"),
    (["sample", "runs/tiny", "--spacing", "log-snr"], "Did you mean 'log_snr'"),
    (["sample", "runs/tiny", "--sampler", "ddim", "--eta", "1.5"], "eta is between 0 and 1"),
    (["sample", "runs/tiny", "--label", "bag"], "knows no classes"),
    (["sample", "runs/tiny", "--guidance", "2"], "guidance is for models of classes"),
    (["train", "--preset", "classic", "-o", "sampling.guidance=2"], "needs training.conditional=true"),
    (["sample", "runs/tiny", "--out", "x.jpeg"], "Known: .gif, .npy, .png"),
    (["sample", "runs/tiny", "--out", "a_file/x.png"], "Cannot write"),
    (["sample", "runs/tiny", "--trajectory", "9", "--out", "x.png"], "between 2 and 5"),
    (["sample", "runs/tiny", "--trajectory", "3", "--out", "x.gif"], "ends in .png"),
    (["noise", "missing.png"], "no picture missing.png"),
    (["noise", "a_file"], "cannot be read as a picture"),
    (["noise", "fashion_mnist_10k:10000"], "images 0 to 9999"),
    (["noise", "fashion_mnist_10k:1", "--schedule", "cosin"], "Did you mean 'cosine'"),
    (["noise", "fashion_mnist_10k:1", "--at", "1,2000"], "timesteps are 0 to 1000"),
    (["noise", "fashion_mnist_10k:1", "--at", "1,,2"], "whole numbers"),
    (["data", "show", "fashn_mnist"], "Did you mean 'fashion_mnist'"),
]

WRONG_TO_MEASURE = [
    (["evaluate"], "no finished run"),
    (["evaluate", "missing.npy"], "no file or folder missing.npy"),
    (["evaluate", "a_file"], "is no source of images: give a folder"),
    (["evaluate", "floats.npy"], "holds float64 [4, 4]; images are uint8"),
    (["evaluate", "empty"], "no pictures in empty"),
    (["evaluate", "mixed"], "0.png is 28x28 with 1 channel, 1.png 28x28 with 3 channels"),
    (["evaluate", "one.npy"], "There is one of the images"),
    (["evaluate", "constant.npy"], "look the same"),
    (["evaluate", "small.npy"], "14x14 with 1 channel, those of fashion_mnist are 28x28"),
    (["evaluate", "constant.npy", "--steps", "3"], "is not a run"),
    (["evaluate", "constant.npy", "--sweep"], "is not a run"),
    (["evaluate", "constant.npy", "--guidance", "2"], "is not a run"),
    (["evaluate", "runs/tiny", "--guidance", "2"], "guidance is for models of classes"),
    (["evaluate", "runs/tiny", "--sweep", "--steps", "3"], "--sweep tries all samplers itself"),
    (["evaluate", "runs/tiny", "--sweep", "--json"], "--sweep tries all samplers itself"),
    (["evaluate", "runs/tiny", "--count", "100", "--steps", "1"], "There are 100 images"),
    (["evaluate", "runs/tiny", "--steps", "21"], "between 1 and 20"),
    (["evaluate", "runs/tiny", "--metrics", "frechet,kernl"], "Did you mean 'kernel'"),
    (["evaluate", "runs/tiny", "--against", "fashion"], "Did you mean 'fashion_mnist'"),
    (["evaluate", "constant.npy", "--metrics", "inception", "--inception-weights", "w"], "look the same"),
    (["evaluate", "constant.npy", "--metrics", "bits"], "Bits per dimension are those of a model"),
    (["features", "train", "fashn_mnist"], "Did you mean 'fashion_mnist'"),
]


def put_wrong_images(folder: Path) -> None:
    """Files that cannot be measured."""
    (folder / "a_file").write_text("no picture")
    (folder / "empty").mkdir()
    (folder / "mixed").mkdir()
    for number, mode in enumerate(("L", "RGB")):
        Image.new(mode, (28, 28)).save(folder / f"mixed/{number}.png")
    np.save(folder / "floats.npy", np.zeros((4, 4)))
    for name, shape in (("one", (1, 28, 28)), ("constant", (200, 28, 28, 1)), ("small", (200, 14, 14, 1))):
        np.save(folder / f"{name}.npy", np.zeros(shape, np.uint8))


@needs_debian
@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"), WRONG_TO_MEASURE, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_what_cannot_be_measured_is_one_line(
    arguments: list[str], message: str, tmp_path: Path, trained: Path, refuses: Refuses
) -> None:
    put_wrong_images(tmp_path)
    refuses(arguments, message, tmp_path)
    assert not (trained / "runs/tiny/evaluation").exists()


@needs_debian
@pytest.mark.slow
def test_evaluate_measures_a_run_and_the_same_images_from_files_alike(tmp_path: Path, trained: Path) -> None:
    shutil.copytree(trained / "runs", tmp_path / "runs")
    done = nevoa("evaluate", "--count", "150", "--steps", "2", folder=tmp_path)
    for word in ("nevoa-fashion/1", "150 images instead of 10,000", "fd_fashion", "bits_per_dim", "near_copies", "few"):
        assert word in done.stdout
    run = tmp_path / "runs/tiny"
    written = json.loads((run / "evaluation/ddpm-2-trailing-eta0-150-seed0-fashion.json").read_text())
    assert len(written["by_timestep"]["bits"]) == 20
    assert Image.open(run / "evaluation/ddpm-2-trailing-eta0-150-seed0-fashion.png").width > 1000
    assert f"| fd_fashion | {written['scores']['fd_fashion']:.4g} |" in (run / "README.md").read_text()
    for out in ("images.npy", "pictures"):
        nevoa("sample", "runs/tiny", "--count", "150", "--steps", "2", "--out", out, folder=tmp_path)
        read = json.loads(nevoa("evaluate", out, "--json", folder=tmp_path).stdout)
        for name in ("fd_fashion", "kd_fashion", "precision", "confidence"):
            assert read["scores"][name] == pytest.approx(written["scores"][name], rel=1e-6), name
        assert "bits_per_dim" not in read["scores"]


@needs_debian
@pytest.mark.slow
def test_evaluate_measures_with_guidance_and_says_so(of_classes: Path, tmp_path: Path) -> None:
    shutil.copytree(of_classes, tmp_path / "runs/told")
    distances = []
    for guidance, name in (("1", "ddpm-2-trailing-eta0"), ("3", "ddpm-2-trailing-eta0-guidance3")):
        wishes = ("--steps", "2", "--guidance", guidance, "--metrics", "frechet")
        nevoa("evaluate", "--count", "150", *wishes, folder=tmp_path)
        written = json.loads((tmp_path / f"runs/told/evaluation/{name}-150-seed0-fashion.json").read_text())
        assert written["protocol"]["sampler"]["guidance"] == float(guidance)
        distances.append(written["scores"]["fd_fashion"])
    assert distances[0] != distances[1]


@needs_debian
@pytest.mark.slow
def test_a_sweep_prints_a_row_for_each_way_to_draw(tmp_path: Path, trained: Path) -> None:
    shutil.copytree(trained / "runs", tmp_path / "runs")
    lines = nevoa("evaluate", "--sweep", "--count", "128", folder=tmp_path).stdout.splitlines()
    written = json.loads((tmp_path / "runs/tiny/evaluation/sweep-128.json").read_text())
    assert len(lines) == len(written["rows"]) + 2
    assert "fd_fashion" in lines[0] and "images/s" in lines[0]


@needs_debian
@pytest.mark.slow
def test_a_feature_network_is_trained_for_images_of_another_size(tmp_path: Path) -> None:
    options = ("fashion_mnist", "--size", "8")
    told = nevoa("features", "train", *options, "--epochs", "1", folder=tmp_path)
    assert "Right on" in told.stdout
    assert "already" in nevoa("features", "train", *options, folder=tmp_path, code=2).stderr


@pytest.mark.slow
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


@pytest.mark.slow
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
    assert "the same command goes on" in said
    assert "Traceback" not in said
    run = Run(tmp_path / "stopped")
    assert 16 <= int(max(path.name for path in run.checkpoints.iterdir())) < 480
    nevoa("sample", "stopped", "--count", "2", "--out", "x.png", folder=tmp_path)
    nevoa(*arguments, "--out", "stopped", folder=tmp_path)
    nevoa(*arguments, "--out", "whole", folder=tmp_path)
    assert run.weights_file.read_bytes() == Run(tmp_path / "whole").weights_file.read_bytes()


@needs_debian
@pytest.mark.slow
def test_the_real_sixty_thousand(tmp_path: Path) -> None:
    done = nevoa("train", "fashion_mnist", "--steps", "3", "--out", "r", *OPTIONS, folder=tmp_path)
    assert "60,000 images" in done.stdout
    nevoa("sample", "r", "--count", "4", "--out", "x.npy", folder=tmp_path)
    assert np.load(tmp_path / "x.npy").shape == (4, 28, 28, 1)
