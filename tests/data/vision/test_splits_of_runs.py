"""A run whose files have no test split is trained, and a message reports that nothing is tested."""

import json
from pathlib import Path

import numpy as np
import pytest

from leyden.config.compose import compose
from leyden.data import DataError
from leyden.run.directory import RunDirectory
from leyden.run.worker import Worker

ROOT = Path.cwd()


def test_a_run_without_a_test_split_measures_validation_and_logs_this(tmp_path, save_images, caplog):
    random = np.random.default_rng(0)
    images = save_images(24, 6, lambda n: random.integers(0, 128 + 127 * (n % 2), (8, 8), np.uint8))
    (images / "test").rename(images / "Val")
    (images / "train" / "a" / "Thumbs.db").touch()
    words = [
        "data=vision/files",
        f"data.root={images}",
        "data.image_size=8",
        "+data.in_channels=1",
        "data.batch_size=8",
    ]
    words += ["trainer=cpu", "trainer.max_epochs=1", "callbacks.images=null", "trainer.log_every_n_steps=1"]
    config = compose(["experiment=vision/digits", *words], ROOT).config | {"runs": str(tmp_path / "runs")}
    run = RunDirectory.create(config, ROOT, ["test"])
    results = Worker(run, trains=True).fit()
    assert "val/accuracy" in results
    assert not any(name.startswith("test/") for name in results)
    assert "there is no test split, evaluating on validation" in caplog.text
    assert "add a folder test/ beside Val/" in caplog.text
    account = json.loads((run.path / "data.json").read_text())["account"]
    assert account["samples"] == {"train": 24, "validation": 6}
    assert account["ignored"]["of the operating system"]["count"] == 1
    with pytest.raises(DataError, match="there is no test split"):
        Worker(run, trains=False).evaluate("test", "best")
