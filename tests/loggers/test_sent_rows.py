from leyden.loggers.sent_rows import SentRows

TRAINING, VALIDATION = {"train/loss": 1.0}, {"val/loss": 2.0}


def row(step, metrics):
    return {"step": step, "epoch": 0, **metrics}


def as_read(step, metrics):
    """As metrics.csv has it: text, with a place for every metric."""
    return {
        name: str(value)
        for name, value in {"step": step, "epoch": 0, "train/loss": "", "val/loss": "", **metrics}.items()
    }


def test_what_has_not_arrived_is_sent_again(tmp_path):
    first = SentRows(tmp_path / "rows", received=0)
    assert [first.has(row(step, TRAINING)) for step in range(4)] == [False] * 4
    assert first.next_step == 4
    again = SentRows(tmp_path / "rows", received=3)
    assert again.next_step == 3
    assert [again.has(as_read(step, TRAINING)) for step in range(4)] == [True, True, True, False]


def test_a_row_is_known_by_its_step_and_kind_not_by_its_place(tmp_path):
    first = SentRows(tmp_path / "rows", received=0)
    for step in range(3):
        first.has(row(step, TRAINING))
    resumed = SentRows(tmp_path / "rows", received=3)
    rows = [row(0, TRAINING), row(0, VALIDATION), row(1, TRAINING), row(2, TRAINING), row(3, TRAINING)]
    assert [resumed.has(one) for one in rows] == [True, False, True, True, False]


def test_rows_of_one_step_and_kind_are_told_apart(tmp_path):
    first = SentRows(tmp_path / "rows", received=0)
    assert [first.has(row(0, VALIDATION)) for _ in range(3)] == [False] * 3  # validations within one accumulation
    resumed = SentRows(tmp_path / "rows", received=2)
    assert [resumed.has(row(0, VALIDATION)) for _ in range(3)] == [True, True, False]


def test_rows_that_were_sent_before_they_were_kept_are_known_by_their_place(tmp_path):
    rows = SentRows(tmp_path / "rows", received=2)
    assert rows.next_step == 2
    assert [rows.has(row(step, TRAINING)) for step in range(3)] == [True, True, False]
    assert rows.next_step == 3


def test_unknown_rows_beyond_the_file_keep_their_steps(tmp_path):
    rows = SentRows(tmp_path / "rows", received=5)
    assert rows.has(row(0, TRAINING))
    SentRows(tmp_path / "rows", received=1).has(row(7, TRAINING))
    assert SentRows(tmp_path / "rows", received=2).has(row(7, TRAINING))
