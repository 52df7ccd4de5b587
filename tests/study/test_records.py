import json
from pathlib import Path

import pytest
from run_files import write_run

from leyden.errors import UserError
from leyden.study.records import INDEX, Record, records
from leyden.study.select import select
from leyden.study.table import columns, print_table, sort, varied


@pytest.fixture
def root(tmp_path):
    (tmp_path / "configs").mkdir()
    for seed, rate, accuracy in ((0, 0.001, 0.91), (1, 0.001, 0.93), (0, 0.01, 0.95)):
        write_run(tmp_path, "vision/digits", seed, rate, accuracy)
    write_run(tmp_path, "text/stdlib", 0, 0.1, None, state="failed", error="ValueError: no\nmore")
    return tmp_path


def test_a_run_is_read_from_its_files(root):
    *_, last, failed = sorted(records(root), key=lambda record: record.created)
    assert (last.experiment, last.state, last.seconds) == ("vision/digits", "finished", 3)
    assert last.settings["model.optimizer.lr"] == 0.01
    assert last.metrics == {"val/accuracy": 0.94, "test/accuracy": 0.95}
    assert last["seed"] == 0
    assert (failed.state, failed.error, failed["test/accuracy"]) == ("failed", "ValueError: no", None)


def test_the_index_saves_reading_and_never_lies(root):
    first = records(root)
    file = root / "runs" / INDEX
    content = json.loads(file.read_text())
    for entry in content["runs"].values():
        entry["record"]["seconds"] = 77  # proves that a record came from the index
    file.write_text(json.dumps(content))
    assert [record.seconds for record in records(root)] == [77] * 4
    changed = first[0].path
    results = {"test": {"best": {"test/accuracy": 0.5}}}
    Path(changed, "results.json").write_text(json.dumps(results))
    assert {record.path: record for record in records(root)}[changed].metrics["test/accuracy"] == 0.5
    file.write_text("{torn")
    assert {record.path for record in records(root)} == {record.path for record in first}
    assert json.loads(file.read_text())["runs"]


def test_a_removed_run_is_forgotten(root):
    gone = records(root)[0]
    for path in sorted((root / gone.path).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert gone.path not in {record.path for record in records(root)}
    assert gone.path not in json.loads((root / "runs" / INDEX).read_text())["runs"]


def test_a_damaged_run_is_listed_as_such(root):
    path = write_run(root, "vision/digits", 5, 1, 0.5)
    (path / "status.json").write_text("{torn")
    (path / "config.yaml").write_text("a: [")
    (record,) = (record for record in records(root) if record.path == str(path))
    assert (record.state, record.settings) == ("damaged", {})


def test_the_command_of_an_extended_run_trains_it_to_its_end(root):
    path = write_run(root, "vision/digits", 5, 1, 0.5)
    lines = ["train vision/digits trainer.max_epochs=2 'a=[1, 2]'", f"resume {path} trainer.devices=2"]
    lines += [f"test {path}", f"resume {path} trainer.max_epochs=3", f"resume {path} trainer.max_epochs=4"]
    (path / "command.txt").write_text("".join(f"leyden {line}\n" for line in lines))
    (record,) = (record for record in records(root) if record.path == str(path))
    assert record.command == "leyden train vision/digits 'a=[1, 2]' trainer.max_epochs=4"


def test_the_command_names_the_weights_that_a_run_started_from(root):
    path = write_run(root, "vision/digits", 5, 1, 0.5)
    (path / "command.txt").write_text("leyden train vision/digits init_from=latest seed=5\n")
    with (path / "config.yaml").open("a") as file:
        file.write("init_from: /runs/a b/best.ckpt\n")
    (record,) = (record for record in records(root) if record.path == str(path))
    assert record.command == "leyden train vision/digits seed=5 'init_from=/runs/a b/best.ckpt'"


@pytest.mark.parametrize(
    ("words", "number"),
    [
        (["vision"], 3),
        (["vision/digits", "text"], 4),
        (["vision/*", "seed=0"], 2),
        (["test/accuracy>=0.93"], 2),
        (["test/accuracy<1e-1"], 0),
        (["model.optimizer.lr=1e-3"], 2),
        (["state!=finished"], 1),
        (["created>=2026-11-29"], 4),
        (["created<2026-11-29"], 0),
        (["runs/vision/digits"], 3),
        (["00000002"], 1),
        (["test/accuracy >= 0.93"], 2),
        (["test/accuracy==0.93"], 1),
        (["created<2030"], 4),
        (["created>2026-11-29"], 0),  # that whole day
        (["created<=2026-11-29"], 4),
        (["state=failed", "test/accuracy>0.9"], 0),  # the order of conditions does not matter
    ],
)
def test_runs_are_selected(root, words, number):
    assert len(select(records(root), words, root)) == number


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["vission"], "did you mean"),
        (["test/acuracy>0.5"], "did you mean 'test/accuracy'"),
        (["sed=1"], "'seed'"),
        (["lr=1"], "available: model.optimizer.lr"),
        (["test/accuracy>>0.9"], "test/accuracy>>0.9: test/accuracy is a number, got '>0.9'"),
        (["test/accuracy>high"], "got 'high'"),
        (["created<2026-13-01"], "expected a day or time"),
        (["created<yesterday"], "expected a day or time"),
        (["state=failled"], "did you mean 'failed'"),
    ],
)
def test_what_means_no_run_is_refused(root, words, reason):
    with pytest.raises(UserError, match=reason):
        select(records(root), words, root)


