"""Definitions found in source: unknown names are None, and only definitely missing names are errors."""

import pytest

from leyden.config.static.source import (
    Definition,
    Module,
    NameMissingError,
    find,
)

FILES = {
    "__init__.py": "from .shapes import *\nfrom . import deep\nfrom .shapes import Circle as Round\nAlias = Round\n",
    "shapes.py": "__all__ = ['Circle', 'area']\nclass Circle: ...\ndef area(): ...\nclass Hidden: ...\n",
    "deep/__init__.py": "from ..shapes import Hidden\ntry:\n    from absent import Thing\nexcept ImportError:\n    Thing = None\n",
    "deep/either.py": "if input():\n    def one(): ...\nelse:\n    def one(x): ...\n",
    "deep/dynamic.py": "def __getattr__(name): ...\n",
    "late.py": "if TYPE_CHECKING:\n    from .shapes import Circle\ndef __getattr__(name): ...\n",
    "round.py": "from .about import thing\n",
    "executor.py": "from . import nothing_there\nif nothing_there:\n    from .never_there import *\nclass Executor: ...\n",
    "empty/__init__.py": '"""Empty."""\n',
    "bare/inner/shape.py": "class Square: ...\n",  # folders without __init__.py
    "about.py": "from .round import other\nthing = 3\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    name = f"found_{tmp_path.name}".replace("-", "_")
    for file, text in FILES.items():
        path = tmp_path / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return name


@pytest.mark.parametrize("dotted", ["shapes.Circle", "Circle", "Round", "Alias", "late.Circle"])
def test_class_by_all_its_names(package, dotted):
    found = find(f"{package}.{dotted}")
    assert isinstance(found, Definition)
    assert (found.node.name, found.module.name) == ("Circle", f"{package}.shapes")


def test_modules(package):
    assert isinstance(find(package), Module)
    assert isinstance(find(f"{package}.deep"), Module)


@pytest.mark.parametrize("dotted", ["deep.Thing", "deep.either.one", "deep.dynamic.anything", "Circle.radius"])
def test_names_unknown_from_source(package, dotted):
    assert find(f"{package}.{dotted}") is None


@pytest.mark.parametrize(
    "dotted", ["Hidden", "shapes.Square", "deep.nothing", "nowhere.Circle", "executor.Execute", "empty.Circle"]
)
def test_missing_names(package, dotted):
    with pytest.raises(NameMissingError) as caught:
        find(f"{package}.{dotted}")
    assert caught.value.choices or dotted in ("nowhere.Circle", "empty.Circle")


def test_circular_imports(package):
    assert isinstance(find(f"{package}.round.thing"), Definition)


def test_missing_package():
    with pytest.raises(NameMissingError) as caught:
        find("torhc.nn.Linear")
    assert "torch" in caught.value.choices


def test_folders_without_init_are_packages_as_for_python(package):
    assert isinstance(find(f"{package}.bare.inner.shape.Square"), Definition)
    with pytest.raises(NameMissingError, match="Sqare"):
        find(f"{package}.bare.inner.shape.Sqare")
