"""Names and folders at the top of a configuration: paths out of the runs folder are refused, also by the check."""

from pathlib import Path

import pytest

from leyden.config.check import problems
from leyden.config.compose import compose
from leyden.config.embedded import embedded_experiments
from leyden.config.experiment import Experiment

ROOT = Path.cwd()
EXPERIMENT = embedded_experiments(ROOT)[0]


def messages(*words):
    return problems(compose([f"experiment={EXPERIMENT}", "trainer=cpu", *words], ROOT))


@pytest.mark.parametrize("name", ["../../x", "a/../../x", "/etc/x", "~/x", ".hidden", "a\nb", "a\x00b", ".."])
def test_name_must_be_below_the_runs_folder(name):
    with pytest.raises(ValueError, match="expected name to be a path below the runs folder"):
        Experiment(name, {}, {}, {}, {})
    (message,) = messages(f'name="{name}"')
    assert "expected name to be a path below the runs folder" in message


@pytest.mark.parametrize("name", ["vision/digits", "ein Versuch/größer", "a..b", "v1.0-x"])
def test_usual_names_are_accepted(name):
    assert messages(f'name="{name}"', "runs=/scratch/me/my runs") == []


def test_runs_folder_without_control_characters():
    (message,) = messages('runs="a\nb"')
    assert "without control characters" in message


@pytest.mark.parametrize("field", ["time", "partition", "account", "qos", "constraint", "memory", "python"])
@pytest.mark.parametrize("text", ["gpu\ncurl evil", "gpu\r", "\x1b[2J"])
def test_launcher_fields_with_control_characters_are_refused(field, text):
    (message,) = messages("launcher=slurm", f'launcher.{field}="{text}"')
    assert message.startswith("override  launcher.")
    assert "contains a control character" in message
    assert f"launcher.{field}" in message


@pytest.mark.parametrize("field", ["options", "setup"])
def test_launcher_lists_with_control_characters_are_refused(field):
    (message,) = messages("launcher=slurm", f'launcher.{field}=["a","b\nc"]')
    assert "contains a control character" in message
    assert messages("launcher=slurm", f'launcher.{field}=["module load cuda", "a\tb"]') == []


@pytest.mark.parametrize(
    "address", ["s3://key:secret@bucket/x", "https://token@host/x", "local:/x?u=ftp://a:b@c", "http://me:pw@proxy:80"]
)
def test_password_in_url_is_refused(address):
    (message,) = messages(f'data.stream="{address}"')
    assert "data.stream = " in message
    assert "a URL must not contain a password or token" in message
    assert not {"secret", "token@", "pw@"} & set(message.replace("/", " ").split())
    assert "***@" in message


def test_password_from_the_environment_is_accepted(monkeypatch):
    monkeypatch.setenv("KEY", "key:secret")
    assert messages("data.stream='s3://${oc.env:KEY}@bucket/x'") == []
