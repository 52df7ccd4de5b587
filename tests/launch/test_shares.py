import os
from contextlib import nullcontext

import pytest

from leyden.errors import UserError
from leyden.launch import Local
from leyden.launch.shares import cores, shares, visible_gpus

LISTING = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-1)
  MIG 1g.5gb      Device  0: (UUID: MIG-a)
  MIG 1g.5gb      Device  1: (UUID: MIG-b)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-2)
"""


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """A machine with 8 cores and an nvidia-smi that lists two GPUs, the first in two parts."""
    for name in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("leyden.launch.shares.cores", lambda: 8)
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\ncat << END\n{LISTING}END\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


def gpus(runs):
    return [share["CUDA_VISIBLE_DEVICES"] for share in runs]


def test_the_cores_are_divided():
    assert shares(1, 1, "cpu") == [{}]
    share = {"LEYDEN_CORES": "2", "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    assert shares(4, 1, "cpu") == [share] * 4
    assert shares(20, 1, "cpu")[19]["OMP_NUM_THREADS"] == "1"
    assert shares(2, 2, "cpu") == [{"LEYDEN_CORES": "4"}] * 2  # torchrun sets the threads


def test_auto_takes_one_run_for_each_core_that_has_memory(monkeypatch):
    monkeypatch.setattr("leyden.launch.shares._memory", lambda: 100 * 2**30)
    assert [len(shares("auto", devices, "cpu")) for devices in (1, 2, 8, 9)] == [8, 4, 1, 1]
    monkeypatch.setattr("leyden.launch.shares._memory", lambda: 7 * 2**30)
    assert len(shares("auto", 1, "cpu")) == 3


def test_threads_that_the_user_has_chosen_are_kept(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert {share["OMP_NUM_THREADS"] for share in shares(2, 1, "cpu")} == {"3"}


def test_each_run_has_its_gpus():
    assert visible_gpus() == ["MIG-a", "MIG-b", "1"]
    assert gpus(shares("auto", 1, "gpu")) == ["MIG-a", "MIG-b", "1"]
    assert gpus(shares(2, 1, "auto")) == ["MIG-a", "MIG-b"]
    assert gpus(shares(7, 1, "gpu")) == ["MIG-a", "MIG-b", "1"] * 2 + ["MIG-a"]


def test_visible_devices_are_respected(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-2, 6,7,8,-1,9")
    assert gpus(shares("auto", 2, "gpu")) == ["4,GPU-2", "6,7"]
    assert shares("auto", [0, 2], "gpu") == [{}]
    assert all("CUDA_VISIBLE_DEVICES" not in share for share in shares(2, [0, 2], "gpu"))


def test_too_few_gpus_are_refused(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(UserError, match=r"trainer.devices=2 needs 2 GPUs, CUDA_VISIBLE_DEVICES lists 1"):
        shares("auto", 2, "gpu")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "CUDA_VISIBLE_DEVICES" not in shares(2, 1, "auto")[0]
    with pytest.raises(UserError, match="lists 0"):
        shares(2, 1, "gpu")


@pytest.mark.parametrize(
    ("settings", "is_refused"),
    [
        ({"devices": 3, "accelerator": "gpu"}, False),
        ({"devices": 4, "accelerator": "gpu"}, True),
        ({"devices": [3], "accelerator": "cuda"}, True),
        ({"devices": 4}, True),
        ({"devices": 4, "accelerator": "cpu"}, False),
    ],
)
def test_a_run_that_needs_more_gpus_is_refused_early(settings, is_refused):
    with pytest.raises(UserError, match="nvidia-smi lists 3") if is_refused else nullcontext():
        Local(**settings).require_devices()


def test_without_a_listing_no_run_is_refused(monkeypatch, tmp_path):
    (tmp_path / "nvidia-smi").unlink()
    monkeypatch.setattr("leyden.launch.shares.shutil.which", lambda name: None)
    Local(devices=2, accelerator="gpu").require_devices()


@pytest.mark.parametrize("parallel", [0, -1, "all"])
def test_other_numbers_are_refused(parallel):
    with pytest.raises(ValueError, match="expected parallel"):
        shares(parallel, 1, "cpu")


def test_a_containers_quota_counts(monkeypatch, tmp_path):
    monkeypatch.setattr("leyden.launch.shares.CPU_QUOTA", tmp_path / "cpu.max")
    available = cores()
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    assert cores() == 1
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert cores() == available
