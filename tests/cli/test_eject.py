"""`leyden eject`: copied modules, remaining imports, output and errors."""

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


def test_private_blocks_are_copied_with_a_network(project, capsys):
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


def test_bases_and_shared_modules_stay_in_the_library(project, capsys):
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
    _, _, private = capsys.readouterr().out.partition("which may change in an upgrade:\n")
    assert f"  {LIBRARY}.data.core.split: stratified_split\n" in private


def test_existing_copy_is_reused_and_not_overwritten(project, capsys):
    project.eject("ConvNet")
    block = project.source / "networks/conv_block.py"
    older = re.sub(r"Copied from (\w+) \S+,", r"Copied from \1 0.0.1,", block.read_text())
    block.write_text(older)  # with the same lines
    project.eject("UNet", "--use")
    assert "conv_block.py  exists already" in capsys.readouterr().out
    assert block.read_text() == older
    block.write_text(block.read_text() + "# mine\n")
    (project.source / "networks/convnet.py").unlink()
    project.eject("ConvNet", code=2)
    assert "conv_block.py exists and differs" in capsys.readouterr().err
    assert not (project.source / "networks/convnet.py").exists()


def test_use_only_changes_lines_that_name_the_class(project, capsys):
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
        (f"{LIBRARY}.networks.vision", f"vision is not a class or function; available: {CONVNET}, "),
        ("torch.nn.Linear", f"torch.nn.Linear is not a class of {LIBRARY}"),
        (f"{LIBRARY}.networks.vision.convnet.nn.Linear", f"torch.nn.modules.linear.Linear, not a class of {LIBRARY}"),
        (f"{LIBRARY}.tasks.Task", f"{LIBRARY}.tasks.Task is an interface between projects and the library"),
        ("DataModule", "subclass it in the project"),
        ("CheckpointFile", "checkpoint.CheckpointFile is used by every run"),
        ("PredictionPlots", f"{LIBRARY}.run.worker tests for instances of PredictionPlots"),
        ("RandomElastic", f"tests for instances of Warp, which a copy would not be: subclass {LIBRARY}.data"),
    ],
)
def test_invalid_name_is_refused(project, capsys, name, message):
    project.eject(name, code=2)
    assert message in capsys.readouterr().err
    assert project.files() == set()


def test_ambiguous_name_is_refused(project, capsys, monkeypatch):
    there = dict(library_names.public())
    audio = f"{LIBRARY}.networks.audio"
    both = there | {f"{audio}.ConvNet": there[f"{audio}.M5"]}
    monkeypatch.setattr(library_names, "public", lambda: both)
    project.eject("ConvNet", code=2)
    assert f"{audio}.ConvNet, {CONVNET}; use the dotted name" in capsys.readouterr().err


def test_package_of_the_project(project, capsys):
    project.add(LIBRARY)
    project.add("other")
    project.eject("ConvNet", code=2)
    assert f"expected one package of the project in src/, got other, {project.package}" in capsys.readouterr().err
    project.eject("ConvNet", "--package", "othr", code=2)
    assert "there is no package src/othr; did you mean 'other'?" in capsys.readouterr().err
    project.eject("ConvNet", "--package", "other")
    assert (project.root / "src/other/networks/convnet.py").is_file()
    assert project.files() == set()


def test_missing_package_or_project(project, capsys, monkeypatch, tmp_path_factory):
    project.source.rename(project.root / "src" / LIBRARY)
    project.eject("ConvNet", code=2)
    assert "create one, such as src/mine" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    project.eject("ConvNet", code=2)
    assert "run this command inside the project's folder" in capsys.readouterr().err


def test_folder_that_hides_the_copy_is_refused(project, capsys):
    (project.source / "networks/convnet").mkdir(parents=True)
    project.eject("ConvNet", code=2)
    assert "would be shadowed by the folder of the same name" in capsys.readouterr().err


def test_check_reads_copies_like_the_library(importable):
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
