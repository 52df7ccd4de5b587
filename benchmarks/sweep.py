"""Seconds of a sweep of short runs with and without launcher.fork, in turn: `python benchmarks/sweep.py`.

Beside other work on the machine, the seconds of the CPU say more.

--pairs N      (3)
--runs N       of each sweep (4)
--experiment   one with embedded data (the first one)
key=value      further settings
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from pairs import ROOT, embedded

PROGRAM = "leyden"


def seconds(experiment: str, runs: int, fork: str, settings: list[str]) -> tuple[float, float]:
    """By the clock, and of the CPU."""
    with tempfile.TemporaryDirectory() as folder:
        seeds = ",".join(map(str, range(runs)))
        words = [f"experiment={experiment}", "trainer=cpu", "trainer.max_epochs=1", f"runs={folder}", *settings]
        command = [sys.executable, "-m", PROGRAM, "train", *words, f"launcher.fork={fork}", "--sweep", f"seed={seeds}"]
        begin, used = time.perf_counter(), processor_seconds()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return time.perf_counter() - begin, processor_seconds() - used


def processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--experiment", default=embedded()[0])
    parser.add_argument("settings", nargs="*")
    words = parser.parse_args()
    os.chdir(ROOT)
    pairs = []
    for _ in range(words.pairs):
        new, forked = (seconds(words.experiment, words.runs, fork, words.settings) for fork in ("false", "true"))
        pairs.append((new, forked))
        print("new processes {:6.1f} s, of the CPU {:6.1f}".format(*new), end="; ")
        print("forked {:6.1f} s, of the CPU {:6.1f}".format(*forked), flush=True)
    ratios = [statistics.median(forked[kind] / new[kind] for new, forked in pairs) for kind in (0, 1)]
    print(f"{words.experiment}, 1 epoch, {words.runs} runs: forked takes {ratios[0]:.2f}, processor {ratios[1]:.2f}")


if __name__ == "__main__":
    main()
