import csv

from leyden.loggers.metrics_csv import MetricsCSV


def read(folder):
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_rows_are_appended_and_new_metrics_add_columns(tmp_path):
    logger = MetricsCSV(tmp_path)
    logger.log_metrics({"loss": 2.0}, step=0)
    assert read(tmp_path) == [{"step": "0", "loss": "2.0"}]  # there at once, not at the end
    logger.log_metrics({"accuracy": 0.5}, step=1)
    assert read(tmp_path) == [
        {"step": "0", "loss": "2.0", "accuracy": ""},
        {"step": "1", "loss": "", "accuracy": "0.5"},
    ]


def test_a_resumed_run_goes_on_below_what_is_kept(tmp_path):
    first = MetricsCSV(tmp_path)
    for step in range(5):
        first.log_metrics({"loss": float(step)}, step)
    second = MetricsCSV(tmp_path)
    second.truncate(num_rows=3)
    second.log_metrics({"loss": 30.0}, 3)
    assert [row["loss"] for row in read(tmp_path)] == ["0.0", "1.0", "2.0", "30.0"]
