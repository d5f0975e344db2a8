"""Every reader of files as a function of bytes, with a file to start from: for hypothesis and for scripts/fuzz.py."""

import gzip
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from nevoa._util.tensors import read_tensors
from nevoa.config import DataConfig
from nevoa.config.presets import configure
from nevoa.data import ImageSet, read_image, read_unchanged
from nevoa.data.find import Source, find_source
from nevoa.data.listing import of_arrays
from nevoa.data.prepare import prepare, store_folder
from nevoa.data.sources.builtin import cut_sheet
from nevoa.data.sources.idx import read_idx
from nevoa.data.store import open_store
from nevoa.errors import NevoaError
from nevoa.evaluation.receipt import read_report
from nevoa.formats.diffusers.export import export
from nevoa.formats.diffusers.load import WEIGHTS
from nevoa.formats.diffusers.load import read as read_pipeline
from nevoa.runs import checkpoint, journal
from nevoa.runs.horizon import Horizon
from nevoa.runs.journal import Costs
from nevoa.runs.manifest import faults
from nevoa.runs.overview import Summary
from nevoa.runs.reports import best_report, merged
from nevoa.runs.run import Run, load
from nevoa.runs.tracking import Sent, read_sent, write_sent
from nevoa.studio.choices import choices, keep
from nevoa.studio.commands import Images, Training
from nevoa.studio.workspace import Workspace
from nevoa.training.checkpoint import read_progress, save_checkpoint
from nevoa.training.loop import training_steps
from nevoa.training.speeds import read_speeds
from nevoa.training.state import TrainingState
from tests.conftest import TINY
from tests.formats.small_models import FOLDED, small_model
from tests.small_runs import planned


@dataclass(frozen=True)
class Reader:
    """A file, and what reads it.

    Attributes:
        path: of the file that is fuzzed.
        read: gives an answer or a NevoaError, whatever is in the file.
        seed: a whole file.
    """

    path: Path
    read: Callable[[], object]
    seed: bytes

    def __call__(self, data: bytes) -> None:
        """Read those bytes; anything but an answer or a NevoaError is a finding."""
        self.path.unlink(missing_ok=True)  # written over, a file costs 3 ms on ext4, which flushes it: 0.1 ms
        self.path.write_bytes(data)
        try:
            self.read()
        except NevoaError as error:
            assert str(error)


def readers(folder: Path) -> dict[str, Reader]:
    """All readers, working in a folder that is made for them."""
    run = _run(folder / "run")
    newest = checkpoint.newest(run.checkpoints)
    assert newest is not None
    store = _store(folder / "cache")
    sheet, idx, array = folder / "sheet.png", folder / "idx.gz", folder / "array.npy"
    npz, zipped, tar, table = (
        folder / "a.npz",
        folder / "a.zip",
        folder / "a.tar.gz",
        folder / "pictures" / "metadata.csv",
    )
    picture = io.BytesIO()
    Image.fromarray(np.zeros((28, 56), np.uint8)).save(picture, format="png")
    sheet.write_bytes(picture.getvalue())
    idx.write_bytes(gzip.compress(b"\0\0\x08\x02" + np.array([2, 3], ">u4").tobytes() + bytes(6)))
    np.save(array, np.zeros((2, 4, 4), np.uint8))
    np.savez_compressed(npz, images=np.zeros((2, 4, 4), np.uint8), labels=np.arange(2))
    table.parent.mkdir()
    for name in ("a/1.png", "b/2.png"):
        (table.parent / name).parent.mkdir()
        (table.parent / name).write_bytes(picture.getvalue())
    table.write_text("file_name,label\na/1.png,x\nb/2.png,y\n")
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as out:
        out.write(table.parent / "a/1.png", "a/1.png")
        out.write(table.parent / "b/2.png", "b/2.png")
    with tarfile.open(tar, "w:gz") as out:
        out.add(table.parent / "a", "a")
    report, receipt = run.save_evaluation("report", REPORT), folder / "receipt.json"
    receipt.write_text(json.dumps({**REPORT, **REPEATABLE}))
    failed = {"about": {"pid": 1}, "message": "no", "horizon": Horizon(40), "costs": Costs(0.1, 0.2, 7, 0.3)}
    journal.write(run, "failed", 0, seconds=1.5, **failed)
    speeds = folder / "speeds.json"
    speeds.write_text('{"0a": {"32, batches of 32": 1e11}}')
    pipeline = folder / "pipeline"
    workspace = Workspace(folder)
    keep(workspace, Training(Images("shapes")))
    export(small_model(FOLDED), pipeline, sampler="dpm_solver", steps=3)
    reads: dict[str, tuple[Path, Callable[[], object]]] = {
        "config": (run.config_file, run.config),
        "plan": (run.plan_file, run.plan),
        "metrics": (run.metrics_file, lambda: list(run.metrics())),
        "speeds": (speeds, lambda: read_speeds(speeds)),
        "journal": (run.journal_file, lambda: list(journal.read(run))),
        "tracking": (run.tracking_file, lambda: read_sent(run, "wandb")),
        "status": (run.journal_file, lambda: Summary.of(run)),
        "choices of the studio": (workspace.choices_file, lambda: choices(workspace)),
        "report": (report, lambda: (best_report(run), merged(REPORT, report))),
        "receipt": (receipt, lambda: read_report(receipt)),
        "model config": (run.model_config_file, lambda: load(run.folder, "cpu")),
        "model weights": (run.weights_file, lambda: load(run.folder, "cpu")),
        "checkpoint manifest": (newest / "manifest.json", lambda: faults(newest)),
        "checkpoint state": (newest / "state.json", lambda: read_progress(newest)),
        "checkpoint tensors": (
            newest / "optimizer.safetensors",
            lambda: read_tensors(newest / "optimizer.safetensors"),
        ),
        "store card": (store / "about.json", lambda: open_store(store)),
        "store images": (store / "images.npy", lambda: open_store(store)),
        "store labels": (store / "labels.npy", lambda: open_store(store)),
        "pipeline index": (pipeline / "model_index.json", lambda: read_pipeline(pipeline)),
        "pipeline network": (pipeline / "unet" / "config.json", lambda: read_pipeline(pipeline)),
        "pipeline schedule": (pipeline / "scheduler" / "scheduler_config.json", lambda: read_pipeline(pipeline)),
        "pipeline weights": (pipeline / "unet" / WEIGHTS, lambda: read_pipeline(pipeline)),
        "sheet": (sheet, lambda: cut_sheet(sheet)),
        "idx": (idx, lambda: read_idx(idx)),
        "array": (array, lambda: read_unchanged(array)),
        "arrays": (npz, lambda: _read_all(npz)),
        "zip": (zipped, lambda: _read_all(zipped)),
        "tar": (tar, lambda: _read_all(tar)),
        "table": (table, lambda: _read_all(table.parent)),
        "picture": (table.parent / "a/1.png", lambda: read_image(table.parent / "a/1.png")),
    }
    return {name: Reader(path, read, path.read_bytes()) for name, (path, read) in reads.items()}


