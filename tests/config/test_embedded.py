from pathlib import Path

from leyden.config.compose import options
from leyden.config.embedded import embedded_experiments, is_embedded

CLASS = """
from {package}.data import DataModule

class Base(DataModule):
    is_embedded = {value}

class Toy(Base):
    pass
"""


def test_embedded_experiments_are_found_by_their_data(tmp_path, monkeypatch):
    experiments = tmp_path / "configs" / "experiment"
    data = tmp_path / "configs" / "data"
    experiments.mkdir(parents=True)
    data.mkdir()
    for name, value in (("silent", True), ("loud", False)):
        package = embedded_experiments.__module__.partition(".")[0]
        (tmp_path / f"toy_{name}.py").write_text(CLASS.format(package=package, value=value))
        (data / f"{name}.yaml").write_text(f"_target_: toy_{name}.Toy\n")
    (experiments / "silent.yaml").write_text("# Nothing\ndefaults:\n  - override /data: silent\n")
    (experiments / "loud.yaml").write_text("# embedded data\ndefaults:\n  - override /data: loud\n  - _self_\n")
    (experiments / "none.yaml").write_text("# embedded data\ndefaults:\n  - override /data: null\n")
    (experiments / "inline.yaml").write_text("data:\n  _target_: toy_silent.Toy\n")
    (experiments / "empty.yaml").write_text("# Nothing yet\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert embedded_experiments(tmp_path) == ["inline", "silent"]
    assert not is_embedded("nowhere.Toy")


def test_descriptions_match_embedded_experiments():
    known = dict(options(Path.cwd())["experiment"])
    found = embedded_experiments(Path.cwd())
    assert found
    assert [name for name in known if "embedded" in known[name]] == found
