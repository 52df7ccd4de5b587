"""The copy of the code: included and omitted files, and its size."""

import json
import os
import py_compile
import subprocess
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from leyden.run import code_copy, code_writer
from leyden.run.code_copy import CodeCopy
from leyden.run.directory import RunDirectory

CONFIG = {"name": "some/thing", "runs": "runs"}


@pytest.fixture
def root(tmp_path):
    for name, text in {"src/thing/net.py": "x = 1\n", "configs/train.yaml": "a: 1\n", "run.sh": "#!/bin/sh\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "run.sh").chmod(0o755)
    return tmp_path


def copy_of(root):
    return CodeCopy(RunDirectory.create(CONFIG, root, ["train"]).path)


def test_untracked_source_is_copied_and_listed(root):
    subprocess.run(["git", "init"], cwd=root, check=True, capture_output=True)
    copy = copy_of(root)
    assert (copy.folder / "src/thing/net.py").read_text() == "x = 1\n"
    listing = copy.read()
    assert set(listing["files"]) == {"src/thing/net.py", "configs/train.yaml", "run.sh"}
    assert all(len(hash_) == 64 for hash_ in listing["files"].values())
    assert listing["commit"] is None


def test_commit_is_listed(root):
    for words in (["init"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-m", "one"]):
        subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)
    assert len(copy_of(root).read()["commit"]) == 40


def test_copies_are_read_only_and_stay_executable(root):
    copy = copy_of(root)
    assert not (copy.folder / "src/thing/net.py").stat().st_mode & 0o222
    assert (copy.folder / "run.sh").stat().st_mode & 0o100


def test_omitted_files_are_listed_with_reason(root, monkeypatch, capsys):
    monkeypatch.setattr(code_writer, "MAX_FILE_BYTES", 1000)
    monkeypatch.setattr(code_writer, "MAX_TOTAL_BYTES", 2000)
    (root / "src/thing/weights.bin").write_bytes(b"\0" * 1001)
    (root / "src/thing/table.bin").write_bytes(b"\0" * 10)  # packages may need it
    (root / "plot.png").write_bytes(b"\0")
    (root / ".env").write_text("TOKEN=1")
    (root / "token.pem").write_text("key")
    for number in range(3):
        (root / f"{number}.txt").write_text("a" * 900)
    copy = copy_of(root)
    left_out = copy.read()["left_out"]
    assert "larger than" in left_out.pop("src/thing/weights.bin")
    assert left_out.pop("plot.png") == "it is a binary file"
    assert left_out.pop("token.pem") == "it may contain secrets"
    assert set(left_out) == {"2.txt"}
    assert (copy.folder / "src/thing/table.bin").exists()
    stderr = capsys.readouterr().err
    assert "src/thing/weights.bin is not in the run's copy of the code: it is larger than" in stderr
    assert "plot" not in stderr


def test_number_of_other_files_is_limited(root, monkeypatch):
    monkeypatch.setattr(code_copy, "MAX_OTHER_FILES", 10)
    (root / "photos").mkdir()
    for number in range(50):
        (root / "photos" / f"{number}.txt").touch()
    listing = copy_of(root).read()
    assert len(listing["files"]) == 11
    assert "more than 10 other files" in listing["left_out"]["more"]


def test_links_out_of_the_source_are_followed(root, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "deep").mkdir()
    (other / "deep/module.py").write_text("y = 1\n")
    (root / "src/outside").symlink_to(other)
    (root / "src/thing/alias.py").symlink_to("net.py")
    (root / "latest").symlink_to("/nowhere")
    copy = copy_of(root)
    (other / "deep/module.py").write_text("y = 2\n")
    assert (copy.folder / "src/outside/deep/module.py").read_text() == "y = 1\n"
    assert (copy.folder / "src/thing/alias.py").readlink() == Path("net.py")
    assert (copy.folder / "latest").is_symlink()


def test_compiled_modules_are_copied_unless_outdated(root):
    module, old = root / "src/thing/net.py", root / "src/thing/old.py"
    old.write_text("z = 1\n")
    for path in (module, old):
        py_compile.compile(str(path))
    old.write_text("z = 22\n")
    copy = copy_of(root)
    compiled = Path(cache_from_source(str(copy.folder / "src/thing/net.py")))
    assert compiled.read_bytes() == Path(cache_from_source(str(module))).read_bytes()
    assert not Path(cache_from_source(str(copy.folder / "src/thing/old.py"))).exists()


def test_unchanged_files_are_hard_links_to_the_previous_run(root):
    first, second = copy_of(root), copy_of(root)
    (root / "src/thing/net.py").write_text("x = 2\n")
    third = copy_of(root)
    places = [(copy.folder / "src/thing/net.py").stat().st_ino for copy in (first, second, third)]
    assert places[0] == places[1] != places[2]
    assert (first.folder / "src/thing/net.py").read_text() == "x = 1\n"


def test_edited_copy_is_not_linked(root):
    edited = copy_of(root).folder / "src/thing/net.py"
    edited.chmod(0o644)
    edited.write_text("x = 3\n")  # of the same size and, as follows, time
    state = (root / "src/thing/net.py").stat()
    os.utime(edited, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert (copy_of(root).folder / "src/thing/net.py").read_text() == "x = 1\n"


def test_run_without_listing(tmp_path):
    (tmp_path / "status.json").write_text(json.dumps({"state": "created"}))
    assert CodeCopy(tmp_path).read() == {"files": {}}
    assert CodeCopy(tmp_path).source is None