def _store(cache: Path) -> Path:
    """A small store as a preparation would leave it."""
    images = of_arrays(np.zeros((3, 4, 4, 1), np.uint8), np.arange(3), ["a", "b", "c"])
    source = Source("noise", "noise", "noise", lambda: images)
    before = os.environ.get("NEVOA_CACHE")
    os.environ["NEVOA_CACHE"] = str(cache)
    try:
        list(prepare(source, DataConfig()))
        return store_folder(source, DataConfig())
    finally:
        os.environ.pop("NEVOA_CACHE")
        if before is not None:
            os.environ["NEVOA_CACHE"] = before


def _read_all(path: Path) -> None:
    listing = find_source(str(path)).list()
    for number in range(len(listing)):
        with suppress(OSError, ValueError):
            listing.read(number)


SCORES = {"scores": {"fd_a": 1.0}, "floor": {}, "floor_spread": {}, "class_shares": {"a": 1.0}, "warnings": ["few"]}
REPORT = {"format": 1, "images": 9, "weights": "w", "protocol": {"name": "nevoa-a/2", "departures": []}, **SCORES}
REPEATABLE = {
    "subject": "runs/a",
    "title": "9 images by ddim in 2 steps",
    "protocol": {"name": "nevoa-a/2", "count": 9, "seed": 0, "sampler": {"steps": 2}, "feature_network": None},
    "receipt": {
        "config": {"training": {"seed": 0}},
        "network_evaluations": 18,
        "reference": {"source": "a", "digest": "d"},
        "facts": {"torch": "2.13", "cpu": "x"},
    },
}


def _run(folder: Path) -> Run:
    """A small run as a training would leave it."""
    few = ImageSet.of("noise", np.zeros((20, 8, 8, 1), np.uint8), np.zeros(20, np.int64), ["a"])
    small = ("network.dim=4", "network.multipliers=[1]", "network.attention=[false]")
    config = configure("fashion_mnist_10k", steps=2, options=(*TINY, *small, "training.threads=1"))
    config = config.updated("training", device="cpu")
    plan = planned(config, few)
    run, state = Run(folder), TrainingState.fresh(plan, few.shape)
    for step in training_steps(state, few):
        run.append_metrics({"images_seen": step.images_seen, "loss": step.loss})
    run.publish_model(state.model())
    save_checkpoint(state, run.checkpoints)
    run.write(config, plan)
    write_sent(run, "wandb", Sent(id="a", images_seen=8, scores={"loss": 0.5}))
    return run
