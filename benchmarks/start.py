"""Seconds until the command line answers, beside `import torch`: medians of interleaved runs in fresh processes."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROGRAM = "leyden"
REPEATS = 7


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


def main() -> None:
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
    reference = statistics.median(taken["python -c 'import torch'"][1:])
    for label, times in taken.items():
        median = statistics.median(times[1:])  # the first one reads the disk
        spread = f"({min(times[1:]):.2f} to {max(times[1:]):.2f})"
        print(f"{label:<45} {median:6.2f} s {spread}  {median / reference:.2f} of torch")


if __name__ == "__main__":
    main()
