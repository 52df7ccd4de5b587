"""Seconds until the command line answers, beside `import torch`, and until a run has made its first training step, beside
`import lightning.pytorch`: medians of interleaved runs in fresh processes, with embedded data.

The first step is made when its row is in metrics.csv. The processor's seconds, of all threads, are printed too: beside
other work on the machine they say more.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pairs import ROOT, embedded

PROGRAM = "leyden"
REPEATS = 7
EXPERIMENT = embedded()[0]


def misspelt_project(folder: Path) -> Path:
    """The project's configurations with one more experiment, which sets a trainer option that does not exist."""
    (folder / "configs").mkdir()
    for entry in (ROOT / "configs").iterdir():
        if entry.name != "experiment":
            (folder / "configs" / entry.name).symlink_to(entry)
    original = sorted((ROOT / "configs" / "experiment").glob("*/*.yaml"))[0]
    misspelt = folder / "configs" / "experiment" / "misspelt.yaml"
    misspelt.parent.mkdir()
    misspelt.write_text(
        f"{original.read_text()}\ntrainer:\n  max_epoch: 3\n".replace("\ntrainer:\n  max_epochs: ", "\n# ")
    )
    return folder


def seconds(command: list[str], folder: Path, code: int) -> float:
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return time.perf_counter() - begin


def seconds_of_import() -> tuple[float, float]:
    """By the clock, and of the CPU."""
    begin, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, "-c", "import lightning.pytorch"], check=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begin, used


def seconds_to_first_step() -> tuple[float, float]:
    """By the clock, and of the CPU, from the command to the first training step; then the run is killed."""
    with tempfile.TemporaryDirectory() as runs:
        words = [f"experiment={EXPERIMENT}", "trainer=cpu", "trainer.log_every_n_steps=1", f"runs={runs}"]
        command = [sys.executable, "-m", PROGRAM, "train", *words]
        begin, before = time.perf_counter(), os.times()
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
            while not any(file.read_text().count("\n") > 1 for file in Path(runs).glob("*/*/2*/metrics.csv")):
                assert process.poll() is None, "the run ended before its first step"
                time.sleep(0.01)
            taken = time.perf_counter() - begin
            process.kill()
        after = os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
    return taken, used


def report(label: str, times: list[float], reference: float, name: str) -> float:
    median = statistics.median(times)
    spread = f"({min(times):.2f} to {max(times):.2f})"
    print(f"{label:<45} {median:6.2f} s {spread}  {median / (reference or median):.2f} of {name}")
    return median


def answers() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = misspelt_project(Path(name))
        commands = {
            "python -c 'import torch'": (["-c", "import torch"], 0),
            "--help": (["-m", PROGRAM, "--help"], 0),
            "train, a misspelt key in the experiment": (["-m", PROGRAM, "train", "experiment=misspelt"], 2),
            "check --all": (["-m", PROGRAM, "check", "--all"], 0),
        }
        taken: dict[str, list[float]] = {label: [] for label in commands}
        for _ in range(REPEATS + 1):
            for label, (command, code) in commands.items():
                taken[label].append(seconds(command, ROOT if "--all" in command else folder, code))
    reference = statistics.median(taken["python -c 'import torch'"][1:])  # the first one reads the disk
    for label, times in taken.items():
        report(label, times[1:], reference, "torch")


def first_step(repeats: int) -> None:
    pairs = [(seconds_of_import(), seconds_to_first_step()) for _ in range(repeats + 1)][1:]
    for kind, unit in enumerate(("", ", of the CPU")):
        imports, steps = ([one[kind] for one in part] for part in zip(*pairs, strict=True))
        reference = report(f"python -c 'import lightning.pytorch'{unit}", imports, 0, "it")
        report(f"train, to the first step{unit}", steps, reference, "it")
        more = statistics.median(step - one for one, step in zip(imports, steps, strict=True))
        print(f"{f'more than the import{unit}':<45} {more:6.2f} s")


if __name__ == "__main__":
    if "--first-step" not in sys.argv:
        answers()
    first_step(REPEATS)
