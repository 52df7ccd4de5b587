"""Sends signals to small runs at random points of their training and compares their ends: `python benchmarks/resume.py`.

Each case draws settings (every experiment with embedded data, gradient accumulation, validations within epochs, limits,
early stopping, averaged weights, mixup, workers, one or two optimizers), one or two points, such as the second step of
the optimizer, the third batch of a validation or the middle of a checkpoint's file, and what is sent there: SIGKILL,
SIGTERM or SIGINT. The run is resumed until it comes to its end. It must not differ from an undisturbed one in any bit of
the best and the last checkpoint (weights, optimizers, schedules, counters, states of callbacks), in any row of
metrics.csv or its place, or in the results. Three cases share an undisturbed run.

    --cases N      how many (200)
    --seed N       of the cases (0)
    --output FILE  one line of JSON a case; the cases in it are not done again (none)
    --part I/N     every N-th case, from the I-th on: for several processes, with an output each
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import torch
from pairs import ROOT

os.chdir(ROOT)
sys.path.insert(0, str(ROOT / "tests" / "callbacks"))

import resume_cases  # noqa: E402 - from there

SHARE = 3  # cases that are compared with one undisturbed run


def run_group(seed: int, group: int, numbers: list[int], folder: Path) -> Iterator[dict]:
    """The lines of the cases of these numbers, which share settings."""
    settings = resume_cases.draw_settings(Random(f"{seed}/{group}"))
    alone, calls = resume_cases.undisturbed(settings, folder)
    for number in numbers:
        begin = time.monotonic()
        signals = resume_cases.draw_signals(Random(f"{seed}/{group}/{number}"), calls)
        codes, found = resume_cases.disturbed(alone, signals, settings, folder)
        yield {
            "case": number,
            "settings": settings,
            "signals": [signal._asdict() for signal in signals[: len(codes)]],
            "codes": codes,
            "differences": found,
            "seconds": round(time.monotonic() - begin, 1),
        }


def report(lines: list[dict]) -> bool:
    bad = [line for line in lines if line["differences"]]
    sent = Counter(signal["point"] for line in lines for signal in line["signals"])
    kinds = Counter(resume_cases.NAMES[signal["number"]] for line in lines for signal in line["signals"])
    experiments = Counter(line["settings"][0].partition("=")[2] for line in lines)
    print(f"cases        {len(lines)}, of {len(experiments)} experiments; {sum(len(x['codes']) for x in lines)} lives")
    print(f"signals      {', '.join(f'{count} {name}' for name, count in kinds.most_common())}")
    print(f"points       {', '.join(f'{count} {name}' for name, count in sent.most_common())}")
    print(f"differing    {len(bad)} cases")
    for line in bad:
        print(f"\ncase {line['case']}: {' '.join(line['settings'])}\n  {line['signals']}, exit codes {line['codes']}")
        print("\n".join(f"  {difference[:1000]}" for difference in line["differences"][:20]))
    return not bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path(os.devnull))
    parser.add_argument("--part", default="0/1")
    words = parser.parse_args()
    torch.set_num_threads(1)
    if not words.output.exists():
        words.output.touch()
    lines = [json.loads(line) for line in words.output.read_text().splitlines()]
    done = {line["case"] for line in lines}
    part, parts = map(int, words.part.split("/"))
    for group in range(part, -(-words.cases // SHARE), parts):
        numbers = [n for n in range(SHARE * group, min(words.cases, SHARE * (group + 1))) if n not in done]
        if numbers:
            with tempfile.TemporaryDirectory() as folder, words.output.open("a", buffering=1) as file:
                for line in run_group(words.seed, group, numbers, Path(folder)):
                    lines.append(line)
                    file.write(json.dumps(line) + "\n")
    return 0 if report(lines) else 1


if __name__ == "__main__":
    sys.exit(main())
