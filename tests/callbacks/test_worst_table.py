"""The table of the worst samples of an evaluation."""

import csv
from functools import partial
from math import log
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Trainer
from points import Points
from torch import nn

from leyden.callbacks import PredictionPlots
from leyden.data.core.classes import Labels
from leyden.tasks import Classification


class Filed(Points):
    """Points that come from files; the classes of two test samples are wrong."""

    root = "/data"

    def official_splits(self):
        return "train", "test"

    def load(self, split):
        samples = super().load(split)
        if split == "test":
            samples.targets = samples.targets.clone()
            samples.targets[[3, 38]] = 1 - samples.targets[[3, 38]]
        return samples

    def sources(self, split):
        return [Path(f"/data/{split}/{index}.txt") for index in range(40)]


def evaluated(folder, data, split="test", plots=None, **options):
    """The rows of the table after an evaluation of a network that knows the classes."""
    network = nn.Linear(1, 2)
    network.weight.data, network.bias.data = torch.tensor([[-3.0], [3.0]]), torch.zeros(2)
    model = Classification(network=network, class_names=["low", "high"], optimizer=partial(torch.optim.SGD, lr=0.1))
    model.forward = lambda inputs, lengths=None: network(inputs)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    plots = plots or PredictionPlots(num_samples=3)
    trainer = Trainer(accelerator="cpu", callbacks=[plots], default_root_dir=folder, **quiet, **options)
    (trainer.test if split == "test" else trainer.validate)(model, data, verbose=False)
    with (folder / "plots" / f"{split}_worst_samples.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_worst_samples_have_file_classes_and_loss(tmp_path):
    rows = evaluated(tmp_path, Filed(batch_size=7))
    assert [(row["sample"], row["file"], row["true"], row["predicted"]) for row in rows[:2]] == [
        ("38", "test/38.txt", "low", "high"),
        ("3", "test/3.txt", "high", "low"),
    ]
    assert float(rows[0]["loss"]) == pytest.approx(-log(float(rows[0]["probability of true"])), abs=1e-2)
    assert float(rows[0]["confidence"]) == pytest.approx(1 - float(rows[0]["probability of true"]), abs=1e-5)
    assert [float(row["loss"]) for row in rows] == sorted((float(row["loss"]) for row in rows), reverse=True)


def test_samples_of_a_held_out_split_have_the_files_of_training(tmp_path):
    data = Filed(batch_size=7)
    rows = evaluated(tmp_path, data, "val")
    for row in rows:
        assert row["file"] == f"train/{data.samples['validation'].indices[int(row['sample'])]}.txt"


def test_without_all_samples_of_the_loader_neither_index_nor_file_is_named(tmp_path):
    rows = evaluated(tmp_path, Filed(batch_size=7), limit_test_batches=2)
    assert [*rows[0]] == ["true", "predicted", "confidence", "probability of true", "loss"]


def test_several_classes_are_named_and_other_targets_left_out():
    names, probabilities = ["a", "b", "c"], torch.tensor([0.9, 0.2, 0.6])
    multilabel = Labels(separator=";").describe(torch.tensor([1, 1, 0], dtype=torch.uint8), probabilities, names)
    assert multilabel == {"true": "a;b", "predicted": "a;c"}
    assert Labels().describe(torch.tensor(0.5), probabilities, names) == {}
    assert Labels().describe(torch.tensor(1), torch.zeros(3, 3), names) == {}
