"""Runs are bitwise equal wherever their samples are kept, also if they are stopped and resumed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from stopped_runs import weights

from leyden.config.compose import compose
from leyden.run.directory import RunDirectory

ROOT = Path.cwd()
STOP = 7  # steps, in the second epoch of two


@pytest.fixture
def start(tmp_path, save_images):
    random = np.random.default_rng(0)
    images = save_images(24, 4, lambda n: random.integers(0, 128 + 127 * (n % 2), (8, 8), np.uint8))

    def start(*settings):
        words = ["data=vision/files", f"data.root={images}", "data.image_size=8", "data.batch_size=4"]
        words += ["+data.in_channels=1", "trainer=cpu", "trainer.max_epochs=2", "callbacks.images=null"]
        words += ["trainer.log_every_n_steps=1", *settings]
        config = compose(["experiment=vision/digits", *words], ROOT).config | {"runs": str(tmp_path / "runs")}
        return RunDirectory.create(config, ROOT, ["test"])

    return start


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:.*does not have many workers",
    "ignore:.*your dataloader is not resumable",
    "ignore:Checkpoint directory .* exists and is not empty",
)
def test_runs_end_with_the_same_bits_wherever_samples_are_kept(start, tmp_path):
    cache = f"data.cache={tmp_path}/cache"
    plain, metrics = weights(start("data.cache=null"))
    ways = {
        "first run": ([cache], False),
        "stopped, mapped": ([cache], True),
        "stopped, on the device": ([cache, "data.storage=device"], True),
    }
    for name, (settings, stops) in ways.items():
        other, others = weights(start(*settings), STOP if stops else None)
        assert torch.equal(plain, other), name
        assert others == metrics, name
    assert len([path for path in (tmp_path / "cache").iterdir() if path.is_dir()]) == 2  # training and test
