from pathlib import Path
from types import SimpleNamespace

import pytest

from leyden.study.sweep.rows import Row
from leyden.study.sweep.summary import print_summary, varies_data


@pytest.mark.parametrize(
    ("name", "state", "values", "message"),
    [
        ("experiment", "finished", {"val/accuracy": 0.9}, "no best trial: the trials use different data"),
        ("data", "failed", {}, "no trial was completed"),
        ("model", "finished", {}, "no best trial: no validation metric"),
    ],
)
def test_why_none_is_best(tmp_path, capsys, name, state, values, message):
    settings = {"objectives": dict.fromkeys(values, "max")}
    study = SimpleNamespace(settings=settings, varied=[name], kind="grid", path=tmp_path, experiment="a")
    rows = [Row(number, state, values, {name: choice}, 1.0, "", Path("runs")) for number, choice in enumerate("xy")]
    print_summary(study, rows, [])
    assert message in capsys.readouterr().out
    assert varies_data(study) == (name != "model")
