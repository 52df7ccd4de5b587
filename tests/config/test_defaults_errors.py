"""The mistakes that a first experiment file makes are answered with the line to change."""

import shutil
from pathlib import Path

import pytest

from leyden.config.compose import compose
from leyden.errors import UserError

DEFAULTS = "defaults:\n  - override /data: own\n  - override /model: own\n"


@pytest.fixture
def root(tmp_path):
    shutil.copytree(Path.cwd() / "configs", tmp_path / "configs", ignore=shutil.ignore_patterns("local", "experiment"))
    for group in ("data", "model"):
        (tmp_path / "configs" / group / "own.yaml").write_text("_target_: torch.nn.Identity\n")
    return tmp_path


def refusal(root):
    with pytest.raises(UserError) as error:
        compose(["experiment=mine"], root)
    return str(error.value)


def message(root, text):
    file = root / "configs/experiment/mine.yaml"
    file.parent.mkdir()
    file.write_text(text)
    return refusal(root)


def test_a_missing_package_line(root):
    expected = "configs/experiment/mine.yaml:1  add the line '# @package _global_' at the top"
    assert message(root, DEFAULTS).startswith(expected)


def test_a_missing_override(root):
    text = "# @package _global_\n" + DEFAULTS.replace("override /model", "/model")
    expected = "configs/experiment/mine.yaml:4  expected '- override /model: own', got '- /model: own'"
    assert message(root, text) == expected


def test_both_overrides_missing(root):
    text = "# @package _global_\n" + DEFAULTS.replace("override ", "")
    assert "expected '- override /" in message(root, text)


def test_a_missing_slash(root):
    text = "# @package _global_\n" + DEFAULTS.replace("/data", "data")
    expected = "configs/experiment/mine.yaml:3  expected '- override /data: own', got '- override data: own'"
    assert message(root, text) == expected


def test_a_correct_file_is_composed(root):
    file = root / "configs/experiment/mine.yaml"
    file.parent.mkdir()
    file.write_text("# @package _global_\n" + DEFAULTS)
    assert compose(["experiment=mine"], root).config["data"] == {"_target_": "torch.nn.Identity"}
