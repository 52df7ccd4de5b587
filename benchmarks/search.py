"""A search that is killed and resumed: `python benchmarks/search.py`.

Everything, the search and its trials, is killed with SIGKILL in the middle of trials, each time after a further part of
them has ended, and resumed. At the end each trial has to be there once, with its values, finished or pruned, no epoch
lost or trained twice; the best has to beat the experiment's own values on validation, and only it is tested.

    --trials N    how many (30)
    --workers N   at once (2)
    --kills N     how often everything is killed (2)
    key=value     further settings
"""

import argparse
import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import yaml
from pairs import ROOT, embedded

SPACE = [
    "model.optimizer.lr=tag(log,interval(1e-4,1e-1))",
    "model.optimizer.weight_decay=interval(0.0,0.3)",
    "data.batch_size=32,64,128",
    "model.network.width=8,16,32",
]
SETTINGS = ["trainer=cpu", "trainer.max_epochs=5", "trainer.limit_train_batches=8", "data.num_workers=0"]
SETTINGS += ["launcher.fork=true", "callbacks.last.every_n_steps=5", "callbacks.plots=null", "callbacks.curves=null"]


class Search:
    """One search in several lives."""

    def __init__(self, words: list[str], runs: Path) -> None:
        self.words, self.runs = words, runs
        self.kills, self.killed = 0, list[str]()

    @property
    def study(self) -> Path:
        (file,) = self.runs.glob("studies/*/*/*/study.yaml")
        return file.parent

    def live(self, is_over=lambda: False) -> int | None:
        """Begin or resume it until it ends or `is_over`, then kill everything; return the exit code."""
        begun = list(self.runs.glob("studies/*/*/*/study.yaml"))
        words = ["--resume", str(self.study)] if begun else self.words
        process = subprocess.Popen([sys.executable, "-m", "leyden", "sweep", *words], cwd=ROOT)
        while process.poll() is None:
            if is_over():
                children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout
                self.killed += [run.name for run in self.states("running")]
                for pid in [process.pid, *map(int, children.split())]:
                    with suppress(ProcessLookupError):  # it has just ended
                        os.kill(pid, signal.SIGKILL)
                process.wait()
                self.kills += 1
                return None
            time.sleep(0.02)
        return process.returncode

    def states(self, *names: str) -> list[Path]:
        files = self.runs.glob("studies/*/*/*/runs/*/status.json")
        return [file.parent for file in sorted(files) if json.loads(file.read_text())["state"] in names]

    def is_training(self, ended: int) -> bool:
        """Whether so many trials have ended, and each worker is in the middle of another one."""
        if len(self.states("finished", "pruned", "failed")) < ended:
            return False
        running = self.states("running")
        return bool(running) and all((run / "metrics.csv").exists() for run in running)


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def validations(run: Path) -> Counter[str]:
    """Count the validations at each step."""
    return Counter(row["step"] for row in rows(run / "metrics.csv") if row.get("val/loss"))


def report(search: Search, trials: int, workers: int, seconds: float) -> bool:
    results = rows(search.study / "results.csv")
    runs = sorted((search.study / "runs").iterdir())
    states = Counter(row["state"] for row in results)
    (objective,) = yaml.safe_load((search.study / "study.yaml").read_text())["objectives"]
    values = {int(row["trial"]): float(row[objective]) for row in results if row["state"] == "finished"}
    best = max(values, key=lambda trial: values[trial])
    lost = set(range(trials)) - {int(row["trial"]) for row in results}
    doubled = len(results) - len({row["trial"] for row in results}) + abs(len(runs) - trials)
    repeated = sum(count - 1 for run in runs for count in validations(run).values())
    choices = Counter(json.dumps(json.loads((run / "status.json").read_text())["choices"]) for run in runs)
    measured = [run for run in runs if (run / "results.json").exists()]  # pruned runs have none
    tested = [run for run in measured if "test" in json.loads((run / "results.json").read_text())]
    test = json.loads((tested[0] / "results.json").read_text())["test"]["best"] if tested else {}
    resumed = sorted(set(search.killed))
    print(f"trials                {len(results)}: {dict(states)}, {workers} at once, {seconds:.0f} s")
    print(f"kills                 {search.kills} of everything, in the middle of trials {', '.join(resumed)}")
    print(f"lost, doubled trials  {len(lost)}, {doubled}; equal values {sum(choices.values()) - len(choices)}")
    print(f"repeated validations  {repeated}")
    print(f"{objective:<22}{values[0]:.4f} of the experiment's own values, {values[best]:.4f} of trial {best}")
    print(f"tested runs           {len(tested)}: {', '.join(f'{name} {value:.4f}' for name, value in test.items())}")
    is_whole = not lost and not doubled and not repeated and states.keys() <= {"finished", "pruned"}
    return is_whole and values[best] > values[0] and len(tested) == 1 and tested[0].name.endswith(f"{best:04d}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("settings", nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        words = [embedded()[0], *SETTINGS, *SPACE, "search=tpe", f"search.trials={options.trials}"]
        words += [f"launcher.parallel={options.workers}", f"runs={folder}", *options.settings]
        search, begin = Search(words, Path(folder)), time.monotonic()
        for kill in range(options.kills):
            ended = options.trials * (kill + 1) // (options.kills + 1)
            code = search.live(lambda ended=ended: search.is_training(ended))
            assert code is None, f"it ended with {code} before it could be killed"
        code = search.live()
        assert code == 0, code
        return 0 if report(search, options.trials, options.workers, time.monotonic() - begin) else 1


if __name__ == "__main__":
    sys.exit(main())
