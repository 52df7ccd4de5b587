"""Share of the elements of training batches that is padding, batches by length beside shuffled ones.

    python benchmarks/padding.py

The mean of ten epochs, of FSDD and TREC in their official splits; nothing is timed.

    --data FOLDER  the real ones in the folders audio_classification/fsdd and text_classification/trec; else they are made
    --short        as it is: a few seconds
"""

import argparse
import tempfile
from pathlib import Path

from loader import REAL, TASKS
from pairs import ROOT, domains, heading, row

from leyden.config.build import build
from leyden.config.compose import compose
from leyden.data.core.samples import sample_lengths

EPOCHS = 10
BUCKETS = (32, 64)  # the default, and twice that


def padding(settings: list[str]) -> float:
    """Of all elements of all training batches, those beyond the ends of their rows."""
    data = build(compose(settings, ROOT).config["data"], {})
    data.setup("fit")
    lengths, batches = sample_lengths(data.samples["train"]), data._batches("train")
    filled = places = 0
    for epoch in range(EPOCHS):
        for batch in batches.training_batches(epoch):
            filled += int(lengths[batch].sum())
            places += len(batch) * int(lengths[batch].max())
    return 1 - filled / places


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    heading("rows", "shuffled", *(f"`bucket_batches={number}`, of shuffled" for number in BUCKETS))
    for name in ("fsdd", "trec"):
        task = TASKS[name]
        if task.domain not in domains():
            continue
        with tempfile.TemporaryDirectory() as made:
            real = options.data and options.data.absolute() / REAL[name]
            folder = real or task.make(Path(made) / name, task.rows[0])
            words = [word.replace("DATA", str(folder)) for word in task.settings]
            shuffled, *by_length = (padding([*words, f"data.bucket_batches={number}"]) for number in (0, *BUCKETS))
        row(name, f"{shuffled:.3f}", *(f"{share:.3f}, {share / shuffled:.2f}" for share in by_length))


if __name__ == "__main__":
    main()
