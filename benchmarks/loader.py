"""Training rows a second that the data alone gives, beside a dataset of single rows: `python benchmarks/loader.py`.

Ours is the ordinary data module of a configuration: its loader and its transform of whole batches. The other side is
what templates ship: PIL, soundfile or Python's `re` for each row, torchvision's transforms, a DataLoader of two worker
processes that stay. Both end with batches of floats or padded token ids. Both run in turn, in fresh processes in empty
folders. The first pass begins with nothing: decoding and vocabulary are in it. Of the later passes the median counts.

    --repeats N    pairs (3)
    --data FOLDER  the real MNIST, FSDD, TREC in the folders image_classification/mnist and so on; else they are made
    --only NAME    one of the tasks, such as mnist
    --short        fewer rows, one pair
"""

import argparse
import importlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import made_data
import per_sample
from pairs import ROOT, apart, domains, heading, row, spread
from torch.utils.data import DataLoader, Dataset

from leyden.config.build import build
from leyden.config.compose import compose
from leyden.run.hardware import keep_freed_memory

PASSES = 3
REAL = {
    "mnist": "image_classification/mnist",
    "fsdd": "audio_classification/fsdd/recordings",
    "trec": "text_classification/trec",
}


class Task(NamedTuple):
    domain: str
    make: Callable[[Path, int], Path]
    rows: tuple[int, int]  # made ones, and those in short
    settings: list[str]  # with DATA for the folder
    datasets: Callable[[Path], tuple[Dataset, Callable | None]]  # single rows, and how they are collated
    batch_size: int = 64


def images(size: int) -> Callable[[Path], tuple[Dataset, Callable | None]]:
    return lambda folder: (per_sample.Photographs(folder / "train", size), None)


def jpegs(size: int) -> Task:
    settings = ["data=vision/files", "model=vision/convnet", "data.root=DATA", f"data.image_size={size}"]
    return Task("vision", made_data.photographs, (5_000, 500), settings, images(size))


TREC = ["experiment=text/trec", "data.train=DATA/train_5500.label", "data.test=DATA/TREC_10.label"]
TASKS = {
    "mnist": Task(
        "vision",
        made_data.digits,
        (60_000, 10_000),
        ["experiment=vision/mnist", "data.root=DATA", "data.augment=[]"],
        lambda folder: (per_sample.digits(folder), None),
        batch_size=128,
    ),
    "jpeg, to 64 x 64": jpegs(64),
    "jpeg, to 224 x 224": jpegs(224),
    "fsdd": Task(
        "audio",
        made_data.spoken_digits,
        (3_000, 3_000),
        made_data.SPOKEN_DIGITS,
        lambda folder: (per_sample.Waveforms(folder), per_sample.padded),
    ),
    "trec": Task(
        "text",
        made_data.questions,
        (5_452, 5_452),
        TREC,
        lambda folder: (per_sample.Questions(folder / "train_5500.label"), per_sample.padded),
    ),
}


def speeds(begin: float, passes: Iterator[Iterable[int]]) -> tuple[float, float]:
    """Rows a second of the first pass, which began at that time, and of the later ones, of the rows of each batch."""
    found = []
    for batches in passes:
        count = sum(batches)
        end = time.perf_counter()
        found.append(count / (end - begin))
        begin = end
    return found[0], statistics.median(found[1:])


def ours(config: dict[str, Any]) -> tuple[float, float]:
    keep_freed_memory()  # as `train` does
    begin = time.perf_counter()
    data = build(config["data"], {})
    data.prepare_data()
    data.setup("fit")
    loader, transform = data.train_dataloader(), data.batch_transform("train")
    return speeds(begin, ((len(transform(batch).inputs) for batch in loader) for _ in range(PASSES)))


def theirs(task: Task, folder: Path) -> tuple[float, float]:
    begin = time.perf_counter()
    dataset, collate = task.datasets(folder)
    loader = DataLoader(
        dataset,
        task.batch_size,
        shuffle=True,
        drop_last=True,
        collate_fn=collate,
        num_workers=2,
        persistent_workers=True,
    )
    return speeds(begin, ((len(batch[0]) for batch in loader) for _ in range(PASSES)))


def compare(name: str, folder: Path, repeats: int) -> None:
    task = TASKS[name]
    words = [word.replace("DATA", str(folder)) for word in task.settings]
    # The other side has no validation.
    words += [f"data.batch_size={task.batch_size}", "data.validation_fraction=0.001"]
    config = compose(words, ROOT).config
    importlib.import_module(config["data"]["_target_"].rpartition(".")[0])  # once for all processes
    pairs = []
    for _ in range(repeats):
        sides = []
        for side in (partial(ours, config), partial(theirs, task, folder)):
            with tempfile.TemporaryDirectory() as empty:  # where nothing was kept
                sides.append(apart(side, empty))
        pairs.append(sides)
    for number, label in enumerate(("first pass", "later passes")):
        one, other = ([speeds[number] for speeds in side] for side in zip(*pairs, strict=True))
        ratios = [left / right for left, right in zip(one, other, strict=True)]
        row(name, label, f"{statistics.median(one):.0f}", f"{statistics.median(other):.0f}", spread(ratios))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", choices=TASKS)
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    names = [options.only] if options.only else [name for name, task in TASKS.items() if task.domain in domains()]
    heading("rows", "pass", "Leyden, rows/s", "row by row, rows/s", "ratio")
    with tempfile.TemporaryDirectory() as made:
        for name in names:
            task = TASKS[name]
            folder = Path(made) / task.make.__name__
            if options.data and name in REAL:
                folder = options.data.absolute() / REAL[name]
            elif not folder.exists():
                apart(lambda task=task, folder=folder: str(task.make(folder, task.rows[options.short])), ROOT)
            compare(name, folder, options.repeats or (1 if options.short else 3))


if __name__ == "__main__":
    main()
