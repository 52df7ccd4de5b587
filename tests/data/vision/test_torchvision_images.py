import gzip
import hashlib
import http.server
import threading
from functools import partial

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10, MNIST

from leyden.data import DataError
from leyden.data.vision import TorchvisionImages


def idx(array):
    """Bytes of the file format of MNIST."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">i4").tobytes() + array.tobytes()


@pytest.fixture
def server(tmp_path):
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "served")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


@pytest.fixture
def small_mnist(tmp_path, server, monkeypatch):
    """MNIST's own code, which downloads and checks files of 40 and 20 rows from a local server."""
    (tmp_path / "served").mkdir()
    resources = []
    for prefix, rows in (("train", 40), ("t10k", 20)):
        for suffix, array in (
            ("images-idx3", np.random.default_rng(0).integers(0, 255, (rows, 28, 28), dtype=np.uint8)),
            ("labels-idx1", (np.arange(rows) % 10).astype(np.uint8)),
        ):
            content = gzip.compress(idx(array))
            (tmp_path / "served" / f"{prefix}-{suffix}-ubyte.gz").write_bytes(content)
            resources.append((f"{prefix}-{suffix}-ubyte.gz", hashlib.md5(content).hexdigest()))
    monkeypatch.setattr(MNIST, "mirrors", [server])
    monkeypatch.setattr(MNIST, "resources", resources)
    return MNIST


def test_downloads_checks_and_loads(small_mnist, tmp_path):
    data = TorchvisionImages(dataset=small_mnist, root=str(tmp_path / "data"), in_channels=1, batch_size=8)
    data.prepare_data()
    data.setup("fit")
    data.setup("test")
    assert data.num_classes == 10
    assert len(data.rows["train"]) + len(data.rows["validation"]) == 40
    assert len(data.rows["test"]) == 20
    assert next(iter(data.train_dataloader())).inputs.shape == (8, 1, 28, 28)


def test_a_wrong_checksum_is_refused(small_mnist, tmp_path, monkeypatch):
    monkeypatch.setattr(MNIST, "resources", [(name, "0" * 32) for name, _ in MNIST.resources])
    data = TorchvisionImages(dataset=small_mnist, root=str(tmp_path / "data"))
    with pytest.raises(DataError, match="cannot get the dataset"):
        data.prepare_data()


def test_colour_arrays_become_channels_first():
    class Tiny(CIFAR10):
        def __init__(self, root, train, download):
            self.data, self.targets, self.classes = np.zeros((20, 32, 32, 3), np.uint8), [0, 1] * 10, ["a", "b"]

    rows = TorchvisionImages(dataset=Tiny).load("train")
    assert rows.inputs.shape == (20, 3, 32, 32)
    assert rows.targets.dtype is torch.int64
