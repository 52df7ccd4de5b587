"""What experiments reach in the test, over three seeds: `python benchmarks/results.py vision/digits audio/vowels`.

The metric by which their task chooses the best checkpoint. Without names, of those whose data are embedded. More words of
the form key=value are handed on to every training.
"""

import json
import pkgutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pairs import ROOT, embedded, heading, row

from leyden.config.compose import compose

PROGRAM = [sys.executable, "-m", "leyden"]
SEEDS = (0, 1, 2)


def metric(experiment: str, settings: list[str]) -> str:
    """Such as test/accuracy."""
    task = compose([f"experiment={experiment}", *settings], ROOT).config["model"]["_target_"]
    return pkgutil.resolve_name(task).monitor.replace("val/", "test/")


def train(experiment: str, seed: int, settings: list[str]) -> tuple[dict[str, float], float]:
    """Test metrics of the best checkpoint, and the seconds that the whole command took."""
    with tempfile.TemporaryDirectory() as runs:
        words = ["train", f"experiment={experiment}", f"seed={seed}", f"runs={runs}", *settings]
        begin = time.perf_counter()
        if subprocess.run([*PROGRAM, *words], cwd=ROOT, stdout=subprocess.DEVNULL).returncode:
            sys.exit("a training failed, for the reason above")
        seconds = time.perf_counter() - begin
        (results,) = Path(runs).glob("**/results.json")
        return json.loads(results.read_text())["test"]["best"], seconds


def main() -> None:
    settings = [word for word in sys.argv[1:] if "=" in word]
    experiments = [word for word in sys.argv[1:] if "=" not in word] or embedded()
    heading("experiment", "metric", "mean", f"seeds {', '.join(map(str, SEEDS))}", "s each")
    for experiment in experiments:
        name = metric(experiment, settings)
        results, seconds = zip(*(train(experiment, seed, settings) for seed in SEEDS), strict=True)
        values = [result[name] for result in results]
        each = ", ".join(f"{value:.4f}" for value in values)
        row(experiment, name, f"{statistics.mean(values):.4f}", each, f"{statistics.median(seconds):.0f}")


if __name__ == "__main__":
    main()
