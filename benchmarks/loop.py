"""Training rows a second of `train`, with all that is on by default, beside a hand-written loop: `python benchmarks/loop.py`.

The hand-written loop has the same network, optimizer, schedule, batches and device transform, indexes tensors that are
in memory, and prints a loss now and then; nothing else. `train` logs, draws its progress bar on a terminal, measures and
saves checkpoints. Both sides are new processes, which take turns of a tenth of a second. An epoch of each is a pair; the
first does not count, nor does what comes between two epochs.

    --repeats N    processes of each side (3), of eight pairs each
    --only NAME    one of the tasks, such as image
    --short        one process of each side, the first task
"""

import argparse
import gc
import itertools
import os
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import made_data
import torch
import turns
from pairs import ROOT, domains, heading, row, spread
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_
from torch.utils.data import Subset

from leyden.config.compose import compose
from leyden.data.core.batch import Batch
from leyden.optim.fused import fused
from leyden.optim.parameter_groups import parameter_groups
from leyden.run.directory import RunDirectory
from leyden.run.execute import execute
from leyden.run.worker import Worker

EPOCHS = 9
SETTINGS = [
    "trainer=cpu",
    f"trainer.max_epochs={EPOCHS}",
    "+trainer.limit_val_batches=2",
    "+trainer.limit_test_batches=2",
    "callbacks.plots=null",
]
TASKS = {
    "image": [
        "experiment=vision/mnist",
        "data.batch_size=256",
        "data.root=DATA",
        "data.augment=[]",
        "model.network.width=8",
    ],
    "audio": made_data.SPOKEN_DIGITS,
    "vowels": ["experiment=audio/vowels"],
    "text": ["experiment=text/stdlib", "model=text/transformer"],
    "bag of words": ["experiment=text/stdlib"],
    "language": ["experiment=text/stdlib_modelling", "+trainer.limit_train_batches=30"],
}
MADE = {"image": (made_data.digits, 20_000), "audio": (made_data.spoken_digits, 3_000)}


def template(config: dict[str, Any], own: str, other: str) -> list[list[float]]:
    """Seconds of each step of each epoch after the first."""
    taken = {"turns": {"_target_": "turns.Turns", "own": own, "other": other}}
    callbacks = taken | config["callbacks"]
    run = RunDirectory.create(config | {"callbacks": callbacks}, ROOT, ["benchmarks/loop.py"])
    if execute(run, "train"):
        raise RuntimeError((run.path / "log.txt").read_text())
    return turns.SECONDS[1:]


def fetcher(rows: Any) -> Callable[[list[int]], Batch]:
    """Row numbers -> batch, of tensors that hold all rows, padded; windows lie in one stream as it is."""
    if not isinstance(rows, Subset):
        return rows.__getitems__
    everything = rows.__getitems__(list(range(len(rows))))

    def fetch(indices: list[int]) -> Batch:
        numbers = torch.tensor(indices)
        batch = Batch(*(None if part is None else part[numbers] for part in everything))
        return batch if batch.lengths is None else batch._replace(inputs=batch.inputs[:, : batch.lengths.max()])

    return fetch


def by_hand(config: dict[str, Any], own: str, other: str) -> list[list[float]]:
    """Seconds of each step of each epoch after the first."""
    side = turns.Turns(own, other)
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "0"  # as it is without Lightning
    gc.freeze()
    worker = Worker(RunDirectory.create(config, ROOT, ["benchmarks/loop.py"]), trains=True)
    data, model, network = worker.data, worker.model, worker.model.network
    rows = data.samples["train"]
    fetch, transform, batches = fetcher(rows), data.batch_transform("train"), data._batches("train")
    limit, clip = (config["trainer"].get(name) for name in ("limit_train_batches", "gradient_clip_val"))
    limit = limit or len(batches)
    optimizer = fused(model.optimizer, parameter_groups(network), scales=False, clips=bool(clip))
    scheduler = model.scheduler(optimizer, total_steps=EPOCHS * limit) if model.scheduler else None
    network.train()
    for epoch in range(EPOCHS):
        side.on_train_epoch_start()
        for number, indices in enumerate(itertools.islice(batches, limit)):
            inputs, targets, lengths = transform(fetch(indices))
            logits = network(inputs) if lengths is None else network(inputs, lengths)
            loss = cross_entropy(logits.flatten(0, targets.ndim - 1), targets.flatten())
            optimizer.zero_grad()
            loss.backward()
            if clip:
                clip_grad_norm_(network.parameters(), clip)
            optimizer.step()
            if scheduler:
                scheduler.step()
            if number % 10 == 0:
                print(epoch, number, loss.item())
            side.on_train_batch_end()
    return turns.SECONDS[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=TASKS)
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    os.chdir(ROOT)
    chosen = [options.only] if options.only else list(TASKS)[:1] if options.short else list(TASKS)
    heading("task", "`train`, ms a step", "by hand, ms a step", "ratio")
    with tempfile.TemporaryDirectory() as folder:
        for task in chosen:
            if TASKS[task][0].partition("=")[2].partition("/")[0] not in domains():
                continue
            if task in MADE:
                make, number = MADE[task]
                make(Path(folder, task), number)
            words = [word.replace("DATA", f"{folder}/{task}") for word in TASKS[task]] + SETTINGS
            config = compose(words, ROOT).config | {"runs": f"{folder}/runs", "name": "loop"}
            pairs = []
            for _ in range(1 if options.short else options.repeats):
                pairs += zip(*turns.by_turns(partial(template, config), partial(by_hand, config)), strict=True)
            sides = zip(*pairs, strict=True)
            ours, theirs = (f"{1000 * statistics.median(map(statistics.mean, side)):.1f}" for side in sides)
            row(task, ours, theirs, spread((sum(other) / sum(one) for one, other in pairs), ".3f"))


if __name__ == "__main__":
    main()
