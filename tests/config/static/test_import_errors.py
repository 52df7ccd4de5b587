import pytest

from leyden.config.static.imports import import_errors


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of its own for each test, since modules are read once."""
    folder = tmp_path / "src" / f"own_{tmp_path.name}"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "data.py").write_text("class Photos:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path / "src")
    monkeypatch.chdir(tmp_path)
    return folder


def errors(package, text):
    (package / "net.py").write_text(text)
    return import_errors(f"{package.name}.net.Net")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\ndef broken(:\n", ":2: invalid syntax"),
        ("x = 1\nimport missing_library\n", ":2: there is no module 'missing_library'; is it installed?"),
        ("from .data import Photo\n", ":1: there is no 'Photo' in {package}.data; did you mean 'Photos'?"),
        ("from .dta import Photos\n", ":1: there is no module '{package}.dta'"),
    ],
)
def test_errors_are_found(package, text, message):
    (error,) = errors(package, text)
    assert error.startswith(f"src/{package.name}/net.py{message.format(package=package.name)}")


def test_errors_of_an_imported_module_are_found(package):
    (package / "data.py").write_text("from . import net\nfrom .missing import x\n\nPhotos = 1\n")
    (error,) = errors(package, "from .data import Photos\n")
    assert error.startswith(f"src/{package.name}/data.py:2: there is no module '{package.name}.missing'")


@pytest.mark.parametrize(
    "text",
    [
        "import torch\nimport torch.nn.functional as F\nfrom torch import Tensor, nn\nfrom .data import Photos\n",
        "from . import data\nimport lightning.pytorch as pl\nfrom leyden import Task\nfrom leyden.errors import UserError\n",
        "try:\n    import missing\nexcept ImportError:\n    missing = None\n",
        "def f():\n    import missing\n",
        "if False:\n    import missing\n",
        "from .data import *\nimport os.path\n",
    ],
)
def test_no_false_alarms(package, text):
    assert errors(package, text) == []


def test_libraries_are_not_read():
    assert import_errors("torch.optim.AdamW") == []
    assert import_errors("leyden.networks.vision.ConvNet") == []
