import os
import subprocess
from pathlib import Path

import pytest

from leyden.errors import UserError
from leyden.launch import Slurm

PATHS = [Path("/runs/digits/1 a"), Path("/runs/digits/2"), Path("/runs/digits/3")]


def script(paths=PATHS[:1], **settings):
    text = Slurm(**{"devices": 4, "nodes": 2, "accelerator": "gpu"} | settings).describe(paths)
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    return text


def options(text):
    return [line.removeprefix("#SBATCH ") for line in text.splitlines() if line.startswith("#SBATCH")]


def test_nodes_and_devices_of_the_trainer():
    assert {"--nodes=2", "--ntasks-per-node=4", "--gpus-per-node=4", "--requeue"} <= set(options(script()))
    assert not any("gpus" in line for line in options(script(accelerator="cpu")))


def test_unset_options_are_omitted():
    assert not [line for line in options(script()) if "None" in line or "partition" in line]


def test_settings_become_options_and_further_options_come_last():
    found = options(script(account="physics", memory="64G", signal_seconds=60, options=["--exclusive", "--mem=0"]))
    assert {"--account=physics", "--mem=64G", "--signal=USR1@60"} <= set(found)
    assert found[-2:] == ["--exclusive", "--mem=0"]


def test_setup_lines_and_container():
    text = script(setup=["module load cuda", "source venv/bin/activate"], python="apptainer exec --nv image.sif python")
    before, _, after = text.partition("srun ")
    assert "\nmodule load cuda\nsource venv/bin/activate\n" in before
    assert "apptainer exec --nv image.sif python -m " in after


def test_array_element_finds_its_run_directory(tmp_path):
    paths = [tmp_path / "a b", tmp_path / "c"]
    text = script(paths, max_jobs=1, python="echo")
    assert "--array=0-1%1" in options(text)
    for path in paths:
        path.mkdir()
    # Run the whole script with stubs of SLURM and Python that print their arguments.
    environment = {"SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_JOB_ID": "7", "SLURM_JOB_ID": "8", "PATH": os.defpath}
    stubs = 'srun() { echo "$@"; }; scontrol() { echo n1; }\n'
    subprocess.run(["bash"], input=stubs + text, text=True, check=True, env=environment)
    assert f" {paths[0]} train\n" in (paths[0] / "slurm-7_0.out").read_text()
    assert not list(paths[1].iterdir())


@pytest.mark.parametrize("name", ["a\nrm -rf x", "a\x07"])
def test_folders_with_control_characters_are_refused(name, tmp_path, monkeypatch):
    with pytest.raises(UserError, match="contains a control character: rename the folder"):
        script([Path("/runs") / name / "1"])
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)
    with pytest.raises(UserError, match="contains a control character"):
        script()


def test_job_imports_the_copy_unless_live():
    assert 'env PYTHONPATH="$run/code/src${PYTHONPATH:+:$PYTHONPATH}" echo -m ' in script(python="echo")
    text = Slurm(devices=1, nodes=1, accelerator="cpu").describe(PATHS[:1], live=True)
    assert "PYTHONPATH" not in text


def test_several_runs_share_a_job(tmp_path):
    paths = [tmp_path / name for name in ("a b", "c", "d")]
    text = script(paths, nodes=1, devices=2, runs_per_job=2, python="echo")
    wanted = {"--array=0-1", "--nodes=1", "--ntasks-per-node=1", "--gpus-per-node=4", "--cpus-per-task=16"}
    assert wanted <= set(options(text))
    for path in paths:
        path.mkdir()
    stubs = 'srun() { for word; do printf "<%s>" "$word"; done; }; scontrol() { echo n1; }\n'
    for index, members in enumerate((paths[:2], paths[2:])):
        environment = {"SLURM_ARRAY_TASK_ID": str(index), "SLURM_ARRAY_JOB_ID": "7", "SLURM_JOB_ID": "8"}
        subprocess.run(["bash"], input=stubs + text, text=True, check=True, env=environment | {"PATH": os.defpath})
        written = (members[0] / f"slurm-7_{index}.out").read_text()
        assert written.endswith("".join(f"<{path}>" for path in members))
    assert "--ntasks-per-node=2" in script(paths[:1], nodes=1, devices=2, runs_per_job=2)  # a single run
    with pytest.raises(ValueError, match=r"needs trainer.num_nodes=1, got 2"):
        script(paths, nodes=2, runs_per_job=2)
