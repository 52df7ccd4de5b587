"""`leyden diff`: changes since a run was created."""

from pathlib import Path

import pytest

from leyden.errors import UserError
from leyden.run.code_copy import CodeCopy
from leyden.run.code_diff import diff_from_tree, diff_of_copies
from leyden.run.directory import RunDirectory

RUNS = Path("runs")


@pytest.fixture
def root(tmp_path):
    for name, text in {"src/thing/net.py": "x = 1\ny = 2\n", "src/gone.py": "a\n", "same.txt": "b\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def run(root):
    return RunDirectory.create({"name": "some/thing", "runs": "runs"}, root, ["train"]).path


def test_nothing(run, root):
    assert not [*diff_from_tree(run, root, RUNS)]


def test_changed_added_and_removed_files(run, root, capsys):
    (root / "src/thing/net.py").write_text("x = 1\ny = 3")
    (root / "src/gone.py").unlink()
    (root / "src/new.py").write_text("n\n")
    (root / "src/new.bin").write_bytes(b"\0")
    (root / "src/empty.py").touch()
    (root / ".env").write_text("TOKEN=1\n")
    out = "".join(diff_from_tree(run, root, RUNS))
    assert (
        "--- run/src/thing/net.py\n+++ now/src/thing/net.py\n@@ -1,2 +1,2 @@\n x = 1\n-y = 2\n+y = 3\n\\ No newline"
        in out
    )
    assert "--- run/src/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n" in out
    assert "--- /dev/null\n+++ now/src/new.py\n@@ -0,0 +1 @@\n+n\n" in out
    assert "Binary files /dev/null and now/src/new.bin differ" in out
    assert "+++ now/src/empty.py\n" in out
    assert "TOKEN" not in out
    assert "same.txt" not in out
    assert capsys.readouterr().err == ""


def test_edited_copy_is_reported(run, root, capsys):
    path = CodeCopy(run).folder / "same.txt"
    path.chmod(0o644)
    path.write_text("c\n")
    assert not [*diff_from_tree(run, root, RUNS)]
    assert f"{path} was changed after it was copied" in capsys.readouterr().err


def test_old_run_has_no_copy(tmp_path):
    with pytest.raises(UserError, match="has no copy of the code"):
        next(diff_from_tree(tmp_path, tmp_path, RUNS))


def test_two_runs(run, root):
    (root / "src/thing/net.py").write_text("x = 1\ny = 3\n")
    (root / "src/gone.py").unlink()
    other = RunDirectory.create({"name": "some/thing", "runs": "runs"}, root, ["train"]).path
    out = "".join(diff_of_copies(run, other))
    assert f"--- {run.name}/src/thing/net.py\n+++ {other.name}/src/thing/net.py\n" in out
    assert "-y = 2\n+y = 3\n" in out
    assert f"--- {run.name}/src/gone.py\n+++ /dev/null" in out
    assert not [*diff_of_copies(run, run)]
