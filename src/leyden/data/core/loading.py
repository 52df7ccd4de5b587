"""Loading of batches, optionally ahead of training by worker processes."""

import multiprocessing
import os
from typing import Any

from lightning.fabric.utilities.data import suggested_max_num_workers
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader, Subset

from ..storage.file_samples import FileSamples
from ..storage.storage import log_info
from .batch import Batch
from .samples import Samples, base_dataset
from .sampling import EpochBatches
from .worker_signals import leave_signals_to_parent

MAX_WORKERS = 8  # by default: each takes memory


class Loading:
    """Create loaders of whole batches. The batches do not depend on these settings.

    Args:
        num_workers: worker processes; 0 loads in the training process. None: 0 if the samples are in memory, else one per
            spare core, at most 8.
        prefetch_batches: batches that each worker loads ahead.
        pin_memory: copy batches to pinned memory, from which a GPU copies asynchronously. None: if training on a GPU.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(self, num_workers: int | None, prefetch_batches: int, pin_memory: bool | None) -> None:
        if num_workers is not None and num_workers < 0:
            raise ValueError(f"num_workers is {num_workers}; it must not be negative")
        if prefetch_batches < 1:
            raise ValueError(f"prefetch_batches is {prefetch_batches}; it must be at least 1")
        self.num_workers, self.prefetch_batches, self.pin_memory = num_workers, prefetch_batches, pin_memory

    def loader(self, samples: Samples | Subset[Batch], batches: EpochBatches, trainer: Trainer | None) -> DataLoader:
        num_workers, pin_memory = self.num_workers, self.pin_memory
        if num_workers is None:
            num_workers = choose_workers(samples, len(batches), trainer.num_devices if trainer else 1)
            if num_workers and batches.shuffle:  # once, for the training loader
                log_info(f"data.num_workers={num_workers}, the number of spare CPU cores")
        if pin_memory is None:
            pin_memory = trainer is not None and trainer.strategy.root_device.type == "cuda"
        return DataLoader(
            samples,
            batch_sampler=batches,
            collate_fn=_as_fetched,
            num_workers=num_workers,
            prefetch_factor=self.prefetch_batches if num_workers else None,
            worker_init_fn=leave_signals_to_parent,
            persistent_workers=num_workers > 0,
            pin_memory=pin_memory,
        )


def choose_workers(samples: Samples | Subset[Batch], num_batches: int, num_ranks: int) -> int:
    """Number of worker processes where `num_workers` is not set.

    Args:
        samples: the dataset.
        num_batches: batches per epoch; more workers than batches are useless.
        num_ranks: ranks on this machine, which share its cores.
    """
    # Without fork, the decoding function would have to be pickled.
    if not decodes(samples) or multiprocessing.get_start_method() != "fork":
        return 0
    return max(0, min(MAX_WORKERS, spare_cores(num_ranks), num_batches - 1))


def spare_cores(num_ranks: int) -> int:
    """CPU cores per rank besides the one that trains; at least 1, since workers mostly wait for the disk."""
    if cores := os.environ.get("LEYDEN_CORES"):  # the share of one of several runs at once: launch/shares.py
        return min(max(1, int(cores) // num_ranks - 1), suggested_max_num_workers(num_ranks))
    if (cores := os.environ.get("SLURM_CPUS_PER_TASK")) and "LOCAL_WORLD_SIZE" not in os.environ:
        # A task is a rank, unless torchrun starts ranks in it; not every cluster binds tasks to cores.
        return min(max(1, int(cores) - 1), suggested_max_num_workers(1))
    return suggested_max_num_workers(num_ranks)


def loading_advice(loader: DataLoader, num_ranks: int) -> str:
    """The setting that would reduce the time that training waits for batches.

    Args:
        loader: the training loader.
        num_ranks: ranks on this machine.
    """
    current, most = loader.num_workers, max(1, min(spare_cores(num_ranks), len(loader) - 1))
    once = "data.storage=memory, to decode each sample only once"
    if isinstance(samples := base_dataset(loader.dataset), FileSamples) and samples.read_many:  # pyrefly: ignore[bad-argument-type]
        return once
    if not decodes(samples):
        if current:
            return "data.num_workers=0: the samples are in memory, and passing batches between processes takes longer"
        return "data.num_workers=1, to collate batches in parallel with training"
    if samples.chunks is not None:
        once = "a copy of data.stream on a local disk"
    return f"data.num_workers={most} (now {current}) to decode more ahead; or {once}" if current < most else once


def decodes(samples: Any) -> bool:
    """Whether each access decodes files."""
    return decodes(samples.dataset) if isinstance(samples, Subset) else samples.decodes


def _as_fetched(batch: Any) -> Any:
    """Replaces torch's collate function: samples arrive as whole batches."""
    return batch
