from collections.abc import Callable, Iterator
from itertools import chain

import torch
from torch import Tensor
from torch.utils.data import Sampler

from .error import DataError

LENGTH_JITTER = 0.02  # relative noise on lengths, so that samples of equal length do not always share a batch
MIXED_CHUNKS = 16  # chunks that are mixed at a time


class EpochBatches(Sampler[list[int]]):
    """Sample indices of every batch of an epoch, as a function of (seed, epoch).

    Each rank takes its part of the same global batches, so the order of the data does not depend on the number of ranks.
    `len` is that of a full epoch, also when a resumed run starts in the middle of it.

    If samples have lengths, samples of similar length share a batch, which reduces padding. In training, the shuffled
    samples are split into buckets of several batches and sorted by their approximate length within each bucket, and the
    batches of all buckets are shuffled: smaller buckets give more randomness and more padding. In evaluation, all samples
    are sorted, longest first, so that running out of memory shows in the first batch.

    If samples come in chunks, the chunks are shuffled and each sample is delayed by a random number of up to `MIXED_CHUNKS`
    chunks: batches mix samples of about that many chunks, and each chunk is needed during one part of the epoch only.
    Sorting by length is then limited to buckets.

    Args:
        num_samples: number of samples in the dataset.
        batch_size: samples per batch over all ranks.
        seed: seed of the order.
        epoch: returns the current epoch when an iteration starts.
        shuffle: for training: reshuffle every epoch and drop the last, incomplete batch (unless it is the only one);
            otherwise a fixed order with each sample exactly once over all ranks.
        rank: rank of this process.
        num_ranks: number of ranks that share each batch.
        lengths: lengths of the samples (sample,), or None.
        bucket_batches: approximate number of batches per bucket.
        chunks: number of samples in each chunk (chunk,), or None.
        repeats: repeat the batches of the first epoch in every epoch.

    Raises:
        DataError: the training batches cannot be divided among the ranks.
    """

    def __init__(
        self,
        num_samples: int,
        batch_size: int,
        seed: int,
        epoch: Callable[[], int],
        shuffle: bool,
        rank: int = 0,
        num_ranks: int = 1,
        lengths: Tensor | None = None,
        bucket_batches: int = 1,
        chunks: Tensor | None = None,
        repeats: bool = False,
    ) -> None:
        if shuffle and batch_size % num_ranks:
            raise DataError(f"data.batch_size={batch_size} is not divisible by the number of devices, {num_ranks}")
        if shuffle and num_samples < num_ranks:
            raise DataError(f"{num_samples} training samples are too few for {num_ranks} devices")
        self.num_samples, self.batch_size, self.seed, self.epoch = num_samples, batch_size, seed, epoch
        self.shuffle, self.rank, self.num_ranks = shuffle, rank, num_ranks
        self.lengths, self.bucket_batches, self.chunks = lengths, bucket_batches, chunks
        self.repeats = repeats
        self._resumed_epoch, self._batches_done = -1, 0

    def resume_at(self, epoch: int, batches_done: int) -> None:
        """Skip the first `batches_done` batches of one epoch."""
        self._resumed_epoch, self._batches_done = epoch, batches_done

    def next_epoch(self) -> int:
        """The epoch of the next iteration. While a trainer is set up, it does not know yet where it resumes, but workers
        already prefetch."""
        return max(self.epoch(), self._resumed_epoch)

    def __len__(self) -> int:
        whole, rest = divmod(self.num_samples, self.batch_size)
        # A last batch with fewer samples than ranks is merged into the previous one: each rank needs a sample.
        return max(1, whole + (not self.shuffle and rest >= self.num_ranks))

    def __iter__(self) -> Iterator[list[int]]:
        epoch = self.next_epoch()
        batches = self.training_batches(epoch) if self.shuffle else self._evaluation_batches()
        for batch in batches[self._batches_done if epoch == self._resumed_epoch else 0 :]:
            yield batch[self.rank :: self.num_ranks].tolist() or batch[:1].tolist()

    @property
    def is_surplus(self) -> bool:
        """Whether an evaluation has fewer samples than ranks and none for this rank. It gets the first sample, so that it
        takes part in collective operations; metrics must ignore it."""
        return not self.shuffle and self.rank >= self.num_samples

    def training_batches(self, epoch: int) -> list[Tensor]:
        """Sample indices of each batch over all ranks."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + (0 if self.repeats else epoch))
        # Drop before sorting, so that the dropped samples do not depend on length.
        samples = self._shuffled(generator)[: len(self) * self.batch_size]
        if self.lengths is None:
            return list(samples.split(self.batch_size))
        about = self.lengths * (1 + LENGTH_JITTER * (2 * torch.rand(self.num_samples, generator=generator) - 1))
        num_buckets = max(1, round(len(self) / self.bucket_batches))  # of equal size: a small bucket pads more
        buckets = samples.split(-(-len(self) // num_buckets) * self.batch_size)
        buckets = [longest_first(bucket, about).split(self.batch_size) for bucket in buckets]
        groups = [[*chain.from_iterable(buckets)]] if self.chunks is None else buckets
        return [group[index] for group in groups for index in torch.randperm(len(group), generator=generator).tolist()]

    def _shuffled(self, generator: torch.Generator) -> Tensor:
        if self.chunks is None:
            return torch.randperm(self.num_samples, generator=generator)
        places = torch.randperm(len(self.chunks), generator=generator).repeat_interleave(self.chunks)
        later = torch.rand(self.num_samples, generator=generator, dtype=torch.float64)
        return (places + MIXED_CHUNKS * later).argsort(stable=True)

    def _evaluation_batches(self) -> list[Tensor]:
        samples = torch.arange(self.num_samples)
        if self.lengths is not None:
            size = self.num_samples if self.chunks is None else self.bucket_batches * self.batch_size
            samples = torch.cat([longest_first(bucket, self.lengths) for bucket in samples.split(size)])
        last = (len(self) - 1) * self.batch_size
        return [*samples[:last].split(self.batch_size), samples[last:]] if last else [samples]


def longest_first(samples: Tensor, lengths: Tensor) -> Tensor:
    """Sort sample indices by descending length; a stable sort."""
    return samples[lengths[samples].argsort(descending=True, stable=True)]
