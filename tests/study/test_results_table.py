import pytest

from leyden.errors import UserError
from leyden.study.results_table import read_table, values_over_seeds


def write(folder, text):
    file = folder / "results.csv"
    file.write_text(text)
    return file


def test_rows_and_their_seeds(tmp_path):
    text = "run,test/accuracy,command,seed\n"
    text += "".join(f"a,0.{9 - seed},leyden train vision/digits 'x=[1, 2]' seed={seed},{seed}\n" for seed in range(3))
    text = text.replace("'x=[1, 2]'", "x=1") + "a,0.5,leyden train --live other,\n"
    text += "a,,leyden train crashed,\na,0.9,leyden reproduce runs/a,0\n"
    rows, left_out = read_table(write(tmp_path, text))
    assert left_out == "excluded: 2 of 6 rows have no metrics or are reproductions"
    assert rows[1].overrides == ["vision/digits", "x=1", "seed=1"]
    assert rows[1].metrics == {"test/accuracy": 0.8}
    assert (rows[3].command, rows[3].metrics) == ("leyden train other", {"test/accuracy": 0.5})
    assert values_over_seeds(rows[0], rows, "test/accuracy") == [0.9, 0.8, 0.7]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "expected the columns `command`"),
        ("command,test/accuracy\nleyden resume x,0.5\n", "expected a command `leyden train"),
        ("command,test/accuracy\nleyden train x,high\n", "results.csv:2: could not convert"),
        ("", "got none"),
        ("command,test/accuracy\nleyden train x,\n", "no runs with metrics"),
    ],
)
def test_other_files_are_refused(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        read_table(write(tmp_path, text))
    with pytest.raises(UserError, match="cannot be read"):
        read_table(tmp_path / "missing.csv")
