"""The results that README.md reports are those of docs/results.csv, which `leyden reproduce` takes."""

from pathlib import Path
from statistics import fmean

from leyden.study.results_table import read_table


def test_means_of_the_table_are_in_the_readme():
    lines = Path("README.md").read_text(encoding="utf-8").splitlines()
    values = {}
    for row in read_table(Path("docs/results.csv"))[0]:
        (value,) = row.metrics.values()
        values.setdefault(row.overrides[0], []).append(value)
    assert len(values) == 4
    for experiment, of_seeds in values.items():
        assert len(of_seeds) == 3
        (line,) = [line for line in lines if line.startswith(f"| `{experiment}`")]
        assert any(f"{fmean(of_seeds):.{digits}f}" in line for digits in (3, 4)), (experiment, fmean(of_seeds))
