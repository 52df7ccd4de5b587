"""How batches come from their samples to the training: read ahead by other processes or not, and what would speed it up."""

import multiprocessing
import os
from typing import Any

from lightning.fabric.utilities.data import suggested_max_num_workers
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader, Subset

from ..storage.file_samples import FileSamples
from ..storage.storage import say
from .batch import Batch
from .samples import Samples, whole
from .sampling import EpochBatches
from .worker_signals import leave_to_parent

MOST_WORKERS = 8  # of those that nobody asked for: each takes memory


class Loading:
    """Loaders of whole batches: the same batches whatever is chosen here.

    Args:
        num_workers: processes that read ahead; 0 reads in the training process. None: none where samples are in memory,
            else one for each spare core, at most 8.
        prefetch_batches: so many each of them reads ahead.
        pin_memory: put batches where a GPU copies them from at once. None: where a GPU trains.

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
            if num_workers and batches.shuffle:  # once: of the training
                say(f"processes that read ahead: {num_workers} (data.num_workers), as many as there are cores to spare")
        if pin_memory is None:
            pin_memory = trainer is not None and trainer.strategy.root_device.type == "cuda"
        return DataLoader(
            samples,
            batch_sampler=batches,
            collate_fn=_as_fetched,
            num_workers=num_workers,
            prefetch_factor=self.prefetch_batches if num_workers else None,
            worker_init_fn=leave_to_parent,
            persistent_workers=num_workers > 0,
            pin_memory=pin_memory,
        )


def choose_workers(samples: Samples | Subset[Batch], num_batches: int, num_ranks: int) -> int:
    """Processes that read ahead, where nobody says how many.

    Args:
        samples: what is read.
        num_batches: of an epoch; no more workers than batches that can be ahead.
        num_ranks: of this machine, which share its cores.
    """
    # Elsewhere a process starts with nothing, and what reads the files would have to be sent to it.
    if not decodes(samples) or multiprocessing.get_start_method() != "fork":
        return 0
    return max(0, min(MOST_WORKERS, spare_cores(num_ranks), num_batches - 1))


def spare_cores(num_ranks: int) -> int:
    """Cores that one of so many ranks has beside the one that it trains on; at least 1, since who reads also waits."""
    if (cores := os.environ.get("SLURM_CPUS_PER_TASK")) and "LOCAL_WORLD_SIZE" not in os.environ:
        # A task is a rank, unless torchrun starts ranks in it; not every cluster binds it to its cores.
        return min(max(1, int(cores) - 1), suggested_max_num_workers(1))
    return suggested_max_num_workers(num_ranks)


def loading_advice(loader: DataLoader, num_ranks: int) -> str:
    """The setting that would have a training wait less for its batches, as things are.

    Args:
        loader: of the training.
        num_ranks: of this machine.
    """
    now, most = loader.num_workers, max(1, min(spare_cores(num_ranks), len(loader) - 1))
    once = "data.storage=memory, so that samples are decoded only once"
    if isinstance(samples := whole(loader.dataset), FileSamples) and samples.read_many:  # pyrefly: ignore[bad-argument-type]
        return once
    if not decodes(samples):
        if now:
            return (
                "data.num_workers=0: the samples are in memory, and to hand batches over between processes takes longer"
            )
        return "data.num_workers=1: batches are then put together beside the training, not in turn with it"
    if samples.chunks is not None:
        once = "a copy of data.stream on a disk of this machine"
    return f"data.num_workers={most}, now {now}, to decode more samples ahead; or {once}" if now < most else once


def decodes(samples: Any) -> bool:
    """Whether files are decoded whenever a batch is asked for."""
    return decodes(samples.dataset) if isinstance(samples, Subset) else samples.decodes


def _as_fetched(batch: Any) -> Any:
    """Stands where torch's DataLoader would collate samples: ours arrive as whole batches."""
    return batch
