import pytest

from leyden.config.check import problems
from leyden.config.compose import compose
from leyden.config.data_paths import missing_paths

CLASSES = """
class Files:
    paths = ("root/", "root/manifest", "vectors")
    def __init__(self, root: str, manifest: str = "manifest.csv", vectors: str | None = None, download=None): ...

class Pairs(Files):
    paths = (*Files.paths, "root/masks/")
    def __init__(self, masks: str = "masks", **files):
        super().__init__(**files)
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    name = f"paths_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(CLASSES)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "manifest.csv").touch()
    return name


def test_existing_and_optional_paths(module, tmp_path):
    given = {"root": "photos", "manifest": "manifest.csv"}
    assert list(missing_paths(f"{module}.Files", given, tmp_path)) == []
    assert list(missing_paths(f"{module}.Files", given | {"root": str(tmp_path / "photos")}, tmp_path)) == []
    assert list(missing_paths(f"{module}.Files", {"root": "nowhere", "download": {"url": "x"}}, tmp_path)) == []
    assert list(missing_paths(f"{module}.Files", {"root": "nowhere", "stream": "s3://here"}, tmp_path)) == []
    assert list(missing_paths("builtins.dict", {"root": "nowhere"}, tmp_path)) == []


@pytest.mark.parametrize(
    ("given", "name", "message"),
    [
        ({"root": "fotos"}, "root", "there is no folder {here}/fotos; did you mean 'photos'?"),
        (
            {"root": "photos/train/deep"},
            "root",
            "photos/train/deep; {here}/photos has no 'train'; available: manifest.csv",
        ),
        ({"root": "photos/manifest.csv"}, "root", "expected a folder, got the file"),
        ({"root": "photos", "manifest": "manifset.csv"}, "manifest", "did you mean 'manifest.csv'?"),
        ({"root": "photos", "vectors": "/no/vectors.txt"}, "vectors", "there is no file or folder /no/vectors.txt"),
        ({"root": "photos", "masks": "maks"}, "masks", "there is no folder {here}/photos/maks"),
        ({"root": "x" * 300}, "root", "name too long"),
        ({"root": "~nobody_of_that_name/x"}, "root", "home"),
    ],
)
def test_missing_paths_are_reported_with_suggestion(module, tmp_path, given, name, message):
    (found,) = missing_paths(f"{module}.Pairs", given, tmp_path)
    assert found[0] == name
    assert message.format(here=tmp_path).lower() in found[1].lower()


def test_other_machines_only_check_project_paths(module, tmp_path):
    target = f"{module}.Files"
    assert list(missing_paths(target, {"root": "/scratch/of/a/node"}, tmp_path, is_local=False)) == []
    assert len(list(missing_paths(target, {"root": "nowhere"}, tmp_path, is_local=False))) == 1


def test_check_with_and_without_files(module, tmp_path):
    configs = tmp_path / "configs"
    configs.mkdir()
    (configs / "train.yaml").write_text(f"name: x\ndata:\n  _target_: {module}.Files\n  root: fotos\n")
    composed = compose([], tmp_path)
    line = f"configs/train.yaml:4  data.root = fotos: there is no folder {tmp_path}/fotos; did you mean 'photos'?"
    assert line in problems(composed)
    assert line not in problems(composed, looks_for_files=False)
