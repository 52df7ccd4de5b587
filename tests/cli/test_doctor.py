import sys
from argparse import Namespace

import pytest

from leyden.cli import doctor


@pytest.fixture
def versions(monkeypatch):
    there = {"torch": "2.14", "torchvision": "0.29"}
    monkeypatch.setattr(doctor, "installed_version", there.get)
    monkeypatch.setattr(doctor, "_wandb", lambda: "")  # which caches its server in this process
    return there


def test_a_domain_that_is_not_installed_is_no_problem(versions, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torchaudio", None)  # importing it would fail
    doctor.examine(Namespace())
    output = capsys.readouterr()
    assert "torchaudio     not installed" in output.out
    assert "cannot be imported together" not in output.err


def test_what_does_not_load_is_a_problem(versions, monkeypatch, capsys):
    versions["torchaudio"] = "2.11"
    monkeypatch.setitem(sys.modules, "torchaudio", None)
    assert doctor.examine(Namespace()) == 1
    assert "torch, torchvision, torchaudio cannot be imported together" in capsys.readouterr().err
