"""Preempts one run on a real SLURM of two hosts again and again: `python benchmarks/requeues.py`, as root.

Prints the seconds from each signal to the job's return to the queue, and from there to the next training step. In the
end no step may be missing or be there twice.

    --requeues N   how many (20)
"""

import argparse
import csv
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
os.chdir(ROOT)
sys.path.insert(0, str(ROOT / "tests" / "cluster"))

from mini_slurm import LONG, TWO_HOSTS, Cluster, status, wait  # noqa: E402


def steps(run: Path) -> list[int]:
    file = run / "metrics.csv"
    if not file.exists():
        return []
    with file.open(newline="") as lines:
        return [int(row["step"]) for row in csv.DictReader(lines) if row.get("train/loss")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requeues", type=int, default=20)
    number = parser.parse_args().requeues
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(Path(folder) / "slurm")
        try:
            saving, returning = requeue(cluster, Path(folder) / "runs", number)
        finally:
            cluster.close()
    print(
        f"{number} requeues; seconds to save and queue: median {statistics.median(saving):.1f}, max {max(saving):.1f}"
    )
    print(f"seconds from there to the next step: median {statistics.median(returning):.1f}, max {max(returning):.1f}")


def requeue(cluster: Cluster, runs: Path, number: int) -> tuple[list[float], list[float]]:
    run = cluster.submit(runs, TWO_HOSTS, *LONG)
    wait(lambda: len(steps(run)) > 5, run)
    saving, returning = [], []
    for count in range(1, number + 1):
        begin = time.monotonic()
        cluster.signal(run, "USR1")
        wait(lambda: status(run)["state"] == "preempted", run)
        wait(lambda: cluster.state(run) == "PENDING", run)
        queued, known = time.monotonic(), len(steps(run))
        wait(lambda known=known: len(steps(run)) > known + 5, run)
        saving.append(queued - begin)
        returning.append(time.monotonic() - queued)
        print(f"requeue {count}: {saving[-1]:.1f} s, {returning[-1]:.1f} s, {len(steps(run))} steps", flush=True)
    cluster.command("cancel", run)
    cluster.wait_for_end(run, "CANCELLED")
    found = steps(run)
    if found != list(range(len(found))):
        sys.exit("steps are missing or are there twice")
    return saving, returning


if __name__ == "__main__":
    main()
