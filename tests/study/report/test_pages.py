"""Pages of runs: their numbers are those of the files, whatever is missing, and nothing on them acts or leads outside."""

import json
import re
import shlex

import pytest
import yaml
from run_files import write_curves, write_matrix, write_run, write_study, write_worst

from leyden.study.records import read_present
from leyden.study.report.report import report

HOSTILE = '<script>alert("x")</script>'


def page(*paths, root=None, folder=None):
    return report([read_present(path) for path in paths], root, "runs", folder)


def charts(html):
    return [json.loads(block) for block in re.findall(r'<script type="application/json">(.*?)</script>', html, re.S)]


def section(html, title):
    return re.search(rf'<section id="{title}">.*?</section>', html, re.S)[0]


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.fixture
def run(tmp_path):
    path = write_run(tmp_path, "vision/digits", 3, 0.001, 0.9375, peak_memory_gib={"process": 1.25})
    change(path / "checkpoints" / "best.json", epoch=1, step=20, mode="max")
    write_curves(path)
    write_matrix(path)
    (path / "command.txt").write_text("leyden train vision/digits model.optimizer.lr=0.001\n")
    (path / "environment.txt").write_text("python==3.12.1\ntorch==2.14.1\nzope==1.0\n")
    (path / "hardware.json").write_text(json.dumps({"host": "n1", "gpus": [{"name": "H200"}], "memory_gib": 23.5}))
    (path / "data.json").write_text(
        json.dumps({"class_names": ["cat", "dog"], "class_counts": [70, 30], "account": {"samples": {"train": 100}}})
    )
    (path / "code.json").write_text(json.dumps({"commit": "abc123", "files": {"a.py": "0"}, "left_out": {}}))
    (path / "log.txt").write_text("2026-11-29 10:00:00 WARNING a warning\n2026-11-29 10:00:01 INFO    fine\n")
    return path


def test_numbers_are_those_of_the_files(run):
    html = page(run)
    results = section(html, "results")
    assert re.search(r"accuracy</td><td class=\"number\">0.9275</td><td class=\"number\">0.9375", results)
    assert "checkpoints/best.ckpt, of epoch 2 (step 20), chosen by the highest val/accuracy" in results
    matrix = section(html, "predictions")
    assert re.findall(r"<td[^>]*>(8|2|1|9|0.800|0.900|0.889|0.818)</td>", matrix) == [
        *("8", "2", "0.800", "1", "9", "0.900", "0.889", "0.818")
    ]
    assert "dog as cat (1)" in matrix
    assert "1.25 GiB" in html
    assert "a warning" in section(html, "log")
    assert all(text in html for text in ("torch", "2.14.1", "H200", "abc123", "n1"))
    assert re.search(r"train</td><td class=\"number\">100<", section(html, "data"))
    assert re.search(r"Set by the command.*?model\.optimizer\.lr.*?0\.001", section(html, "settings"), re.S)


def test_curves_hold_training_and_validation_by_step_and_epoch(run):
    loss = charts(page(run))[0]
    assert [series["name"] for series in loss["series"]] == ["train/loss", "val/loss"]
    assert loss["series"][1] == {"name": "val/loss", "color": 1, "x": [[9, 19, 29], [1, 2, 3]], "y": [1, 0.5, 0.333333]}
    assert loss["x"] == ["step", "epoch"]


def test_nothing_leads_outside_and_scripts_come_from_the_page_alone(run):
    html = page(run)
    assert (
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'\"" in html
    )
    assert not re.search(r"(?:src|href)=\"(?!data:|#)|url\((?!#)|@import|\son\w+=", html)
    assert set(re.findall(r"https?://[^\"' ]+", html)) <= {"http://www.w3.org/2000/svg"}
    assert len(html) < 100_000


