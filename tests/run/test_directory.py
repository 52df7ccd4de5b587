import json
import re
import subprocess
import sys

import pytest
import yaml

from leyden.errors import UserError
from leyden.run.directory import RunDirectory, find_run

CONFIG = {"name": "some/thing", "runs": "runs", "seed": 3, "model": {"title": "Größe"}}


def create(root):
    return RunDirectory.create(CONFIG, root, ["program", "train", "a=b c"])


def test_run_directory_contents(tmp_path):
    run = create(tmp_path)
    assert run.path.parent == tmp_path / "runs" / "some" / "thing"
    assert run.config == CONFIG
    assert yaml.safe_load((run.path / "config.yaml").read_text()) == CONFIG
    assert (run.path / "command.txt").read_text() == "program train 'a=b c'\n"
    assert re.search(r"^torch==\d", (run.path / "environment.txt").read_text(), re.MULTILINE)
    assert json.loads((run.path / "hardware.json").read_text())["cores"] >= 1
    assert run.status["state"] == "created"
    assert run.status["id"] in run.path.name


def test_runs_of_one_second_have_different_folders(tmp_path):
    assert len({create(tmp_path).path for _ in range(20)}) == 20


def test_state_update_keeps_other_fields(tmp_path):
    run = create(tmp_path)
    run.set_state("failed", error="disk")
    assert run.status["state"] == "failed"
    assert run.status["error"] == "disk"
    assert run.status["id"] in run.path.name


def test_only_one_process_trains_a_run(tmp_path):
    run = create(tmp_path)
    code = (
        f"import sys, pathlib; from {RunDirectory.__module__} import RunDirectory as Run\n"
        "with Run(pathlib.Path(sys.argv[1])).claimed(): print('claimed', flush=True); input()"
    )
    command = [sys.executable, "-c", code, run.path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "claimed\n"
        with pytest.raises(UserError, match="is being trained by another process"), run.claimed(seconds=0.2):
            pass
        other.kill()
    with run.claimed(seconds=5):
        pass


def test_best_checkpoint_is_the_recorded_one(tmp_path):
    run = create(tmp_path)
    folder = run.path / "checkpoints"
    folder.mkdir()
    for name in ("best.ckpt", "epoch=3.ckpt", "last.ckpt"):
        (folder / name).touch()
    with pytest.raises(UserError, match=r"this run has no best checkpoint: .* best, epoch=3, last"):
        run.checkpoint("best")
    (folder / "best.json").write_text(json.dumps({"file": "checkpoints/epoch=3.ckpt", "epoch": 3}))
    assert run.checkpoint("best") == folder / "epoch=3.ckpt"
    moved = run.path.rename(tmp_path / "moved")
    assert RunDirectory(moved).checkpoint("best") == moved / "checkpoints" / "epoch=3.ckpt"
    (moved / "checkpoints" / "epoch=3.ckpt").unlink()
    with pytest.raises(UserError, match=r"there is no checkpoint .*epoch=3\.ckpt; available: best, last"):
        RunDirectory(moved).checkpoint("best")


def test_runs_are_found_by_path_latest_and_name(tmp_path):
    old, new = sorted((create(tmp_path) for _ in range(2)), key=lambda run: run.path.name)
    runs = tmp_path / "runs"
    assert find_run(str(old.path), tmp_path).path == old.path
    assert find_run("latest", tmp_path).path == new.path
    assert find_run("some/thing", tmp_path).path == new.path
    assert find_run(str(runs / "some/thing/latest"), tmp_path).path in (old.path, new.path)


def test_not_a_run(tmp_path):
    create(tmp_path)
    with pytest.raises(UserError, match="did you mean 'some/thing'"):
        find_run("some/think", tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=r"is not a run directory: it has no status\.json"):
        find_run(str(tmp_path / "folder"), tmp_path)


def test_missing_checkpoint(tmp_path):
    run = create(tmp_path)
    (run.path / "checkpoints").mkdir()
    (run.path / "checkpoints" / "last.ckpt").touch()
    assert run.checkpoint("last").name == "last.ckpt"
    with pytest.raises(UserError, match=r"no checkpoint .*other\.ckpt; available: last"):
        run.checkpoint("other.ckpt")
