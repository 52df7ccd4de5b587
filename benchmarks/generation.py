"""Seconds in which a project is generated: `python benchmarks/generation.py`. Only where the template is.

Beside `cookiecutter --help`, its imports alone; both run in turn, in processes of their own. Processor seconds are those
of all its processes, which other work on the machine lengthens less.

    --repeats N    pairs (7)
    --short        three
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pairs import ROOT, heading, row, spread

CHOICES = ("all", "vision", "audio", "text")


def seconds(arguments: list[str]) -> tuple[float, float]:
    """Of a clock, and of CPUs."""
    begin, used = time.perf_counter(), processor_seconds()
    command = [sys.executable, "-m", "cookiecutter", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return time.perf_counter() - begin, processor_seconds() - used


def processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def generation(domains: str) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COOKIECUTTER_CONFIG"] = str(Path(folder) / "none.yaml")
        Path(os.environ["COOKIECUTTER_CONFIG"]).write_text("{}")
        return seconds([str(ROOT), "--no-input", "--output-dir", folder, f"domains={domains}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    repeats = options.repeats or (3 if options.short else 7)
    seconds(["--help"])  # the first one reads the disk
    heading("domains", "seconds", "`cookiecutter --help`", "CPU seconds", "`cookiecutter --help`")
    for choice in CHOICES:
        pairs = [(generation(choice), seconds(["--help"])) for _ in range(repeats)]
        row(choice, *(spread(pair[side][clock] for pair in pairs) for clock in (0, 1) for side in (0, 1)))


if __name__ == "__main__":
    main()