def test_user_text_is_escaped(run):
    config = yaml.safe_load((run / "config.yaml").read_text())
    (run / "config.yaml").write_text(yaml.safe_dump(config | {"name": HOSTILE, "note": HOSTILE}))
    (run / "command.txt").write_text(shlex.join(["leyden", "train", f"note={HOSTILE}"]))
    (run / "log.txt").write_text(HOSTILE)
    (run / "metrics.csv").write_text(f'step,epoch,"train/{HOSTILE.replace(chr(34), chr(39))}"\n1,0,2.0\n')
    (run / "plots" / "best" / "test_confusion_matrix.csv").write_text(f"true,{HOSTILE},b\n{HOSTILE},1,2\nb,3,4\n")
    change(run / "data.json", class_names=[HOSTILE, "b"])
    change(run / "status.json", state="failed", error=HOSTILE)
    html = page(run)
    assert "alert(" in html
    assert "<script>alert" not in html
    assert "<script>alert" not in page(run, write_run(run.parents[3], "b", 0, 0.1, 0.5))


def test_secrets_and_shell_lines_are_left_out(run, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "very-secret-value")
    config = yaml.safe_load((run / "config.yaml").read_text())
    config |= {
        "data": {"stream": "s3://${oc.env:MY_TOKEN}@host/x", "mirror": "https://me:pass@host/y"},
        "launcher": {"setup": ["export KEY=plain-secret"]},
    }
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    words = ["leyden", "train", "launcher.setup=[export KEY=plain-secret]", "data.root=https://me:pass@host/z"]
    (run / "command.txt").write_text(shlex.join(words))
    (run / "log.txt").write_text("read s3://very-secret-value@host/x\n")
    for html in (page(run), page(run, write_run(run.parents[3], "b", 0, 0.1, 0.5))):
        assert not re.search("very-secret-value|plain-secret|me:pass", html)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [("failed", "The run has failed."), ("running", "still training"), ("preempted", "continue it with leyden resume")],
)
def test_a_run_without_results_says_so(tmp_path, state, sentence):
    path = write_run(tmp_path, "a/b", 0, 0.1, None, state=state, error="RunError: no <space>", job="1")
    html = page(path)
    assert sentence in html
    assert "RunError: no &lt;space&gt;" in html
    assert "No checkpoint of this run has been evaluated" in html
    assert "This run has no curves: metrics.csv has no rows yet." in html
    assert not charts(html)


def test_values_that_are_not_finite_are_gaps(run):
    write_curves(run, gaps=[1])
    change(
        run / "results.json", test={"best": {"test/accuracy": None}}, remarks={"best": {"test/accuracy": "undefined"}}
    )
    html = page(run)
    assert charts(html)[0]["series"][1]["y"] == [1, None, 0.333333]
    assert "not finite</td>" in section(html, "results")
    assert "test/accuracy of best: undefined" in html


def test_damaged_files_are_named(run):
    (run / "metrics.csv").write_text("step,epoch,train/loss\n1,0,torn\n")
    (run / "results.json").write_text("{")
    (run / "plots" / "best" / "test_confusion_matrix.csv").write_text("true,a\nb,x\n")
    html = page(run)
    assert "metrics.csv could not be read" in html
    assert "results.json is damaged" in html
    assert "test_confusion_matrix.csv is damaged" in html


@pytest.fixture
def runs(tmp_path):
    paths = []
    for rate in (0.001, 0.01):
        for seed in range(3):
            paths.append(write_run(tmp_path, "vision/digits", seed, rate, 0.9 + rate + seed / 100))
            write_curves(paths[-1], shift=seed / 100)
    return [*paths, write_run(tmp_path, "vision/digits", 3, 0.01, None, state="failed", error="RunError: full")]


