"""Values from the environment and configs/local: references in stored files, values when executed."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from leyden.config.compose import compose
from leyden.config.embedded import embedded_experiments
from leyden.config.redaction import for_upload, redact
from leyden.config.references import find_secrets, resolve
from leyden.errors import UserError
from leyden.launch import Slurm
from leyden.run.directory import RunDirectory

ROOT = Path.cwd()
EXPERIMENT = embedded_experiments(ROOT)[0]
SECRET = "s3cr3t-value"


@pytest.fixture
def project(tmp_path):
    shutil.copytree(ROOT / "configs", tmp_path / "configs", ignore=shutil.ignore_patterns("local"))
    (tmp_path / "configs" / "local").mkdir()
    return tmp_path


@pytest.fixture
def composed(project):
    def compose_here(*words, local=None):
        for name, content in (local or {}).items():
            (project / "configs/local" / f"{name}.yaml").write_text(yaml.safe_dump(content))
        return compose([f"experiment={EXPERIMENT}", "trainer=cpu", *words], project)

    return compose_here


def test_frozen_configuration_without_references(composed):
    found = composed()
    assert found.frozen == found.config
    assert list(found.frozen) == list(found.config)


def test_environment_values_are_stored_as_references(composed, monkeypatch):
    monkeypatch.setenv("PLACE", SECRET)
    monkeypatch.setenv("SIZE", "48")
    words = ["data.cache=/x/${oc.env:PLACE}/y", 'data.batch_size="${oc.decode:${oc.env:SIZE}}"', "runs=${data.cache}"]
    words += ["data.root=${oc.env:NOT_THERE,'a b'}", 'launcher.max_restarts="${oc.decode:${oc.env:OTHER,null}}"']
    found = composed(*words)
    assert found.config["data"]["cache"] == found.config["runs"] == f"/x/{SECRET}/y"
    assert found.config["data"]["batch_size"] == 48
    assert found.frozen["data"]["cache"] == found.frozen["runs"] == "/x/${oc.env:PLACE}/y"
    assert found.frozen["data"]["batch_size"] == "${oc.decode:${oc.env:SIZE}}"
    assert found.frozen["data"]["root"] == "${oc.env:NOT_THERE,'a b'}"
    assert SECRET not in str(found.frozen)
    assert resolve(found.frozen, found.root) == found.config
    assert find_secrets(found.frozen, found.root) == {SECRET: "${oc.env:PLACE}"}  # 48 is too short to be one


def test_string_that_looks_like_a_reference_is_kept(composed, monkeypatch):
    monkeypatch.setenv("PLACE", SECRET)
    found = composed(r"data.root='\${oc.env:PLACE} \${other} ${oc.env:PLACE}'")
    assert found.config["data"]["root"] == "${oc.env:PLACE} ${other} " + SECRET
    assert resolve(found.frozen, found.root) == found.config


def test_only_machine_settings_of_configs_local_are_references(composed, monkeypatch):
    monkeypatch.setenv("TOKEN", SECRET)
    local = {
        "slurm": {"account": "physics", "setup": ["export A=${oc.env:TOKEN}"], "cpus_per_device": 2, "qos": "high"},
        "default": {"runs": "/scratch/me", "seed": 3, "data": {"cache": "~/cache", "batch_size": 16}},
    }
    found = composed("launcher=slurm", "launcher.qos=low", local=local)
    launcher = found.frozen["launcher"]
    assert launcher["account"] == "${local:slurm,account}"
    assert launcher["setup"] == "${local:slurm,setup}"
    assert launcher["qos"] == "low"  # the command line had the last word
    assert found.frozen["runs"] == "${local:default,runs}"
    assert found.frozen["data"]["cache"] == "${local:default,data.cache}"
    assert (found.frozen["data"]["batch_size"], found.frozen["seed"]) == (16, 3)
    assert resolve(found.frozen, found.root) == found.config
    assert find_secrets(found.frozen, found.root) == {SECRET: "${oc.env:TOKEN}"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${oc.env:NO_SUCH_NAME}", "Environment variable 'NO_SUCH_NAME' not found"),
        ("${local:slurm,account}", r"there is no .*configs/local/slurm\.yaml"),
        ("${local:other,account}", r"other\.yaml has no account"),
    ],
)
def test_unresolvable_reference_is_reported(project, text, message):
    (project / "configs/local/other.yaml").write_text("a: 1\n")
    with pytest.raises(UserError, match=message):
        resolve({"x": [text]}, project)


def test_no_file_of_a_run_contains_the_secret(composed, monkeypatch):
    monkeypatch.setenv("TOKEN", SECRET)
    local = {"wandb": {"wandb": {"entity": f"me-{SECRET}"}}}
    found = composed("data.cache=/x/${oc.env:TOKEN}", "logger=wandb", local=local)
    assert found.config["logger"]["wandb"]["entity"] == f"me-{SECRET}"
    run = RunDirectory.create(found.frozen | {"runs": "runs"}, found.root, ["train", "data.cache=/x/${oc.env:TOKEN}"])
    monkeypatch.chdir(found.root)
    assert run.config["data"]["cache"] == f"/x/{SECRET}"
    for path in run.path.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_stored_job_script_has_references_instead_of_values(composed, project, monkeypatch):
    bin_folder = project / "bin"
    bin_folder.mkdir()
    (bin_folder / "sbatch").write_text(f'#!/bin/sh\ncat > "{project}/submitted"\necho 17\n')
    (bin_folder / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", str(bin_folder), prepend=":")
    monkeypatch.setenv("TOKEN", SECRET)
    monkeypatch.chdir(project)
    local = {"slurm": {"account": "physics", "setup": ["export A=${oc.env:TOKEN}", "module load cuda"]}}
    found = composed("launcher=slurm", "launcher.partition=${oc.env:TOKEN}", local=local)
    run = RunDirectory.create(found.frozen, project, ["train"])
    arguments = {name: value for name, value in run.config["launcher"].items() if name != "_target_"}
    assert Slurm(**arguments).launch([run]) == 0
    submitted, kept = (project / "submitted").read_text(), (run.path / "job.sbatch").read_text()
    assert f"--partition={SECRET}\n" in submitted
    assert "--account=physics\n" in submitted
    assert f"export A={SECRET}\nmodule load cuda\n" in submitted
    assert SECRET not in kept
    assert "physics" not in kept
    assert "${local:slurm,setup}" in kept
    assert run.status["job"] == "17"


def test_secrets_in_text_are_redacted():
    text = f"cannot read s3://key:pass@bucket/x nor https://token@host, {SECRET}"
    assert redact(text, {SECRET: "${oc.env:A}"}) == "cannot read s3://***@bucket/x nor https://***@host, ${oc.env:A}"


def test_uploaded_configuration_has_no_local_paths_or_shell_commands():
    config = {
        "runs": "/scratch/me",
        "launcher": {"setup": ["export A=b"], "python": "/home/me/python", "account": "${local:slurm,account}"},
        "data": {
            "root": "/home/me/data/digits",
            "stream": "s3://key:pass@bucket/x",
            "cache": "~/c",
            "sizes": [1, "a/b"],
        },
        "logger": {"uri": "${oc.env:MLFLOW_TRACKING_URI,'sqlite:////scratch/m e/runs/mlflow.db'}"},
        "seed": 1,
    }
    assert for_upload(config) == {
        "launcher": {"account": "${local:slurm,account}"},
        "data": {"root": ".../digits", "stream": "s3://***@bucket/x", "cache": ".../c", "sizes": [1, "a/b"]},
        "logger": {"uri": "${oc.env:MLFLOW_TRACKING_URI,'sqlite:///.../mlflow.db'}"},
        "seed": 1,
    }
    assert json.dumps(config)  # is left as it was
