"""Images and masks from a stream, and runs on them that are stopped, resumed and distributed over ranks."""

import json
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import stopped_runs
import torch

from leyden.config.compose import compose
from leyden.data.vision import (
    Digits,
    DigitsDetection,
    DigitsSegmentation,
    DigitsVideo,
    ImageFiles,
)
from leyden.data.vision.boxes import boxes_of_image
from leyden.run.directory import RunDirectory

pytest.importorskip("litdata")

from leyden.data.stream.writing import write_stream

ROOT = Path.cwd()
STOP = 30  # steps, in the second epoch of two


def ready(data):
    data.setup("fit")
    data.setup("test")
    return data


@pytest.fixture
def digits(tmp_path):
    # As in the experiment.
    write_stream(ready(Digits(in_channels=1)), tmp_path / "digits", 10_000)
    return tmp_path / "digits"


def tensors(part):
    return [part] if isinstance(part, torch.Tensor) else [one for parts in part for one in tensors(parts)]


def sorted_rows(data):
    samples = data.samples["train"]
    return sorted(
        [one.flatten().tolist() for one in tensors(samples.__getitems__([number])[:2])]
        for number in range(len(samples))
    )


@pytest.mark.parametrize("kind", [Digits, DigitsSegmentation, DigitsDetection, DigitsVideo])
def test_batches_have_the_bits_of_the_data_itself(kind, tmp_path):
    itself = ready(kind())
    write_stream(itself, tmp_path / "stream", 1_000_000)
    data = ready(kind(stream=str(tmp_path / "stream"), num_workers=0))
    for loader in ("val_dataloader", "test_dataloader"):
        for batches in zip(getattr(data, loader)(), getattr(itself, loader)(), strict=True):
            for one, other in zip(*(tensors(batch[:2]) for batch in batches), strict=True):
                assert one.dtype == other.dtype
                assert one.equal(other)
    assert sorted_rows(data) == sorted_rows(itself)
    assert data.provided() == itself.provided()


def test_images_without_objects_keep_their_index(tmp_path):
    itself = ready(DigitsDetection())
    nothing = boxes_of_image(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    itself.samples["test"].targets[1] = nothing
    write_stream(itself, tmp_path / "stream")
    samples = ready(DigitsDetection(stream=str(tmp_path / "stream"))).samples["test"]
    for one, other in zip(
        tensors(samples.__getitems__([2, 1, 0])[:2]),
        tensors(itself.samples["test"].__getitems__([2, 1, 0])[:2]),
        strict=True,
    ):
        assert one.dtype == other.dtype
        assert one.equal(other)


def test_files_that_are_skipped_are_no_samples_of_the_stream(tmp_path, save_images):
    images = save_images(24, 4, lambda n: np.full((8, 8, 3), n, np.uint8))
    (images / "test/a/2.png").write_bytes(b"nothing")
    options = {"root": str(images), "image_size": 8, "on_corrupt": "skip", "storage": "disk", "num_workers": 0}
    write_stream(ready(ImageFiles(**options)), tmp_path / "stream")
    (images / "train").rename(tmp_path / "gone")
    data = ready(ImageFiles(**options, stream=str(tmp_path / "stream")))
    (batch,) = data.test_dataloader()
    assert batch.inputs[:, 0, 0, 0].tolist() == [0, 1, 3]
    assert batch.targets.tolist() == [0, 1, 1]


def weights(folder, runs, stops=False):
    words = ["experiment=vision/digits", f"data.stream={folder}", "trainer=cpu", "trainer.max_epochs=2"]
    words += ["data.num_workers=1", "callbacks.images=null"]
    run = RunDirectory.create(compose(words, ROOT).config | {"runs": str(runs)}, ROOT, ["test"])
    return stopped_runs.weights(run, STOP if stops else None)


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:.*your dataloader is not resumable", "ignore:Checkpoint directory .* exists and is not empty"
)
def test_a_run_that_is_stopped_within_an_epoch_ends_with_the_bits_of_one_left_alone(digits, tmp_path):
    alone, metrics = weights(digits, tmp_path / "runs")
    stopped, others = weights(digits, tmp_path / "runs", stops=True)
    assert torch.equal(alone, stopped)
    assert metrics == others


@pytest.mark.slow
def test_two_ranks_train_and_measure_as_one(digits, tmp_path):
    code = f"""
import sys; sys.path.insert(0, "tests")
import json, warnings, torch, ranks
from functools import partial
from pathlib import Path
torch.set_num_threads(1)
warnings.filterwarnings("ignore")
stream = ["data.stream=local:{digits}", "data.cache={tmp_path}/cache"]
short = ranks.create("vision/digits", Path("{tmp_path}"), *ranks.SHORT, *stream)
whole = ranks.create("vision/digits", Path("{tmp_path}"), *stream)
print(json.dumps([
    [ranks.on_ranks(n, partial(ranks.train, ranks.copy(short, n))) for n in (1, 2)],
    [ranks.on_ranks(n, partial(ranks.evaluate, ranks.copy(whole, n))) for n in (1, 2)],
]))
"""
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    (alone, divided), (one, two) = json.loads(process.stdout.splitlines()[-1])
    assert len(alone) == 4
    assert divided == pytest.approx(alone, rel=1e-5)
    for size in one:
        assert two[size] == pytest.approx(one[size], rel=0, abs=1e-6)
    assert list(chain((tmp_path / "cache").rglob("*.bin")))
