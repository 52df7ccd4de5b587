"""Disks that fill up, turn read-only or fail: the run says so, ends with 1, and what was saved before can be loaded."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import leyden
from leyden.config.embedded import embedded_experiments
from leyden.io import disk_error, write_atomically
from leyden.run.checkpoint import CheckpointFile

pytestmark = pytest.mark.slow

ROOT = Path.cwd()
EXPERIMENT = embedded_experiments(ROOT)[0]
MOUNT = ["unshare", "--mount"]
needs_mount = pytest.mark.skipif(
    os.geteuid() != 0 or subprocess.run([*MOUNT, "true"], capture_output=True).returncode != 0,
    reason="only root may mount a small disk",
)

# A run on a disk of its own, to which something happens after the first checkpoint.
SCRIPT = """
mount -t tmpfs -o size=200m none "$1"
"$2" -m "$3" train "experiment=$4" trainer=cpu trainer.max_epochs=100000 callbacks.last.every_n_steps=2 "runs=$1" &
until ls "$1"/*/*/2*/checkpoints/last.ckpt > /dev/null 2>&1; do sleep 0.1; done
$5
wait $!
echo "ended with $?"
cp -r "$1"/*/*/2*/checkpoints "$6"
"$2" -m "$3" status "$1"/*/*/2*/
"""


@needs_mount
@pytest.mark.parametrize(
    ("event", "message", "said"),
    [
        ('cat /dev/zero > "$1"/rest 2> /dev/null', "No space left on device", "  failed  "),
        ('mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"', "Read-only file system", "  killed; continue with"),
    ],
    ids=["full", "read-only"],
)
def test_a_disk_that_takes_no_more(tmp_path, event, message, said):
    runs, kept = tmp_path / "runs", tmp_path / "kept"
    runs.mkdir()
    script = SCRIPT.replace("$5", event)
    words = [runs, sys.executable, leyden.__name__, EXPERIMENT, "", kept]
    done = subprocess.run(
        [*MOUNT, "bash", "-c", script, "bash", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert "ended with 1" in done.stdout, done.stderr
    assert message in done.stderr
    assert "Saved checkpoints are kept" in done.stderr
    assert "Traceback" not in done.stderr
    assert said in done.stdout
    assert CheckpointFile().load_checkpoint(kept / "last.ckpt")["global_step"] >= 2
    assert not list(kept.glob(".*"))


def test_a_file_system_that_hiccups(tmp_path, monkeypatch):
    file = CheckpointFile()
    file.save_checkpoint({"weights": torch.ones(3)}, tmp_path / "last.ckpt")
    write_atomically(tmp_path / "status.json", "before")

    def fails(descriptor):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)  # where a network file system tells of writes that it has lost
        with pytest.raises(OSError, match="Input/output error") as caught:
            file.save_checkpoint({"weights": torch.zeros(3)}, tmp_path / "last.ckpt")
        assert disk_error(caught.value)
        with pytest.raises(OSError, match="Input/output error"):
            write_atomically(tmp_path / "status.json", "after")
    assert file.load_checkpoint(tmp_path / "last.ckpt")["weights"].tolist() == [1, 1, 1]
    assert (tmp_path / "status.json").read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last.ckpt", "status.json"]
