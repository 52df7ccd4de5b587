"""Seconds of a sweep of short runs in different ways, in turn: `python benchmarks/sweep.py parallel`.

fork        with and without launcher.fork: one import of torch for all runs
parallel    two at once against one by one, each run with one thread, and whether each ends with the same bits

Beside other work on the machine, the seconds of the CPU say more about fork, and the ratio about parallel.

--pairs N      (3)
--runs N       of each sweep (8)
--experiment   one with embedded data (the first one)
key=value      further settings
"""

import argparse
import hashlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import yaml
from pairs import ROOT, embedded

PROGRAM = "leyden"
# The settings of both sides, and the name of each.
WAYS = {
    "fork": (("new processes", "launcher.fork=false"), ("forked", "launcher.fork=true")),
    "parallel": (("one by one", "launcher.parallel=1"), ("two at once", "launcher.parallel=2")),
}
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # of each run, on both sides


def sweep(words: argparse.Namespace, setting: str) -> tuple[float, float, dict[int, str]]:
    """By the clock, of the CPU, and the hash of the weights of each seed."""
    with tempfile.TemporaryDirectory() as folder:
        seeds = ",".join(map(str, range(words.runs)))
        settings = [f"experiment={words.experiment}", "trainer=cpu", "trainer.max_epochs=1", f"runs={folder}"]
        settings += [setting, *words.settings]
        command = [sys.executable, "-m", PROGRAM, "sweep", *settings, f"seed={seeds}"]
        begin, used = time.perf_counter(), processor_seconds()
        environment = {**os.environ, **ONE_THREAD}
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        times = time.perf_counter() - begin, processor_seconds() - used
        return *times, dict(weights(path) for path in Path(folder).glob("studies/*/*/*/runs/*"))


def weights(run: Path) -> tuple[int, str]:
    """Seed and hash of the final weights."""
    seed = yaml.safe_load((run / "config.yaml").read_text())["seed"]
    state = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    digest = hashlib.sha256()
    for name, value in sorted(state.items()):
        digest.update(name.encode() + value.contiguous().numpy().tobytes())
    return seed, digest.hexdigest()


def processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--experiment", default=embedded()[0])
    parser.add_argument("settings", nargs="*")
    words = parser.parse_intermixed_args()
    os.chdir(ROOT)
    pairs = []
    for number in range(words.pairs):
        # The order changes, so that neither is always the first.
        sides = {name: sweep(words, setting) for name, setting in WAYS[words.way][:: -1 if number % 2 else 1]}
        pair = [sides[name] for name, _ in WAYS[words.way]]
        pairs.append(pair)
        for name, (seconds, used, _) in sides.items():
            print(f"{name} {seconds:6.1f} s, of the CPU {used:6.1f}", end="; ", flush=True)
        same = sum(pair[0][2][seed] == pair[1][2][seed] for seed in range(words.runs))
        print(f"{same} of {words.runs} runs end with the same bits", flush=True)
    clock, used = (statistics.median(second[kind] / first[kind] for first, second in pairs) for kind in (0, 1))
    name = WAYS[words.way][1][0]
    print(
        f"{words.experiment}, 1 epoch, {words.runs} runs: {name} takes {clock:.2f} of the time, {used:.2f} of the CPU's"
    )


if __name__ == "__main__":
    main()
