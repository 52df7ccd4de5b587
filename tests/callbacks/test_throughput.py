"""Data wait and FLOPs of `Throughput`; see test_callbacks.py for samples and padding."""

import csv
import logging
import time
from functools import partial

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.profilers import SimpleProfiler
from torch import nn

from leyden.callbacks import Throughput, throughput
from leyden.callbacks.flops import Flops
from leyden.data import DataModule
from leyden.data.core.samples import TensorSamples
from leyden.data.storage.file_samples import FileSamples
from leyden.loggers.metrics_csv import MetricsCSV
from leyden.run.data_wait_profiler import DataWaitProfiler
from leyden.tasks import Classification

NUM_ROWS, NUM_STEPS = 44, 10  # four rows are for validation


class Slow(DataModule):
    """Two linearly separable classes; loading a batch, or each of its files, takes some seconds."""

    def __init__(self, seconds=0.0, in_files=False, batch_size=4):
        super().__init__(batch_size=batch_size, num_workers=0)
        self.seconds, self.in_files = seconds, in_files

    def load(self, split):
        self.class_names = ["low", "high"]
        targets = (torch.arange(NUM_ROWS) >= NUM_ROWS // 2).long()
        if self.in_files:
            return FileSamples(range(NUM_ROWS), targets, self.read_one)
        rows = TensorSamples(torch.linspace(-1, 1, NUM_ROWS).unsqueeze(1), targets)
        get = rows.__getitems__
        rows.__getitems__ = lambda indices: time.sleep(self.seconds) or get(indices)
        return rows

    def read_one(self, number):
        time.sleep(self.seconds)
        return torch.tensor([2 * number / NUM_ROWS - 1])

    def batch_transform(self, stage):
        return nn.Identity()


def fit(folder, data, callback, network=None, epochs=1, compile=False, **options):
    torch.manual_seed(0)
    network = network or nn.Sequential(nn.Linear(1, 2))
    model = Classification(
        network=network, class_names=["low", "high"], optimizer=partial(torch.optim.SGD, lr=0.1), compile=compile
    )
    options = {"profiler": DataWaitProfiler(), "limit_val_batches": 0, "accelerator": "cpu", **options}
    trainer = Trainer(
        max_epochs=epochs,
        log_every_n_steps=5,
        logger=MetricsCSV(folder),
        callbacks=[callback],
        default_root_dir=folder,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )
    trainer.fit(model, data)
    return trainer, model


def logged(folder, name):
    with (folder / "metrics.csv").open(newline="") as file:
        return [float(row[name]) for row in csv.DictReader(file) if row.get(name)]


@pytest.fixture
def data_wait_warnings(caplog):
    caplog.set_level(logging.WARNING, logger="leyden")
    return lambda: [record.getMessage() for record in caplog.records if "waits for data" in record.getMessage()]


@pytest.mark.slow
def test_data_wait_is_logged_and_warned_once(tmp_path, data_wait_warnings):
    fit(tmp_path, Slow(0.12), Throughput(), epochs=2)
    shares = logged(tmp_path, "train/data_wait")
    assert len(shares) == 2
    assert all(0.7 < share < 1 for share in shares)
    (warning,) = data_wait_warnings()
    assert "% of its time: try data.num_workers=1, to collate batches in parallel with training" in warning


def test_warning_suggests_prefetching_or_caching(tmp_path, data_wait_warnings):
    fit(tmp_path, Slow(0.03, in_files=True), Throughput())
    (warning,) = data_wait_warnings()
    assert "try data.num_workers=" in warning
    assert " (now 0) to decode more ahead; or data.storage=memory, to decode each sample only once" in warning


class Busy(nn.Module):
    """A network that takes longer than loading its samples."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1, 2)

    def forward(self, inputs):
        time.sleep(0.1)
        return self.linear(inputs)


def test_no_warning_for_short_waits(tmp_path, data_wait_warnings, monkeypatch):
    monkeypatch.setattr(throughput, "WAIT_SECONDS", 0.0)
    fit(tmp_path, Slow(0.005), Throughput(), network=Busy())
    (share,) = logged(tmp_path, "train/data_wait")
    assert 0.01 < share < 0.2
    assert not data_wait_warnings()


def test_no_warning_for_short_epochs(tmp_path, data_wait_warnings):
    fit(tmp_path, Slow(0.02), Throughput())
    (share,) = logged(tmp_path, "train/data_wait")
    assert share > 0.2
    assert not data_wait_warnings()


def test_mid_epoch_validation_is_not_counted(tmp_path):
    callback = Throughput()
    begin = time.perf_counter()
    fit(tmp_path, Slow(0.05), callback, limit_val_batches=1.0, val_check_interval=2)
    whole = time.perf_counter() - begin
    (speed,) = logged(tmp_path, "train/samples_per_second")
    (share,) = logged(tmp_path, "train/data_wait")
    assert whole > 15 * 0.05  # ten batches of training, five of validation
    seconds = 4 * NUM_STEPS / speed
    assert seconds < whole - 5 * 0.05
    assert 0.9 * 0.05 * NUM_STEPS < share * seconds < seconds


def test_other_profilers_report_waiting_themselves(tmp_path, data_wait_warnings):
    fit(tmp_path, Slow(0.12), Throughput(), profiler=SimpleProfiler(dirpath=tmp_path, filename="times"))
    assert not logged(tmp_path, "train/data_wait")
    assert not data_wait_warnings()
    assert "train_dataloader_next" in next(tmp_path.glob("*times*.txt")).read_text()


def test_flops_utilization_counts_forward_and_backward(tmp_path):
    network = nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Linear(8, 2))
    fit(tmp_path, Slow(0.01), Throughput(peak_flops=1e6), network=network, epochs=2)
    # Two for each weight and row; twice that again backward, but the inputs want no gradient.
    of_row = 2 * (8 + 16) + 2 * (8 + 2 * 16)
    speeds, shares = logged(tmp_path, "train/samples_per_second"), logged(tmp_path, "train/flops_utilization")
    assert shares == pytest.approx([of_row * speed / 1e6 for speed in speeds], rel=1e-4)


def test_compiled_network_has_equal_flops_and_stays_compiled(tmp_path, monkeypatch):
    compile_eagerly = partial(nn.Module.compile, backend="eager")  # needs no C++ compiler
    monkeypatch.setattr(nn.Module, "compile", lambda self, mode: compile_eagerly(self))
    callback, network = Throughput(peak_flops=1e6), nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Linear(8, 2))
    fit(tmp_path, Slow(), callback, network=network, compile=True)
    assert callback.flops.per_element == 2 * (8 + 16) + 2 * (8 + 2 * 16)
    assert network._compiled_call_impl is not None


def test_flops_are_not_counted_without_known_peak(tmp_path):
    callback = Throughput()
    fit(tmp_path, Slow(), callback)
    assert not logged(tmp_path, "train/flops_utilization")
    assert callback.flops.per_element is None


def test_counting_keeps_bits(tmp_path):
    weights = []
    for number, peak in enumerate((None, 1e9)):
        network = nn.Sequential(nn.Linear(1, 16), nn.BatchNorm1d(16), nn.Dropout(0.3), nn.Linear(16, 2))
        torch.manual_seed(1)
        for parameter in network.parameters():
            nn.init.normal_(parameter)
        folder = tmp_path / str(number)
        folder.mkdir()
        fit(folder, Slow(), Throughput(peak_flops=peak), network=network, epochs=2)
        weights.append(network.state_dict())
    assert all(value.equal(weights[1][name]) for name, value in weights[0].items())


def test_resumed_run_does_not_count_again():
    callback, checkpoint = Throughput(peak_flops=1e9), {"flops": 48.0}
    callback.on_load_checkpoint(None, None, checkpoint)
    callback.flops.start()
    assert callback.flops.counter is None
    assert callback.flops.per_element == 48.0


def test_failed_step_removes_the_counter():
    flops = Flops()
    flops.start()
    flops.stop()
    torch.ones(2, 2) @ torch.ones(2, 2)
    assert flops.per_element is None
    assert flops.counter is None


def test_invalid_peak_is_refused():
    with pytest.raises(ValueError, match="expected peak_flops above 0, got 0"):
        Throughput(peak_flops=0)