def test_several_runs_have_a_table_intervals_and_charts(runs):
    html = page(*runs)
    table = section(html, "runs")
    assert table.count("<tr>") == 8
    assert re.findall(r'scope="col"[^>]*>([^<]*)', table) == [
        *("run", "state", "val/accuracy", "test/accuracy", "seed", "model.optimizer.lr", "error", "seconds")
    ]
    comparison = section(html, "comparison")
    assert re.search(r"lr=0\.001</td><td>3</td><td>0\.9110</td><td>0\.0100</td><td>0\.8862 to 0\.9358", comparison)
    assert "1 of 7 runs have no final test/accuracy (1 failed)" in comparison
    scatter = [chart for chart in charts(html) if chart.get("points")]
    assert [chart["x"] for chart in scatter] == [["seed"], ["model.optimizer.lr"]]
    assert len(scatter[1]["series"]) == 6
    curves = next(chart for chart in charts(section(html, "curves")))
    assert sorted(series["color"] for series in curves["series"]) == [0, 0, 0, 1, 1, 1]


def test_a_study_shows_its_figures(runs, tmp_path):
    write_matrix(tmp_path / "study")
    (tmp_path / "study" / "plots" / "best" / "test_worst.png").rename(tmp_path / "study" / "plots" / "importance.png")
    html = page(*runs, folder=tmp_path / "study")
    assert "importance of the study" in section(html, "study")


def test_runs_without_any_metric_are_a_page(tmp_path):
    html = page(*(write_run(tmp_path, "a/b", seed, 0.1, None, state="failed") for seed in range(2)))
    assert "No run has a metric to compare yet." in html
    assert "No run has curves yet." in html


def test_worst_samples_are_a_table_to_sort(run):
    write_worst(run)
    shown = section(page(run), "predictions")
    table = re.search(r"Table of the worst examples.*?</table>", shown, re.S)[0]
    assert '<table data-sortable="">' in table or "<table data-sortable>" in table
    assert re.findall(r'<th(?: class="number")? scope="col"[^>]*>([^<]*)', table) == [
        *("sample", "file", "text", "true", "predicted", "confidence", "loss")
    ]
    assert re.search(
        r'<td>7</td><td>test/a.txt</td><td><div class="text">a long text .*?<td class="number">4.605<', table
    )
    assert "test/&lt;b&gt;.txt" in table


def test_a_study_draws_its_parallel_coordinates(tmp_path):
    folder, paths = write_study(tmp_path)
    html = page(*paths, folder=folder)
    (chart,) = [chart for chart in charts(html) if "axes" in chart]
    assert chart["runs"] == ["trial 0", "trial 1", "trial 2", "trial 3"]  # the pruned one has no final value
    assert [(axis["name"], axis.get("log"), axis.get("ticks")) for axis in chart["axes"]] == [
        ("lr", True, None),
        ("model", None, ["large", "small"]),
        ("dropout", False, None),
        ("val/accuracy", False, None),
    ]
    assert chart["axes"][1]["values"] == [1, 0, 0, 1]
    assert chart["axes"][2]["values"] == [None, 0.5, 0.1, None]  # not searched
    assert "1 of 5 runs have no final val/accuracy (1 pruned)" in section(html, "settings")
    assert "history of the study" in html
    assert "parallel coordinates of the study" not in html  # the figure, which the chart replaces


def test_runs_that_differ_in_one_setting_have_no_parallel_coordinates(tmp_path):
    paths = [write_run(tmp_path, "a/b", 0, rate, 0.9) for rate in (0.1, 0.2)]
    assert not [chart for chart in charts(page(*paths)) if "axes" in chart]


@pytest.mark.parametrize(
    ("mode", "order"),
    [("max", "lowest val/accuracy, to orange, the highest"), ("min", "highest val/accuracy, to orange, the lowest")],
)
def test_the_colours_of_parallel_coordinates_follow_the_direction_that_the_runs_record(tmp_path, mode, order):
    paths = [write_run(tmp_path, "a/b", seed, rate, 0.8 + rate) for seed, rate in enumerate((0.1, 0.15))]
    for path in paths:
        change(path / "checkpoints" / "best.json", mode=mode)
    html = page(*paths)
    assert f"from blue, the {order}." in html
    assert [chart["lowest"] for chart in charts(html) if "axes" in chart] == [mode == "min"]
