from leyden.loggers.sent_rows import SentRows

TRAINING, VALIDATION = {"train/loss": 1.0}, {"val/loss": 2.0}


def row(step, metrics):
    return {"step": step, "epoch": 0, **metrics}


def as_read(step, metrics):
    """A row as in metrics.csv: strings, with a column for each metric."""
    return {
        name: str(value)
        for name, value in {"step": step, "epoch": 0, "train/loss": "", "val/loss": "", **metrics}.items()
    }


def test_rows_that_did_not_arrive_are_sent_again(tmp_path):
    first = SentRows(tmp_path / "rows", received=0)
    assert [first.has(row(step, TRAINING)) for step in range(4)] == [False] * 4
    assert first.next_step == 4
    again = SentRows(tmp_path / "rows", received=3)
    assert again.next_step == 3
    assert [again.has(as_read(step, TRAINING)) for step in range(4)] == [True, True, True, False]


def test_row_is_identified_by_step_and_kind(tmp_path):
    first = SentRows(tmp_path / "rows", received=0)
    for step in range(3):
        first.has(row(step, TRAINING))
    resumed = SentRows(tmp_path / "rows", received=3)
    rows = [row(0, TRAINING), row(0, VALIDATION), row(1, TRAINING), row(2, TRAINING), row(3, TRAINING)]
    assert [resumed.has(one) for one in rows] == [True, False, True, True, False]


def test_rows_of_one_step_and_kind_are_distinguished(tmp_path):
    first = SentRows(tmp_path / "rows", received=0)
    assert [first.has(row(0, VALIDATION)) for _ in range(3)] == [False] * 3  # validations within one accumulation
    resumed = SentRows(tmp_path / "rows", received=2)
    assert [resumed.has(row(0, VALIDATION)) for _ in range(3)] == [True, True, False]


def test_untracked_rows_are_identified_by_position(tmp_path):
    rows = SentRows(tmp_path / "rows", received=2)
    assert rows.next_step == 2
    assert [rows.has(row(step, TRAINING)) for step in range(3)] == [True, True, False]
    assert rows.next_step == 3


def test_unknown_rows_beyond_the_file_keep_their_steps(tmp_path):
    rows = SentRows(tmp_path / "rows", received=5)
    assert rows.has(row(0, TRAINING))
    SentRows(tmp_path / "rows", received=1).has(row(7, TRAINING))
    assert SentRows(tmp_path / "rows", received=2).has(row(7, TRAINING))
