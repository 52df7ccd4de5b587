"""Kills small runs at random moments and compares their ends with that of a run left alone: `python benchmarks/chaos.py`.

Each life of a run is a process of its own that is killed with SIGKILL after a random time, from its first moment to the
seconds that an undisturbed run takes, every fifth as soon after it as a checkpoint is half written; then the run goes
on from its last checkpoint. A run that comes to its end is compared bit by bit, weights and optimizer, and row by row,
and another one begins, until there were enough kills. Lives are forked from this process, which has imported all that
they need, so that the kills meet the training.

    --kills N      how many (50)
    --seed N       of the moments (0)
    --experiment   one with embedded data (the first one)
    key=value      further settings
"""

import argparse
import csv
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import lightning.pytorch  # noqa: F401 - once for all lives
import numpy as np
import torch
from pairs import ROOT, embedded

from leyden.config.compose import compose
from leyden.run.directory import RunDirectory
from leyden.run.execute import execute

SETTINGS = [
    "trainer=cpu",
    "trainer.max_epochs=6",
    "trainer.limit_train_batches=21",  # the last optimizer step of an epoch has one batch
    "trainer.accumulate_grad_batches=2",
    "trainer.log_every_n_steps=1",
    "data.num_workers=1",
    "callbacks.last.every_n_steps=2",
]
# Dropout and mixup, where there are images.
IMAGES = [
    "model=vision/vit",
    "+model.network.builder.dropout=0.1",
    "+model.mix={_target_:torchvision.transforms.v2.MixUp,num_classes:10}",
]
TIMES = ("_per_second", "/data_wait", "/flops_utilization")


def create(experiment: str, settings: list[str], runs: Path) -> RunDirectory:
    words = [f"experiment={experiment}", *SETTINGS, *(IMAGES if experiment == "vision/digits" else []), *settings]
    config = compose(words, ROOT).config | {"runs": str(runs)}
    return RunDirectory.create(config, ROOT, ["benchmarks/chaos.py", *words])


def is_writing(run: RunDirectory, begin: float) -> bool:
    """Whether there is an unfinished checkpoint, other than one that a life before this one has left."""
    try:
        return any(file.stat().st_mtime > begin for file in run.path.glob("checkpoints/.*"))
    except FileNotFoundError:  # it was finished just now
        return False


def live(run: RunDirectory, seconds: float = float("inf"), writing: bool = False) -> int | None:
    """One process that trains; its exit code, or None if it was killed: after so many seconds and, if `writing`, as
    soon as a checkpoint has been begun."""
    if not (child := os.fork()):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os._exit(execute(run, "train"))
    begin = time.time()
    while (is_early := time.time() < begin + seconds) or (writing and not is_writing(run, begin)):
        finished, status = os.waitpid(child, os.WNOHANG)
        if finished:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005 if is_early else 0.0002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def tensors(content: object, name: str = "") -> dict[str, torch.Tensor]:
    """All tensors in a checkpoint, by their places in it."""
    if isinstance(content, torch.Tensor):
        return {name: content}
    pairs = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return {place: value for key, part in pairs for place, value in tensors(part, f"{name}/{key}").items()}


def state(run: RunDirectory, name: str) -> dict[str, torch.Tensor]:
    checkpoint = torch.load(run.checkpoint(name), weights_only=True)
    return tensors({key: checkpoint[key] for key in ("state_dict", "optimizer_states")})


def differing_bits(one: RunDirectory, other: RunDirectory) -> int:
    count = 0
    for name in ("best", "last"):
        left, right = state(one, name), state(other, name)
        assert left.keys() == right.keys()
        for place, tensor in left.items():
            bits = [np.unpackbits(value.numpy().reshape(-1).view(np.uint8)) for value in (tensor, right[place])]
            count += int((bits[0] != bits[1]).sum())
    return count


def rows(run: RunDirectory) -> Counter[tuple[tuple[str, str], ...]]:
    """The rows of metrics.csv; of what is measured with a clock, that it is there."""
    with (run.path / "metrics.csv").open(newline="") as file:
        kept = (
            [(key, "a time" if key.endswith(TIMES) else value) for key, value in row.items() if value]
            for row in csv.DictReader(file)
        )
        return Counter(tuple(sorted(row)) for row in kept)


class Chaos:
    def __init__(self, experiment: str, settings: list[str], runs: Path, seed: int) -> None:
        self.create = lambda: create(experiment, settings, runs)
        self.random = random.Random(seed)
        self.alone = self.create()
        begin = time.monotonic()
        assert live(self.alone) == 0, (self.alone.path / "log.txt").read_text()
        self.seconds = time.monotonic() - begin
        self.expected = rows(self.alone)
        self.kills = self.runs = self.resumed = self.writing = self.bits = self.lost = self.doubled = 0
        self.wasted: list[float] = []

    def run(self, kills: int) -> None:
        """One run, killed until it comes to its end, or until there were so many kills in all."""
        run = self.create()
        while True:
            seconds = self.random.uniform(0, self.seconds) if self.kills < kills else float("inf")
            self.resumed += run.has_checkpoint
            begin = time.time()
            code = live(run, seconds, writing=self.kills % 5 == 4 and self.kills < kills)
            if code is not None:
                break
            self.kills += 1
            self.writing += is_writing(run, begin)
            saved = max((file.stat().st_mtime for file in run.path.glob("checkpoints/last.ckpt")), default=0)
            self.wasted.append(time.time() - max(saved, begin))
        assert code == 0, (run.path / "log.txt").read_text()
        self.runs += 1
        self.bits += differing_bits(self.alone, run)
        self.lost += (self.expected - rows(run)).total()
        self.doubled += (rows(run) - self.expected).total()

    def report(self) -> bool:
        print(f"undisturbed           {self.seconds:.1f} s, {self.expected.total()} rows of metrics")
        print(f"kills                 {self.kills} in {self.runs} runs, {self.writing} while a checkpoint was written")
        print(f"resumed               {self.resumed} times from a checkpoint")
        print(f"differing bits        {self.bits}")
        print(f"lost, doubled rows    {self.lost}, {self.doubled}")
        print(
            f"seconds lost a kill   {statistics.median(self.wasted):.2f} (median; since the last checkpoint or start)"
        )
        return not (self.bits or self.lost or self.doubled)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--experiment", default=embedded()[0])
    parser.add_argument("settings", nargs="*")
    words = parser.parse_args()
    os.chdir(ROOT)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as runs:
        chaos = Chaos(words.experiment, words.settings, Path(runs), words.seed)
        print(f"{words.experiment}, moments of seed {words.seed}")
        while chaos.kills < words.kills:
            chaos.run(words.kills)
        return 0 if chaos.report() else 1


if __name__ == "__main__":
    sys.exit(main())
