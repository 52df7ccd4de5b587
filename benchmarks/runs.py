"""Seconds of `leyden runs` over many runs: without the index, with it, with conditions, and beside `import torch`.

A run of a minute is trained, and its files are copied with other ids, seeds and metrics.

    --runs N   how many (10000)
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pairs import ROOT, embedded

FILES = ("config.yaml", "status.json", "results.json", "command.txt", "checkpoints/best.json")
QUERIES = {
    "without the index": [],
    "with the index": [],
    "the best ten": ["test/accuracy>=0.005", "--sort", "test/accuracy", "--reverse", "--limit", "10"],
    "by seed, as JSON": ["seed=7", "--json"],
}


def train(folder: Path) -> Path:
    words = ["trainer=cpu", "trainer.max_epochs=1", "callbacks.plots=null", "callbacks.curves=null", f"runs={folder}"]
    subprocess.run(
        [sys.executable, "-m", "leyden", "train", embedded()[0], *words], cwd=ROOT, check=True, capture_output=True
    )
    (status,) = folder.rglob("status.json")  # the link `latest` is not followed
    return status.parent


def copy(run: Path, folder: Path, number: int) -> None:
    target = folder / f"20260101-{number:06d}-0001-{number:08x}"
    (target / "checkpoints").mkdir(parents=True)
    for name in FILES:
        text = (run / name).read_text()
        if name == "config.yaml":
            text = re.sub(r"(?m)^seed: \d+", f"seed: {number}", text)
        if name == "results.json":
            text = re.sub(r'("accuracy|"test/accuracy)": [\d.]+', rf'\1": {number / 10_000}', text)
        (target / name).write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    number = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        project = Path(name)
        run = train(project / "trained")
        for entry in ("configs", "src", "pyproject.toml"):
            (project / entry).symlink_to(ROOT / entry)
        folder = project / "runs" / embedded()[0]
        for place in range(number):
            copy(run, folder, place)
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import torch"], check=True)
        print(f"{'import torch':<20}{time.perf_counter() - begin:6.1f} s")
        for query, words in QUERIES.items():
            begin = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "leyden", "runs", *words],
                cwd=project,
                capture_output=True,
                text=True,
                check=True,
            )
            seconds = time.perf_counter() - begin
            found = len(json.loads(done.stdout)["runs"]) if "--json" in words else done.stdout.count(" finished ")
            print(f"{query:<20}{seconds:6.1f} s, {found} runs")


if __name__ == "__main__":
    main()
