import csv
import shutil
import subprocess
from io import StringIO

import pytest

from leyden.study.comparison import Group, groups
from leyden.study.comparison_tables import as_csv, latex, markdown, notes, print_groups
from leyden.study.records import Record
from leyden.study.statistics import summarize

METRIC = "test/accuracy"
VALUES = {16: [0.91, 0.93, 0.92], 32: [0.94, 0.95, 0.96], 64: [0.90, 0.91, 0.92]}


def grouped(values, against=None):
    runs = [
        Record(
            f"/runs/{width}-{seed}", "a", "finished", settings={"seed": seed, "width": width}, metrics={METRIC: value}
        )
        for width, of_width in values.items()
        for seed, value in enumerate(of_width)
    ]
    return groups(runs, ["width"], METRIC, against)


def test_latex():
    made = grouped(VALUES)
    assert latex(made, METRIC, "max").splitlines() == [
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"width & $n$ & test/accuracy \\",
        r"\midrule",
        r"16 & 3 & $0.9200 \pm 0.0100$ \\",
        r"32 & 3 & $\mathbf{0.9500 \pm 0.0100}$ \\",
        r"64 & 3 & $0.9100 \pm 0.0100$ \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]
    assert r"64 & 3 & $\mathbf{0.9100 \pm 0.0100}$ \\" in latex(made, METRIC, "min").splitlines()
    assert "mathbf" not in latex(made, METRIC, None)
    signs = Group({"network": r"a_b{c}\d~^%&#$"}, {(0, None): 0.5}, summarize([0.5]))
    escaped = r"a\_b\{c\}\textbackslash{}d\~{}\^{}\%\&\#\$ & 1 & $\mathbf{0.5000}$ \\"
    assert escaped in latex([signs], METRIC, "max").splitlines()


@pytest.mark.exhaustive
@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_latex_compiles(tmp_path):
    table = latex(grouped(VALUES, "16"), r"test/accu_racy~{}\\^%&#$", "max")
    head = r"\documentclass{article}\usepackage{booktabs}\begin{document}"
    (tmp_path / "table.tex").write_text(f"{head}\n{table}\\end{{document}}\n", encoding="utf-8")
    words = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "table.pdf").stat().st_size


def test_differences_are_in_every_format(capsys):
    made = grouped(VALUES, "16")
    second = made[1].difference
    p, adjusted = f"{second.p:.4f}", f"{second.adjusted_p:.4f}"
    low, high = (f"{end:.4f}" for end in second.interval)
    print_groups(made, METRIC)
    assert f"+0.0300    │ {low}, {high}" in capsys.readouterr().out
    lines = markdown(made, METRIC).splitlines()
    assert lines[2] == "| 16 | 3 | 0.9200 ± 0.0100 | 0.8952, 0.9448 |  |  |  |  |"
    assert lines[3].endswith(f"| +0.0300 | {low}, {high} | {p} | {adjusted} |")
    (line,) = [line for line in latex(made, METRIC, "max").splitlines() if line.startswith("32")]
    assert line.endswith(rf"& $+0.0300$ & ${low}, {high}$ & ${p}$ & ${adjusted}$ \\")
    rows = list(csv.DictReader(StringIO(as_csv(made, METRIC))))
    assert float(rows[1]["p"]) == second.p
    assert rows[0]["p"] == ""


@pytest.mark.parametrize(
    ("of_32", "expected"),
    [
        ([0.94, 0.95, 0.96], ["Paired t-test by seed or fold; p-values are two-sided."]),
        (
            [0.94, 0.95],
            [
                "Paired t-test by seed or fold; p-values are two-sided.",
                "width=32 has 2 runs, width=16 3: the difference is computed from the 2 pairs with equal seed and fold.",
            ],
        ),
        ([0.94], ["No test of width=32: both groups need at least two runs."]),
        (
            [value + 0.0625 for value in VALUES[16]],
            [
                "Paired t-test by seed or fold; p-values are two-sided.",
                "width=32: all differences are +0.0625; no test is possible with zero variance.",
            ],
        ),
    ],
)
def test_notes_name_the_test_and_its_runs(of_32, expected):
    assert notes(grouped({16: VALUES[16], 32: of_32}, "16")) == expected


def test_small_values_have_enough_decimals():
    made = grouped({16: [0.000121, 0.000124, 0.000127], 32: [0.5, 0.6, 0.7]})
    assert "| 16 | 3 | 0.0001240 ± 0.0000030 |" in markdown(made, METRIC)
