import logging

import pytest
import torch


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, logger="leyden.data")
    return caplog


@pytest.fixture
def folder(tmp_path):
    """Create files with these names in a new folder; the content is the name."""

    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(name)
        return tmp_path

    return make


def tensors(part):
    if isinstance(part, torch.Tensor):
        return [part]
    return [one for parts in part for one in tensors(parts)] if isinstance(part, tuple) else []


def all_batches(data):
    data.setup("fit")
    data.setup("test")
    loaders = (data.train_dataloader(), data.val_dataloader(), data.test_dataloader())
    return [tensors(batch) for loader in loaders for batch in loader]


def same(ones, others):
    return len(ones) == len(others) and all(
        left.dtype == right.dtype and left.equal(right)
        for one, other in zip(ones, others, strict=True)
        for left, right in zip(one, other, strict=True)
    )


@pytest.fixture
def check_residences(tmp_path, log):
    """Check that a data module gives the same batches wherever its samples are kept."""

    def check(make):
        cache = str(tmp_path / "cache")
        kept = all_batches(make(cache=None))
        assert "mapped" not in log.text
        ways = {
            "first run": {"cache": cache},
            "second run": {"cache": cache},
            "workers": {"cache": cache, "num_workers": 2},
            "on the device": {"cache": cache, "storage": "device", "num_workers": 2},
            "on the device, without a cache": {"cache": None, "storage": "device"},
            "on disk": {"cache": cache, "storage": "disk"},
        }
        for name, options in ways.items():
            log.clear()
            assert same(kept, all_batches(make(**options))), name
            assert ("decoded in" in log.text) == (name in ("first run", "on the device, without a cache")), name
            assert ("mapped from" in log.text) == (name not in ("on disk", "on the device, without a cache")), name
            assert ("samples are on cpu" in log.text) == name.startswith("on the device"), name

    return check
