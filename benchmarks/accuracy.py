"""Test accuracy of experiments over three seeds: `python benchmarks/accuracy.py vision/digits audio/vowels`.

Without names, of those whose data are embedded. More words of the form key=value are handed on to every training.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pairs import ROOT, embedded

PROGRAM = [sys.executable, "-m", "leyden"]
SEEDS = (0, 1, 2)


def train(experiment: str, seed: int, settings: list[str]) -> tuple[float, float]:
    """Test accuracy of the best checkpoint, and the seconds that the whole command took."""
    with tempfile.TemporaryDirectory() as runs:
        words = ["train", f"experiment={experiment}", f"seed={seed}", f"runs={runs}", *settings]
        begin = time.perf_counter()
        subprocess.run([*PROGRAM, *words], cwd=ROOT, check=True, capture_output=True)
        seconds = time.perf_counter() - begin
        (results,) = Path(runs).glob("**/results.json")
        return json.loads(results.read_text())["test/accuracy"], seconds


def main() -> None:
    settings = [word for word in sys.argv[1:] if "=" in word]
    experiments = [word for word in sys.argv[1:] if "=" not in word] or embedded()
    for experiment in experiments:
        accuracies, seconds = zip(*(train(experiment, seed, settings) for seed in SEEDS), strict=True)
        each = ", ".join(f"{accuracy:.4f}" for accuracy in accuracies)
        cost = f"{statistics.median(seconds):.0f} s each"
        print(f"{experiment:<24} {statistics.mean(accuracies):.4f}  (seeds {SEEDS}: {each})  {cost}", flush=True)


if __name__ == "__main__":
    main()
