import errno
import os
import subprocess
import sys
import tracemalloc

import pytest

from leyden.loggers.metrics_file import MetricsFile


def losses(path):
    return [row["loss"] for row in MetricsFile(path).rows()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.csv"


def test_rows_are_appended_and_new_metrics_add_columns(path):
    file = MetricsFile(path)
    file.append({"step": 0, "loss": 2.0})
    assert MetricsFile(path).rows() == [{"step": "0", "loss": "2.0"}]  # there at once, not at the end
    file.append({"step": 1, "accuracy": 0.5})
    assert MetricsFile(path).rows() == [
        {"step": "0", "loss": "2.0", "accuracy": ""},
        {"step": "1", "loss": "", "accuracy": "0.5"},
    ]
    assert file.num_rows == MetricsFile(path).num_rows == 2


def test_truncate(path):
    file = MetricsFile(path)
    for step in range(5):
        file.append({"step": step, "loss": float(step)})
    file.truncate(3)
    file.append({"step": 3, "loss": 30.0})
    assert losses(path) == ["0.0", "1.0", "2.0", "30.0"]
    assert file.num_rows == 4


@pytest.mark.parametrize("torn", [b"2,0.", b"2", b"2,0.25\0\0\0", b"\0\0\0\n\0"])
def test_incomplete_row_is_ignored(path, torn):
    file = MetricsFile(path)
    file.append({"step": 0, "loss": 0.0})
    file.append({"step": 1, "loss": 0.5})
    with path.open("ab") as raw:
        raw.write(torn)
    assert losses(path) == ["0.0", "0.5"]
    resumed = MetricsFile(path)
    resumed.truncate(2)
    resumed.append({"step": 2, "loss": 1.0})
    assert losses(path) == ["0.0", "0.5", "1.0"]


@pytest.mark.parametrize("torn", [b"", b"step,lo"])
def test_incomplete_header_is_ignored(path, torn):
    path.write_bytes(torn)
    MetricsFile(path).append({"step": 0, "loss": 0.0})
    assert losses(path) == ["0.0"]


FILLS = """
import resource, signal, sys
from pathlib import Path
from {package}.loggers.metrics_file import MetricsFile
file = MetricsFile(Path(sys.argv[1]))
for step in range(50):
    file.append({{"step": step, "loss": step / 2}})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
size = Path(sys.argv[1]).stat().st_size + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
for step in range(50, 200):
    file.append({{"step": step, "loss": step / 2, **dict.fromkeys(sys.argv[3:], 0.0)}})
"""


@pytest.mark.parametrize("new_column", [[], ["accuracy"]])
def test_full_disk_keeps_existing_rows(path, new_column):
    code = FILLS.format(package=MetricsFile.__module__.partition(".")[0])
    done = subprocess.run([sys.executable, "-c", code, str(path), "50", *new_column], capture_output=True, text=True)
    assert os.strerror(errno.EFBIG) in done.stderr
    kept = losses(path)
    assert kept[:50] == [str(step / 2) for step in range(50)]
    assert kept == [str(step / 2) for step in range(len(kept))]  # no torn one
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    file = MetricsFile(path)  # there is room again
    file.truncate(50)
    file.append({"step": 50, "loss": 25.0})
    assert losses(path) == [str(step / 2) for step in range(51)]


def test_long_file_is_streamed(path):
    file = MetricsFile(path)
    file.append({"step": 0, "loss": 0.5})
    with path.open("a", newline="") as raw:
        raw.writelines(f"{step},0.5\r\n" for step in range(1, 20_000))
    tracemalloc.start()
    try:
        file = MetricsFile(path)
        file.append({"step": 20_000, "accuracy": 0.75})
        file.truncate(19_999)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 250_000  # bytes; a dict a row would take millions
    rows = MetricsFile(path).rows()
    assert rows[0] == {"step": "0", "loss": "0.5", "accuracy": ""}
    assert len(rows) == file.num_rows == 19_999
