from pathlib import Path

import pytest

from leyden.config.compose import compose
from leyden.config.embedded import embedded_experiments
from leyden.errors import UserError
from leyden.run.directory import RunDirectory
from leyden.run.override_on_resume import override_on_resume

ROOT = Path.cwd()
EXPERIMENT = embedded_experiments(ROOT)[0]


@pytest.fixture
def run(tmp_path):
    config = compose([f"experiment={EXPERIMENT}", "trainer=cpu"], ROOT).config
    return RunDirectory.create(config | {"runs": str(tmp_path)}, ROOT, ["here"])


def test_hardware_and_launcher_are_overridden(run):
    before = run.config
    override_on_resume(
        run, ["launcher=slurm", "launcher.time=8:00:00", "launcher.account=me", "trainer.devices=4"], ROOT
    )
    after = run.config
    launcher, trainer = after.pop("launcher"), after.pop("trainer")
    assert (launcher["time"], launcher["account"], launcher["devices"], launcher["accelerator"]) == (
        "8:00:00",
        "me",
        4,
        "cpu",
    )
    assert trainer == before.pop("trainer") | {"devices": 4}
    before.pop("launcher")
    assert after == before
    assert (run.path / "command.txt").read_text().splitlines()[1].endswith("trainer.devices=4")
    override_on_resume(run, ["launcher=local", "trainer.devices=2"], ROOT)
    assert (run.config["launcher"]["devices"], run.config["trainer"]["devices"]) == (2, 2)


def test_launcher_and_its_settings_in_any_order(run):
    override_on_resume(run, ["launcher.time=8:00:00", "launcher.account=me", "launcher=slurm"], ROOT)
    assert (run.config["launcher"]["time"], run.config["launcher"]["account"]) == ("8:00:00", "me")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("seed=3", "a run cannot change after it has started"),
        ("model.scheduler={}", "a run cannot change after it has started"),
        ("trainer.max_epochs", "a run cannot change after it has started"),
        ("trainer.devices", "a run cannot change after it has started"),
        ("launcher.max_restart=1", "did you mean .max_restarts."),
        ("trainer.devices=0", "expected trainer.devices of at least 1, got 0"),
        ("launcher.foo.bar=1", "no argument 'foo'"),
        ("launcher.fork.bar=1", "launcher.fork is a single value"),
        ("trainer.devices.count=1", "trainer.devices is a single value"),
        ("launcher.fork=[", "cannot be parsed"),
        ("launcher=slrum", "did you mean 'slurm'"),
    ],
)
def test_other_overrides_are_refused(run, word, message):
    before = (run.path / "config.yaml").read_text()
    with pytest.raises(UserError, match=message):
        override_on_resume(run, ["trainer.num_nodes=1", word], ROOT)
    assert (run.path / "config.yaml").read_text() == before
