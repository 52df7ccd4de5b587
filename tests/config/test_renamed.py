"""Deprecated names work everywhere, with a warning that gives the new name."""

import shutil
from importlib import import_module
from pathlib import Path

import pytest

from leyden.config.check import problems
from leyden.config.compose import compose
from leyden.config.renamed import CHOICES, SETTINGS, TARGETS, renamed, renamed_override

ROOT = Path.cwd()


@pytest.mark.parametrize("target", TARGETS.values())
def test_new_class_exists(target):
    module, _, name = target.rpartition(".")
    assert hasattr(import_module(module), name)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("data.residence=memory", "data.storage=memory"),
        ("~callbacks.pictures", "~callbacks.plots"),
        ("callbacks.pictures.num_samples=4", "callbacks.plots.num_samples=4"),
        ("callbacks.pictures.num_rows=4", "callbacks.plots.num_samples=4"),
        ("callbacks.plots.num_rows=4", "callbacks.plots.num_samples=4"),
        ("+callbacks.x._target_=leyden.callbacks.Pictures", "+callbacks.x._target_=leyden.callbacks.PredictionPlots"),
        *CHOICES.items(),
    ],
)
def test_override_with_deprecated_name(old, new, capsys):
    assert renamed_override(old) == new
    assert f"warning: override {old}: " in capsys.readouterr().err


@pytest.mark.parametrize("word", ["data.residences=1", "data.too_long=cuts", "callbacks.pictures_of=1", "seed=1"])
def test_other_names_are_kept(word, capsys):
    assert renamed_override(word) == word
    assert not capsys.readouterr().err


def test_experiment_with_deprecated_names(tmp_path, capsys):
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    (tmp_path / "configs/experiment/text/old.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /data: text/stdlib\n  - override /model: text/fasttext\n"
        "data:\n  residence: memory\n  too_long: cut\nmodel:\n  network:\n    _target_: leyden.networks.text.EmbeddingBag\n"
        "callbacks:\n  pictures:\n    num_samples: 4\n"
    )
    composed = compose(["text/old"], tmp_path)
    assert problems(composed) == []
    config = composed.config
    assert (config["data"]["storage"], config["data"]["too_long"]) == ("memory", "truncate")
    assert config["model"]["network"]["_target_"] == "leyden.networks.text.FastText"
    assert config["callbacks"]["plots"]["num_samples"] == 4
    assert not {"residence", "pictures"} & {*config["data"], *config["callbacks"]}
    warnings = capsys.readouterr().err.splitlines()
    assert len(warnings) == 4
    assert all("configs/experiment/text/old.yaml" in line and "is deprecated" in line for line in warnings)


def test_setting_of_a_renamed_node(capsys):
    before = {"callbacks": {"best": {}, "pictures": {"num_rows": 4, "columns": 2}, "last": None}}
    after = renamed(before, "a.yaml")
    assert after == {"callbacks": {"best": {}, "plots": {"num_samples": 4, "columns": 2}, "last": None}}
    assert list(after["callbacks"]) == ["best", "plots", "last"]
    assert "pictures" in before["callbacks"]
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_configuration_without_deprecated_names():
    config = {"data": {"storage": None, "too_long": "truncate"}, "model": [{"_target_": "x.Y"}], "seed": 3}
    assert renamed(config, "here") == config
    assert not set(SETTINGS) & set(SETTINGS.values())
