"""What `eject` copies, what it leaves in the library, what it says, and what it refuses."""

import re
import sys

import pytest
from thin_project import LIBRARY, ThinProject

from leyden.cli import library_names
from leyden.config.embedded import embedded_experiments
from leyden.config.static.source import load
from leyden.run.trust import SIGNATURE, require_trust

CONVNET = f"{LIBRARY}.networks.vision.ConvNet"


@pytest.fixture
def project(tmp_path, monkeypatch):
    made = ThinProject(tmp_path)
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def importable(project, monkeypatch):
    monkeypatch.syspath_prepend(project.root / "src")
    return project


def test_a_network_comes_with_its_blocks(project, capsys):
    project.eject(CONVNET)
    assert project.files() == {"convnet.py", "conv_block.py"}
    first, *lines = (project.source / "networks/convnet.py").read_text().splitlines()
    assert re.match(rf"# Copied from {LIBRARY} \S+, {LIBRARY}.networks.vision.convnet. MIT License, copyright", first)
    assert lines == load(f"{LIBRARY}.networks.vision.convnet").text.splitlines()
    text = capsys.readouterr().out
    assert f"src/{project.package}/networks/convnet.py" in text
    changed = f"configs/model/vision/convnet.yaml:6  _target_: {project.package}.networks.convnet.ConvNet"
    assert "--use" in text
    assert changed in text
    assert (project.root / "configs/model/vision/convnet.yaml").read_text().count(CONVNET) == 1


def test_bases_and_what_others_share_stay_in_the_library(project, capsys):
    project.eject("Digits")
    project.eject("Classification")
    assert project.files() == {"digits.py", "digit_canvases.py", "classification.py", "class_weights.py"}
    text = (project.source / "data/digits.py").read_text()
    assert f"from {LIBRARY}.data.vision import ImageData\n" in text
    assert "from .digit_canvases import digit_images\n" in text
    text = (project.source / "tasks/classification.py").read_text()
    assert (
        f"from {LIBRARY}.tasks import EvaluationOutput, EvaluationStage, Task\n" in text
    )  # the public name, where there is one
    _, _, private = capsys.readouterr().out.partition("an upgrade may move them:\n")
    assert f"  {LIBRARY}.data.core.split: stratified_split\n" in private


def test_a_copy_that_is_there_is_used_again_and_never_overwritten(project, capsys):
    project.eject("ConvNet")
    block = project.source / "networks/conv_block.py"
    older = re.sub(r"Copied from (\w+) \S+,", r"Copied from \1 0.0.1,", block.read_text())
    block.write_text(older)  # with the same lines
    project.eject("UNet", "--use")
    assert "conv_block.py  is there already" in capsys.readouterr().out
    assert block.read_text() == older
    block.write_text(block.read_text() + "# mine\n")
    (project.source / "networks/convnet.py").unlink()
    project.eject("ConvNet", code=2)
    assert "conv_block.py is there already and differs" in capsys.readouterr().err
    assert not (project.source / "networks/convnet.py").exists()


def test_only_lines_that_name_the_class_change(project, capsys):
    file = project.root / "configs/model/mine.yaml"
    lines = "network: {_target_: '%s', width: 8}  # _target_: %s\r\nx: %s\r\ny: {_target_: %sX}\r\n"
    longer = CONVNET.replace(".ConvNet", ".convnet.ConvNet")
    file.write_bytes((lines % (longer, CONVNET, CONVNET, CONVNET)).encode())
    before = {path: path.read_bytes() for path in (project.root / "configs").rglob("*.yaml")}
    project.eject("ConvNet", "--use")
    changed = {path for path, content in before.items() if path.read_bytes() != content}
    assert changed == {file, project.root / "configs/model/vision/convnet.yaml"}
    copied = f"{project.package}.networks.convnet.ConvNet"
    assert file.read_bytes().decode() == lines % (copied, CONVNET, CONVNET, CONVNET)
    assert f"configs/model/mine.yaml:1  network: {{_target_: '{copied}'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ConvNt", f"there is no class 'ConvNt' in {LIBRARY}; did you mean 'ConvNet'?"),
        (f"{LIBRARY}.networks.vision.ConvNt", f"did you mean '{CONVNET}'?"),
        (f"{LIBRARY}.network.ConvNet", f"there is no 'network' in {LIBRARY}; did you mean '{LIBRARY}.networks"),
        (f"{LIBRARY}.networks.vision", f"vision is no class or function; there are {CONVNET}, "),
        ("torch.nn.Linear", f"torch.nn.Linear is no class of {LIBRARY}"),
        (f"{LIBRARY}.networks.vision.convnet.nn.Linear", f"torch.nn.modules.linear.Linear, no class of {LIBRARY}"),
        (f"{LIBRARY}.tasks.Task", f"{LIBRARY}.tasks.Task is what projects and the library have in common"),
        ("DataModule", "subclass it in the project"),
        ("CheckpointFile", "checkpoint.CheckpointFile is part of how every run is made"),
        ("PredictionPlots", f"{LIBRARY}.run.worker treats every PredictionPlots in its own way"),
        ("RandomElastic", f"treats every Warp in its own way, and a copy of it would be none: subclass {LIBRARY}.data"),
    ],
)
def test_a_name_that_cannot_be_ejected_is_refused(project, capsys, name, message):
    project.eject(name, code=2)
    assert message in capsys.readouterr().err
    assert project.files() == set()


