"""Names and folders at the top of a configuration: what would leave the folder of the runs is refused, by the check too."""

from pathlib import Path

import pytest

from leyden.config.check import problems
from leyden.config.compose import compose
from leyden.config.embedded import embedded_experiments
from leyden.config.experiment import Experiment

ROOT = Path.cwd()
EXPERIMENT = embedded_experiments(ROOT)[0]


def found(*words):
    return problems(compose([f"experiment={EXPERIMENT}", "trainer=cpu", *words], ROOT))


@pytest.mark.parametrize("name", ["../../x", "a/../../x", "/etc/x", "~/x", ".hidden", "a\nb", "a\x00b", ".."])
def test_a_name_stays_below_the_folder_of_the_runs(name):
    with pytest.raises(ValueError, match="it must be a folder below that of the runs"):
        Experiment(name, {}, {}, {}, {})
    (message,) = found(f'name="{name}"')
    assert "it must be a folder below that of the runs" in message


@pytest.mark.parametrize("name", ["vision/digits", "ein Versuch/größer", "a..b", "v1.0-x"])
def test_usual_names_are_no_alarm(name):
    assert found(f'name="{name}"', "runs=/scratch/me/my runs") == []


def test_the_folder_of_the_runs_is_one_line():
    (message,) = found('runs="a\nb"')
    assert "without control characters" in message


@pytest.mark.parametrize("field", ["time", "partition", "account", "qos", "constraint", "memory", "python"])
@pytest.mark.parametrize("text", ["gpu\ncurl evil", "gpu\r", "\x1b[2J"])
def test_no_field_of_a_launcher_can_add_a_line_to_the_script(field, text):
    (message,) = found("launcher=slurm", f'launcher.{field}="{text}"')
    assert message.startswith("override  launcher.")
    assert "holds a control character" in message
    assert f"launcher.{field}" in message


@pytest.mark.parametrize("field", ["options", "setup"])
def test_no_element_of_a_list_can_either(field):
    (message,) = found("launcher=slurm", f'launcher.{field}=["a","b\nc"]')
    assert "holds a control character" in message
    assert found("launcher=slurm", f'launcher.{field}=["module load cuda", "a\tb"]') == []


@pytest.mark.parametrize(
    "address", ["s3://key:secret@bucket/x", "https://token@host/x", "local:/x?u=ftp://a:b@c", "http://me:pw@proxy:80"]
)
def test_a_password_in_an_address_is_refused_before_it_is_kept(address):
    (message,) = found(f'data.stream="{address}"')
    assert "data.stream = " in message
    assert "an address must not hold a password or token" in message
    assert not {"secret", "token@", "pw@"} & set(message.replace("/", " ").split())
    assert "***@" in message


def test_one_of_the_environment_is_none(monkeypatch):
    monkeypatch.setenv("KEY", "key:secret")
    assert found("data.stream='s3://${oc.env:KEY}@bucket/x'") == []
