from pathlib import Path

import pytest

from leyden.launch import Local


def test_one_device_is_one_process():
    assert Local(devices=1).describe([Path("/runs/a b")]).endswith(" '/runs/a b' train\n")
    assert Local(devices=[3]).num_devices == 1


def test_several_devices_are_started_by_torchrun():
    text = Local(devices=[0, 2], max_restarts=3).describe([Path("/runs/a")])
    assert "torchrun --standalone --nproc-per-node=2 --max-restarts=3" in text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nodes": 2}, "choose launcher=slurm"),
        ({"nodes": 0}, "expected trainer.num_nodes of at least 1, got 0"),
        ({"devices": 0}, "expected trainer.devices of at least 1, got 0"),
        ({"devices": -1}, "expected trainer.devices of at least 1, got -1"),
        ({"max_restarts": -1}, "expected max_restarts of at least 0, got -1"),
        ({"parallel": 0}, "expected parallel of at least 1, got 0"),
        ({"parallel": "all"}, "expected parallel to be null, auto or a number, got 'all'"),
        ({"fork": True}, "got auto; choose trainer=cpu"),
        ({"fork": True, "accelerator": "gpu"}, "got gpu; choose trainer=cpu"),
        ({"fork": True, "accelerator": "cpu", "devices": 2}, "devices=1, got 2"),
    ],
)
def test_invalid_arguments(settings, message):
    with pytest.raises(ValueError, match=message):
        Local(**settings)


def test_dry_run_of_several_at_once_names_their_shares(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    text = Local(accelerator="gpu", parallel="auto").describe([Path("/runs/a"), Path("/runs/b")])
    assert text.startswith("# 2 at once")
    assert "CUDA_VISIBLE_DEVICES=3\n" in text
    assert "CUDA_VISIBLE_DEVICES=5\n" in text
