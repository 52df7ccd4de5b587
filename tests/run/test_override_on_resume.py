from pathlib import Path

import pytest

from leyden.config.compose import compose
from leyden.config.embedded import embedded_experiments
from leyden.errors import UserError
from leyden.run.directory import RunDirectory
from leyden.run.override_on_resume import relocate

ROOT = Path.cwd()
EXPERIMENT = embedded_experiments(ROOT)[0]


@pytest.fixture
def run(tmp_path):
    config = compose([f"experiment={EXPERIMENT}", "trainer=cpu"], ROOT).config
    return RunDirectory.create(config | {"runs": str(tmp_path)}, ROOT, ["here"])


def test_only_where_it_is_trained_changes(run):
    before = run.config
    relocate(run, ["launcher=slurm", "launcher.time=8:00:00", "launcher.account=me", "trainer.devices=4"], ROOT)
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
    relocate(run, ["launcher=local", "trainer.devices=2"], ROOT)
    assert (run.config["launcher"]["devices"], run.config["trainer"]["devices"]) == (2, 2)


def test_a_launcher_and_its_settings_come_in_any_order(run):
    relocate(run, ["launcher.time=8:00:00", "launcher.account=me", "launcher=slurm"], ROOT)
    assert (run.config["launcher"]["time"], run.config["launcher"]["account"]) == ("8:00:00", "me")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("seed=3", "only where it is trained may change"),
        ("trainer.max_epochs=3", "only where it is trained may change"),
        ("trainer.devices", "only where it is trained may change"),
        ("launcher.max_restart=1", "did you mean .max_restarts."),
        ("trainer.devices=0", "trainer.devices is 0"),
        ("launcher.foo.bar=1", "no argument 'foo'"),
        ("launcher.fork.bar=1", "launcher.fork is one value"),
        ("trainer.devices.count=1", "trainer.devices is one value"),
        ("launcher.fork=[", "cannot be read"),
        ("launcher=slrum", "did you mean 'slurm'"),
    ],
)
def test_anything_else_is_refused_and_changes_nothing(run, word, message):
    before = (run.path / "config.yaml").read_text()
    with pytest.raises(UserError, match=message):
        relocate(run, ["trainer.num_nodes=1", word], ROOT)
    assert (run.path / "config.yaml").read_text() == before
