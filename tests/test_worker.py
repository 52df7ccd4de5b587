from pathlib import Path

from leyden.compose import compose, options
from leyden.data import DataModule
from leyden.rundir import RunDirectory
from leyden.worker import Worker

ROOT = Path.cwd()
EXPERIMENTS = [name for name, text in options(ROOT)["experiment"] if "embedded" in text]


def test_all_processes_of_a_run_take_what_the_first_learnt_of_the_data(tmp_path, monkeypatch):
    # A text experiment where there is one: its vocabulary takes the longest.
    config = compose([f"experiment={sorted(EXPERIMENTS)[-1]}", "trainer=debug"], ROOT).config
    config["runs"] = str(tmp_path)
    run = RunDirectory.create(config, ROOT, ["test_worker"])
    first = Worker(run, trains=True)
    saved = {file.name: file.stat().st_mtime_ns for file in run.path.glob("*.json")}

    def learns_again(*arguments):
        raise AssertionError("it was there")

    monkeypatch.setattr(DataModule, "save", learns_again)
    if tokenizer := getattr(first.data, "tokenizer", None):
        monkeypatch.setattr(type(tokenizer), "train", learns_again)
    second = Worker(run, trains=True)
    assert str(second.data.published()) == str(first.data.published())
    assert {file.name: file.stat().st_mtime_ns for file in run.path.glob("*.json")} == saved
