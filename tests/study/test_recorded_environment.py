import platform
import subprocess
from base64 import urlsafe_b64encode
from hashlib import sha256
from zipfile import ZipFile

import pytest

from leyden.errors import UserError
from leyden.study.recorded_environment import make_environment


def write_wheel(file):
    """A wheel of one module, the smallest that an installer accepts."""
    contents = {
        "thing.py": "VALUE = 3\n",
        "thing-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n",
        "thing-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    hashes = {n: urlsafe_b64encode(sha256(t.encode()).digest()).rstrip(b"=").decode() for n, t in contents.items()}
    record = "".join(f"{name},sha256={hashes[name]},{len(text)}\n" for name, text in contents.items())
    with ZipFile(file, "w") as archive:
        for name, text in {**contents, "thing-1.0.dist-info/RECORD": record}.items():
            archive.writestr(name, text)
    return sha256(file.read_bytes()).hexdigest()


@pytest.fixture
def run(tmp_path):
    run = tmp_path / "run"
    (run / "code/requirements").mkdir(parents=True)
    (tmp_path / "vendor").mkdir()
    (run / "environment.txt").write_text(f"python=={platform.python_version()}\nthing==1.0\n")
    hash_ = write_wheel(tmp_path / "vendor/thing-1.0-py3-none-any.whl")
    (run / "code/requirements/current.txt").write_text(f"vendor/thing-1.0-py3-none-any.whl --hash=sha256:{hash_}\n")
    (run / "code/requirements/uv.txt").write_text("uv==1\n")
    return run


def test_environment_is_made_from_the_lock_file_and_kept(run, tmp_path):
    python = make_environment(run, tmp_path)
    code = "import thing; print(thing.VALUE)"
    assert subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout == "3\n"
    (tmp_path / "vendor/thing-1.0-py3-none-any.whl").unlink()
    assert make_environment(run, tmp_path) == python


def test_a_package_that_cannot_be_had_is_named(run, tmp_path):
    write_wheel(tmp_path / "vendor/thing-1.0-py3-none-any.whl")
    lock = run / "code/requirements/current.txt"
    lock.write_text(lock.read_text().replace("sha256:", "sha256:0")[:-2] + "\n")
    with pytest.raises(UserError, match=r"the recorded environment cannot be recreated: (?s:.*)thing"):
        make_environment(run, tmp_path)


def test_run_without_a_lock_file(run, tmp_path):
    (run / "code/requirements/current.txt").unlink()
    with pytest.raises(UserError, match="has no lock file"):
        make_environment(run, tmp_path)
