"""The wheel of the library: its bytes are a function of its source, and without a domain's libraries the rest is imported."""

import ast
import hashlib
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import leyden

ROOT = Path.cwd()
DOMAINS = {"vision", "audio", "text"}
LIBRARIES = {
    "torchvision",
    "torchaudio",
    "tokenizers",
    "av",
    "pycocotools",
    "sklearn",
    "soundfile",
    "litdata",
    "torchcodec",
}


def wheel(folder):
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_a_second_build_has_the_same_bytes(tmp_path):
    first, second = (wheel(tmp_path / name) for name in ("first", "second"))
    assert first.name == f"{leyden.__name__}-{leyden.__version__}-py3-none-any.whl"
    assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest()
    with ZipFile(first) as archive:
        pages = {name for name in archive.namelist() if "/report/" in name and not name.endswith(".py")}
        folders = {name.split("/")[0] for name in archive.namelist()}
    assert {name.rpartition("/")[2] for name in pages} == {
        "page.html",
        "page.css",
        "page.js",
        "charts.js",
        "chart_controls.js",
        "parallel_coordinates.js",
    }
    assert folders == {leyden.__name__, f"{leyden.__name__}-{leyden.__version__}.dist-info"}


def test_what_is_of_no_domain_is_imported_without_their_libraries():
    package = Path(leyden.__file__).parent
    for path in package.rglob("*.py"):
        if not DOMAINS & set(path.relative_to(package).parts):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:  # what a function imports, it needs
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
                assert not {name.partition(".")[0] for name in names} & LIBRARIES, path