def test_a_class_is_chosen_by_its_last_name(tmp_path):
    targets = ("networks.M5", "networks.ConvNet")
    runs = [Record(f"/{name}", "a", "finished", settings={"model.network._target_": name}) for name in targets]
    for word, chosen in {"=M5": "/networks.M5", "!=M5": "/networks.ConvNet", "=networks.M5": "/networks.M5"}.items():
        assert [run.path for run in select(runs, [f"model.network._target_{word}"], tmp_path)] == [chosen]


def test_the_columns_are_what_differs_and_the_main_metrics(root):
    digits = select(records(root), ["vision"], root)
    assert varied(digits) == ["seed", "model.optimizer.lr"]
    assert columns(digits, []) == ["state", "val/accuracy", "test/accuracy", "seed", "model.optimizer.lr"]
    assert columns(digits, ["seed"]) == ["seed"]


def test_runs_without_a_value_come_last(root):
    ordered = sort(records(root), "test/accuracy", reverse=True)
    assert [record["test/accuracy"] for record in ordered] == [0.95, 0.93, 0.91, None]
    assert [record["test/accuracy"] for record in sort(records(root), "test/accuracy")] == [0.91, 0.93, 0.95, None]
    with pytest.raises(UserError, match="did you mean"):
        sort(records(root), "test/acuracy")


def test_a_table_has_the_columns_that_fit(root, capsys):
    runs = records(root)
    print_table(runs, columns(runs, []), width=80)
    output = capsys.readouterr().out
    assert all(len(line) <= 80 for line in output.splitlines()[:-1])
    assert "vision/digits" in output
    assert output.splitlines()[-1].startswith("More columns: --columns ")
    print_table(runs, columns(runs, []), width=200)
    assert "ValueError: no" in capsys.readouterr().out


def test_brackets_are_text(root, capsys):
    error = "RuntimeError: [enforce fail] [/red] :x:"
    write_run(root, "vision/digits", 1, "[/b]", None, state="failed", error=error)
    print_table(records(root), ["model.optimizer.lr", "error"], width=200)
    output = capsys.readouterr().out
    assert "[/b]" in output
    assert error in output


def test_settings_that_differ_only_between_experiments_are_no_columns(root):
    runs = [record for record in records(root) if record["seed"] == 0 and record["model.optimizer.lr"] != 0.01]
    assert len({record.experiment for record in runs}) == 2
    assert varied(runs) == []
