import logging
import os
from types import SimpleNamespace

import pytest
import torch
from lightning.fabric.utilities import data as lightning_data
from torch import nn
from torch.utils.data import Subset

from leyden.data import Batch, DataModule
from leyden.data.core.loading import (
    MAX_WORKERS,
    choose_workers,
    decodes,
    loading_advice,
    spare_cores,
)
from leyden.data.core.samples import TensorSamples
from leyden.data.storage.file_samples import FileSamples
from leyden.data.vision.boxes import BoxSamples
from leyden.data.vision.mask_files import MaskedSamples

NUM_ROWS = 40
IN_MEMORY = TensorSamples(torch.zeros(NUM_ROWS, 1), torch.arange(NUM_ROWS))


def read(number):
    return torch.tensor([number])


IN_FILES = FileSamples(range(NUM_ROWS), torch.arange(NUM_ROWS) % 2, read)
IN_BATCHES = FileSamples(range(NUM_ROWS), torch.arange(NUM_ROWS) % 2, read, read_many=lambda paths: [None] * len(paths))


@pytest.fixture
def cores(monkeypatch):
    for name in ("SLURM_CPUS_PER_TASK", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    return lambda number: monkeypatch.setattr(lightning_data, "_num_cpus_available", lambda: number)


def test_only_files_are_decoded_ahead():
    assert [decodes(samples) for samples in (IN_MEMORY, Subset(IN_MEMORY, [1]), IN_FILES, Subset(IN_FILES, [1]))] == [
        False,
        False,
        True,
        True,
    ]
    assert decodes(MaskedSamples(IN_FILES))
    assert decodes(BoxSamples(IN_FILES, [], []))
    assert not decodes(MaskedSamples(IN_MEMORY))
    assert not decodes(IN_BATCHES)
    assert not decodes(BoxSamples(IN_MEMORY, [], []))


@pytest.mark.parametrize(
    ("num_cores", "num_ranks", "num_batches", "num_workers"),
    [(8, 1, 100, 7), (8, 2, 100, 3), (64, 1, 100, MAX_WORKERS), (1, 1, 100, 1), (8, 1, 3, 2), (8, 1, 1, 0)],
)
def test_workers_are_as_many_as_spare_cores(cores, num_cores, num_ranks, num_batches, num_workers):
    cores(num_cores)
    assert choose_workers(IN_FILES, num_batches, num_ranks) == num_workers
    assert choose_workers(IN_MEMORY, num_batches, num_ranks) == 0


def test_the_cores_are_those_that_this_process_may_use():
    assert spare_cores(1) == max(1, len(os.sched_getaffinity(0)) - 1)


def test_on_slurm_the_cores_are_those_of_the_task(cores, monkeypatch):
    cores(64)
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "6")
    assert spare_cores(num_ranks=4) == 5
    cores(4)  # its CPU affinity
    assert spare_cores(num_ranks=4) == 3
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")  # torchrun's ranks share the task
    assert spare_cores(num_ranks=2) == 1


class Numbers(DataModule):
    rows_of = staticmethod(lambda: IN_FILES)

    def load(self, split):
        self.class_names = ["even", "odd"]
        return self.rows_of()

    def batch_transform(self, stage):
        return nn.Identity()


def prepared(**options):
    data = Numbers(batch_size=4, **options)
    data.setup("fit")
    return data


def test_files_are_read_ahead_by_themselves_which_is_logged_once(cores, caplog):
    cores(3)
    caplog.set_level(logging.INFO, logger="leyden")
    data = prepared()
    loaders = data.train_dataloader(), data.val_dataloader()
    assert [loader.num_workers for loader in loaders] == [2, 0]  # all four validation samples are one batch
    assert [loader.prefetch_factor for loader in loaders] == [2, None]
    (record,) = caplog.records
    assert record.getMessage() == "data.num_workers=2, the number of spare CPU cores"


def test_the_batches_do_not_depend_on_who_reads_them(cores):
    cores(3)
    seen = []
    for options in ({}, {"num_workers": 0}, {"num_workers": 1, "prefetch_batches": 1}):
        loader = prepared(**options).train_dataloader()
        seen.append([batch.inputs.flatten().tolist() for batch in loader])
        assert all(isinstance(batch, Batch) for batch in loader)
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_what_is_chosen_counts(caplog):
    caplog.set_level(logging.INFO, logger="leyden")
    loader = prepared(num_workers=3, prefetch_batches=5, pin_memory=False).train_dataloader()
    assert (loader.num_workers, loader.prefetch_factor, loader.pin_memory) == (3, 5, False)
    assert not caplog.records


def test_memory_is_pinned_where_a_gpu_trains():
    for device, is_pinned in (("cuda", True), ("cpu", False)):
        data = prepared(num_workers=0)
        strategy = SimpleNamespace(root_device=torch.device(device))
        data.trainer = SimpleNamespace(
            strategy=strategy, num_devices=1, world_size=1, global_rank=0, current_epoch=0, overfit_batches=0
        )
        assert data.train_dataloader().pin_memory is is_pinned


def test_no_batch_ahead_is_refused():
    with pytest.raises(ValueError, match="prefetch_batches is 0"):
        Numbers(prefetch_batches=0)


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize(
    ("samples", "num_workers", "advice"),
    [
        (IN_MEMORY, 0, "data.num_workers=1, to collate batches in parallel"),
        (IN_MEMORY, 2, "data.num_workers=0: the samples are in memory"),
        (IN_FILES, 1, "data.num_workers=3 (now 1) to decode more ahead; or data.storage=memory, to decode"),
        (IN_FILES, 3, "data.storage=memory, to decode each sample only once"),
        (Subset(IN_BATCHES, range(20)), 0, "data.storage=memory, to decode each sample only once"),
    ],
)
def test_the_advice_is_for_the_situation(cores, samples, num_workers, advice):
    cores(4)
    loader = torch.utils.data.DataLoader(samples, batch_size=4, num_workers=num_workers)
    assert loading_advice(loader, 1).startswith(advice)
