import logging
import os
import threading
import zipfile
from pathlib import Path

import pytest
import torch

from leyden.errors import RunError
from leyden.run.checkpoint import CheckpointFile


def content(number=1):
    return {"state_dict": {"weight": torch.full((1000,), float(number))}, "step": number}


def weight(checkpoint):
    return checkpoint["state_dict"]["weight"][0].item()


@pytest.fixture
def last(tmp_path):
    """The path of the last checkpoint, with content 2; the previous one has content 1."""
    path = tmp_path / "last.ckpt"
    for number in (1, 2):
        CheckpointFile().save_checkpoint(content(number), path)
    return path


def test_last_two_checkpoints_are_kept(last):
    CheckpointFile().save_checkpoint(content(3), last)
    CheckpointFile().save_checkpoint(content(3), last.with_name("best.ckpt"))
    CheckpointFile().save_checkpoint(content(4), last.with_name("best.ckpt"))
    assert {file.name: weight(torch.load(file, weights_only=True)) for file in last.parent.iterdir()} == {
        "best.ckpt": 4,
        "last-previous.ckpt": 2,
        "last.ckpt": 3,
    }


def truncate(path):
    path.write_bytes(path.read_bytes()[:-500])


def flip_a_bit(path):
    """Change a byte of the weights, which torch would load without an error."""
    with zipfile.ZipFile(path) as file:
        (record,) = (one for one in file.infolist() if one.filename.endswith("data/0"))
    data = bytearray(path.read_bytes())
    data[record.header_offset + 2000] ^= 1
    path.write_bytes(data)
    loaded = torch.load(path, weights_only=True)["state_dict"]["weight"]
    assert not loaded.equal(content(2)["state_dict"]["weight"])


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, empty])
def test_previous_checkpoint_is_loaded_if_last_is_damaged(last, damage, caplog):
    damage(last)
    files = CheckpointFile()
    with caplog.at_level(logging.WARNING):
        assert weight(files.load_checkpoint(last)) == 1
    assert "continuing from the previous one" in caplog.text
    assert str(last) in caplog.text
    files.save_checkpoint(content(3), last)
    assert weight(files.load_checkpoint(last)) == 3
    assert weight(files.load_checkpoint(last.with_name("last-previous.ckpt"))) == 1
    files.save_checkpoint(content(4), last)
    assert weight(files.load_checkpoint(last.with_name("last-previous.ckpt"))) == 3


@pytest.mark.parametrize("damage", [truncate, flip_a_bit])
def test_damaged_checkpoint_without_previous_is_reported(last, damage):
    damage(last)
    last.with_name("last-previous.ckpt").unlink()
    with pytest.raises(RunError, match=rf"{last} (is damaged|cannot be loaded)"):
        CheckpointFile().load_checkpoint(last)


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_malicious_pickle_is_refused(tmp_path):
    crater = tmp_path / "crater"
    torch.save(content() | {"callbacks": {"harmless": Bomb(str(crater))}}, tmp_path / "bomb.ckpt")
    with pytest.raises(RunError, match="cannot be loaded as a checkpoint"):
        CheckpointFile().load_checkpoint(tmp_path / "bomb.ckpt", weights_only=False)
    assert not crater.exists()
    torch.load(tmp_path / "bomb.ckpt", weights_only=False)  # it is a real one
    assert crater.exists()


def test_temporary_files_of_killed_writers_are_removed(last):
    abandoned = last.with_name(".best.ckpt.part")
    abandoned.write_bytes(b"half")
    CheckpointFile().save_checkpoint(content(3), last)
    assert not abandoned.exists()


def test_checkpoint_is_renamed_after_flush(tmp_path, monkeypatch):
    """The order of flushes that survives a power failure: file, name, folder."""
    events = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(
        os, "fsync", lambda number: events.append(Path(f"/proc/self/fd/{number}").is_dir()) or fsync(number)
    )
    monkeypatch.setattr(Path, "replace", lambda *paths: events.append("name") or replace(*paths))
    CheckpointFile().save_checkpoint(content(), tmp_path / "best.ckpt")
    assert events == [False, "name", True]


@pytest.fixture
def slow_disk(monkeypatch):
    """Files are written once the event is set."""
    ready, save = threading.Event(), torch.save
    monkeypatch.setattr(torch, "save", lambda *arguments: ready.wait(30) and save(*arguments))
    yield ready
    ready.set()


def test_asynchronous_saving_only_waits_for_the_copy(tmp_path, slow_disk):
    files, saved = CheckpointFile(asynchronous=True), content(1)
    files.save_checkpoint(saved, tmp_path / "last.ckpt")
    assert not (tmp_path / "last.ckpt").exists()
    saved["state_dict"]["weight"].fill_(7)  # the training goes on meanwhile
    slow_disk.set()
    assert weight(files.load_checkpoint(tmp_path / "last.ckpt")) == 1  # waits until it is there
    files.save_checkpoint(content(2), tmp_path / "last.ckpt")
    files.teardown()
    assert weight(torch.load(tmp_path / "last.ckpt", weights_only=True)) == 2


def test_errors_of_asynchronous_saving_are_raised(tmp_path):
    (tmp_path / "file").touch()
    for later in (lambda files: files.teardown(), lambda files: files.load_checkpoint(tmp_path / "best.ckpt")):
        files = CheckpointFile(asynchronous=True)
        files.save_checkpoint(content(), tmp_path / "file" / "best.ckpt")
        with pytest.raises(OSError, match="file"):
            later(files)


def test_arguments_of_a_task_are_left_out(tmp_path):
    """What `save_hyperparameters` puts into a checkpoint may be any object; the settings are in config.yaml."""
    arguments = {"hyper_parameters": {"optimizer": torch.optim.SGD}, "datamodule_hyper_parameters": {"path": Path()}}
    CheckpointFile().save_checkpoint(content() | arguments, tmp_path / "best.ckpt")
    assert CheckpointFile().load_checkpoint(tmp_path / "best.ckpt").keys() == content().keys()
