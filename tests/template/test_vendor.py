"""The library comes as a wheel that is built at generation, and nothing of that name on an index is taken instead."""

import functools
import hashlib
import os
import re
import runpy
import shutil
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zipfile import ZipFile

import pytest

pytestmark = pytest.mark.slow  # projects are generated


@pytest.fixture
def project(generate):
    return generate(package_name="shapes")


def test_the_lock_has_the_hash_of_the_wheel(project):
    (wheel,) = (project / "vendor").iterdir()
    lock = (project / "requirements/current.txt").read_text(encoding="utf-8")
    (known,) = re.findall(rf"(?m)^vendor/{re.escape(wheel.name)} \\\n    --hash=sha256:(\w+)$", lock)
    assert known == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert "leyden==" not in lock


@pytest.fixture
def index(tmp_path, project):
    """A package index with a higher version of the library: one that is not ours."""
    (wheel,) = (project / "vendor").iterdir()
    folder = tmp_path / "index" / "simple" / "leyden"
    folder.mkdir(parents=True)
    name = re.sub(r"-[\d.]+-", "-99.0-", wheel.name)
    with ZipFile(folder / name, "w") as archive:
        archive.writestr("leyden/__init__.py", "")
        archive.writestr("leyden-99.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: leyden\nVersion: 99.0\n")
        archive.writestr(
            "leyden-99.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("leyden-99.0.dist-info/RECORD", "")
    (folder / "index.html").write_text(f'<a href="{name}">{name}</a>')
    handler = functools.partial(SimpleHTTPRequestHandler, directory=tmp_path / "index")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()


def uv(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.prefix) / "bin/uv"
    if not program.exists():
        pytest.skip("uv is not installed here")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("UV_", "PIP_"))}
    return subprocess.run([program, *arguments], cwd=project, env=environment, capture_output=True, text=True)


def test_a_higher_version_on_an_index_is_not_taken(project, index, tmp_path):
    """Neither when the lock is installed nor when it is resolved anew, nor where the wheel is missing."""
    (wheel,) = (project / "vendor").iterdir()
    lock = (project / "requirements/current.txt").read_text(encoding="utf-8")
    entry = re.search(r"(?m)^vendor/.*\n.*\n", lock)[0]
    (project / "library.txt").write_text(entry)
    target = tmp_path / "installed"
    words = ["--no-deps", "--no-config", "--default-index", index]
    install = ["pip", "install", *words, "--python", sys.executable, "--target", str(target), "--require-hashes"]
    done = uv(project, *install, "-r", "library.txt")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in target.glob("*.dist-info")] == [wheel.name.partition("-py3")[0] + ".dist-info"]

    compile_ = ["pip", "compile", "--no-deps", "--generate-hashes", "--default-index", index, "requirements/leyden.in"]
    done = uv(project, *compile_)
    assert entry in done.stdout, done.stderr
    assert "99.0" not in done.stdout

    with ZipFile(wheel, "a") as archive:
        archive.writestr("leyden/another.py", "")
    done = uv(project, *install, "-r", "library.txt")
    assert done.returncode != 0
    assert "Hash mismatch" in done.stderr
    wheel.unlink()
    for command in ([*install, "-r", "library.txt"], compile_):
        done = uv(project, *command)
        assert done.returncode != 0
        assert "99.0" not in done.stdout


def test_where_it_cannot_be_built_generation_is_refused(root, tmp_path, monkeypatch):
    hook = runpy.run_path(str(root / "hooks/post_gen_project.py"))
    build, names = hook["build_wheel"], hook["build_wheel"].__globals__
    monkeypatch.setitem(names, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match=r"neither pip nor uv.*\n\nRefused: the library could not be built.*hatchling"):
        build(root, tmp_path)
    # pip alone has to fetch the build backend from an index
    monkeypatch.setitem(names, "find_spec", lambda name: name == "pip" or None)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(SystemExit, match=r"(?s)hatchling.*Refused: the library could not be built"):
        build(root, tmp_path)