def test_a_name_of_several_classes_is_refused(project, capsys, monkeypatch):
    there = dict(library_names.public())
    audio = f"{LIBRARY}.networks.audio"
    both = there | {f"{audio}.ConvNet": there[f"{audio}.M5"]}
    monkeypatch.setattr(library_names, "public", lambda: both)
    project.eject("ConvNet", code=2)
    assert f"{audio}.ConvNet, {CONVNET}; give the whole name" in capsys.readouterr().err


def test_the_package_is_the_one_beside_the_library(project, capsys):
    project.add(LIBRARY)
    project.add("other")
    project.eject("ConvNet", code=2)
    assert f"there are other, {project.package} in src/" in capsys.readouterr().err
    project.eject("ConvNet", "--package", "othr", code=2)
    assert "there is no package src/othr; did you mean 'other'?" in capsys.readouterr().err
    project.eject("ConvNet", "--package", "other")
    assert (project.root / "src/other/networks/convnet.py").is_file()
    assert project.files() == set()


def test_without_a_package_or_a_project_it_is_said_what_to_do(project, capsys, monkeypatch, tmp_path_factory):
    project.source.rename(project.root / "src" / LIBRARY)
    project.eject("ConvNet", code=2)
    assert "make one, such as src/mine" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    project.eject("ConvNet", code=2)
    assert "run this inside the project's folder" in capsys.readouterr().err


def test_a_folder_that_would_hide_the_copy_is_refused(project, capsys):
    (project.source / "networks/convnet").mkdir(parents=True)
    project.eject("ConvNet", code=2)
    assert "would be hidden by the folder beside it" in capsys.readouterr().err


def test_the_check_reads_copies_as_it_reads_the_library(importable):
    wrong = ("data.batch_size=-4", "model.label_smoothing=2", "data.mean=[1,2]", "model.network.dropout=1", "model.x=1")
    before = (
        importable.problems(*wrong),
        importable.problems("model.network.width=0"),
        embedded_experiments(importable.root),
    )
    assert len(before[0]) >= len(wrong)
    for name in ("Digits", "ConvNet", "Classification"):
        importable.eject(name, "--use")
    assert importable.problems() == []
    after = (
        importable.problems(*wrong),
        importable.problems("model.network.width=0"),
        embedded_experiments(importable.root),
    )
    shown = [[text.replace(importable.package, LIBRARY) for text in texts] for texts in after]
    assert shown == [list(texts) for texts in before]


@pytest.mark.slow
def test_copies_train_to_the_same_numbers(importable):
    _, results, weights = importable.trained()
    for name in ("Digits", "ConvNet", "Classification"):
        importable.eject(name, "--use")
    run, again, weights_of_copies = importable.trained()
    assert (again, weights_of_copies) == (results, weights)
    targets = str(run.frozen_config)
    for name in ("data.digits.Digits", "networks.convnet.ConvNet", "tasks.classification.Classification"):
        assert f"'{importable.package}.{name}'" in targets
        assert f"{importable.package}.{name.rpartition('.')[0]}" in sys.modules
    copied = run.path / "code/src" / importable.package
    assert (copied / "networks/conv_block.py").read_bytes() == (
        importable.source / "networks/conv_block.py"
    ).read_bytes()
    (run.path / SIGNATURE).unlink()  # as of a run that was made elsewhere
    require_trust(run, importable.root, "test", trusts=False)
