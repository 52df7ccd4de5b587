"""Rendezvous of two processes, each standing for a node of a job."""

import json
import os
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

import leyden
from leyden.errors import RunError
from leyden.run.rendezvous import require_disk

CODE = f"""
import json, platform, sys
from pathlib import Path
import {leyden.__name__}.run.rendezvous as preflight
from {leyden.__name__}.errors import RunError
preflight.SHARED_SECONDS = 1
platform.node = lambda: sys.argv[2]
packages = preflight._packages() | json.loads(sys.argv[3])
preflight._packages = lambda: packages
try:
    preflight.rendezvous(Path(sys.argv[1]), seconds=3)
except RunError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def start(rank, folder, port, address="127.0.0.1", packages=None):
    environment = {
        "MASTER_ADDR": address,
        "MASTER_PORT": str(port),
        "SLURM_PROCID": str(rank),
        "SLURM_NTASKS": "2",
        "SLURM_NTASKS_PER_NODE": "1",
        "SLURM_NNODES": "2",
        "SLURM_JOB_NODELIST": "n[1-2]",
    }
    words = [sys.executable, "-c", CODE, str(folder), f"n{rank + 1}", json.dumps(packages or {})]
    return subprocess.Popen(words, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True)


def run_processes(*processes, code=1):
    """Return the output of each process."""
    begin = time.monotonic()
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [code] * len(processes), errors
    assert time.monotonic() - begin < 60
    return errors


def test_equal_nodes(tmp_path, port):
    for _ in range(2):  # the port is free again at once
        run_processes(start(0, tmp_path, port), start(1, tmp_path, port), code=0)
    assert not list(tmp_path.iterdir())


def test_differing_packages_are_reported_on_every_node(tmp_path, port):
    for error in run_processes(start(0, tmp_path, port), start(1, tmp_path, port, packages={"torch": "1.0"})):
        assert "n2: packages differ from those on n1: torch 1.0 instead of 2" in error


@pytest.mark.slow
def test_folder_that_is_not_shared(tmp_path, port):
    (tmp_path / "other").mkdir()
    for name in ("other", "missing"):
        for error in run_processes(start(0, tmp_path, port), start(1, tmp_path / name, port)):
            assert f"n2: {tmp_path / name} is not shared with n1" in error


@pytest.mark.slow
def test_missing_node(tmp_path, port):
    (error,) = run_processes(start(0, tmp_path, port))
    assert "process 1, on node 2 of n[1-2], has not reported" in error


@pytest.mark.slow
def test_missing_master(tmp_path, port):
    (error,) = run_processes(start(1, tmp_path, port))
    assert f"n2: the master's port, 127.0.0.1:{port}, does not answer" in error


def test_unresolvable_master_address(tmp_path, port):
    for error in run_processes(*(start(rank, tmp_path, port, address="no.such.invalid") for rank in range(2))):
        assert "MASTER_ADDR=no.such.invalid, cannot be resolved" in error


@pytest.mark.slow
def test_port_in_use(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        master, other = run_processes(start(0, tmp_path, taken), start(1, tmp_path, taken))
    assert f"n1: the master's port, 127.0.0.1:{taken}, cannot be opened" in master
    assert "n2: the master's port" in other


def test_disk_space_for_two_checkpoints(tmp_path):
    require_disk(tmp_path, weights=10)
    with pytest.raises(RunError, match=r"two checkpoints need .* GiB; free some space"):
        require_disk(tmp_path, weights=2**60)


def test_small_sizes_are_not_rounded_to_zero(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=4_200_000))
    with pytest.raises(RunError, match=r"4\.01 MiB are free in .*, two checkpoints need 5\.72 MiB"):
        require_disk(tmp_path, weights=10**6)
