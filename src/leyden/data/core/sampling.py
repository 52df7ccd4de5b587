from collections.abc import Callable, Iterator
from itertools import chain

import torch
from torch import Tensor
from torch.utils.data import Sampler

from .error import DataError

# Samples are sorted by lengths that are off by up to this share: else samples of one length would always share a batch.
JITTER = 0.02
WINDOW = 16  # chunks that are mixed at a time


class EpochBatches(Sampler[list[int]]):
    """Sample numbers of every batch of an epoch: a function of (seed, epoch), never of history.

    Each rank takes its part of the same global batches, so the order of the data does not depend on the number of
    ranks. `len` is that of the whole epoch even in the epoch that a resumed run enters in the middle.

    Where samples have lengths, those of similar length share a batch, which spares padding. In training, the shuffled samples
    are cut into buckets of some batches, sorted by about their length within each, and the batches of all buckets are
    shuffled: the smaller a bucket, the more is left to chance, and the more padding. In evaluation, all samples are sorted,
    the longest first, so that memory that does not suffice is known at once.

    Where samples come in chunks, the chunks are shuffled, and each sample comes at most `WINDOW` chunks later than it would:
    at any time samples of about so many chunks are mixed, and each chunk is needed during one part of the epoch only.
    Sorting by length keeps to its buckets then.

    Args:
        num_samples: samples in the dataset.
        batch_size: samples of one batch over all ranks.
        seed: of the order.
        epoch: gives the number of the epoch when its iteration begins.
        shuffle: a new order each epoch, without the last, incomplete batch (unless it is the only one); else all
            samples in an order that never changes, each exactly once over all ranks.
        rank: number of this process.
        num_ranks: processes that share each batch.
        lengths: of the samples [sample]; None where they do not matter.
        bucket_batches: about so many batches are sorted by length together in training.
        chunks: samples of each chunk [chunk], of which one after the other is near; None where all samples are.
        repeats: every epoch has the batches of the first one, in their order.

    Raises:
        DataError: the ranks cannot share the batches of a training.
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
            raise DataError(f"data.batch_size={batch_size} does not divide among {num_ranks} devices")
        if shuffle and num_samples < num_ranks:
            raise DataError(f"{num_samples} training samples do not divide among {num_ranks} devices")
        self.num_samples, self.batch_size, self.seed, self.epoch = num_samples, batch_size, seed, epoch
        self.shuffle, self.rank, self.num_ranks = shuffle, rank, num_ranks
        self.lengths, self.bucket_batches, self.chunks = lengths, bucket_batches, chunks
        self.repeats = repeats
        self._resumed_epoch, self._batches_done = -1, 0

    def resume_at(self, epoch: int, batches_done: int) -> None:
        """Leaves out the first `batches_done` batches of that one epoch."""
        self._resumed_epoch, self._batches_done = epoch, batches_done

    def next_epoch(self) -> int:
        """The epoch whose iteration begins now. A trainer that is being set up does not yet know where it resumes, but
        worker processes read ahead as soon as they are there."""
        return max(self.epoch(), self._resumed_epoch)

    def __len__(self) -> int:
        whole, rest = divmod(self.num_samples, self.batch_size)
        # A last batch with fewer samples than ranks joins the one before it: no rank may be left without a sample.
        return max(1, whole + (not self.shuffle and rest >= self.num_ranks))

    def __iter__(self) -> Iterator[list[int]]:
        epoch = self.next_epoch()
        batches = self.training_batches(epoch) if self.shuffle else self._evaluation_batches()
        for batch in batches[self._batches_done if epoch == self._resumed_epoch else 0 :]:
            yield batch[self.rank :: self.num_ranks].tolist() or batch[:1].tolist()

    @property
    def is_surplus(self) -> bool:
        """Whether an evaluation has fewer samples than ranks, and none for this one: it gets the first sample, so that it takes
        part in what ranks do together, and whoever measures has to leave that out."""
        return not self.shuffle and self.rank >= self.num_samples

    def training_batches(self, epoch: int) -> list[Tensor]:
        """Sample numbers of each batch over all ranks."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + (0 if self.repeats else epoch))
        # The samples that are left out this time are chosen by chance, not by length.
        samples = self._shuffled(generator)[: len(self) * self.batch_size]
        if self.lengths is None:
            return list(samples.split(self.batch_size))
        about = self.lengths * (1 + JITTER * (2 * torch.rand(self.num_samples, generator=generator) - 1))
        num_buckets = max(1, round(len(self) / self.bucket_batches))  # of one size: a small one pads more
        buckets = samples.split(-(-len(self) // num_buckets) * self.batch_size)
        buckets = [longest_first(bucket, about).split(self.batch_size) for bucket in buckets]
        groups = [[*chain.from_iterable(buckets)]] if self.chunks is None else buckets
        return [
            group[number] for group in groups for number in torch.randperm(len(group), generator=generator).tolist()
        ]

    def _shuffled(self, generator: torch.Generator) -> Tensor:
        if self.chunks is None:
            return torch.randperm(self.num_samples, generator=generator)
        places = torch.randperm(len(self.chunks), generator=generator).repeat_interleave(self.chunks)
        later = torch.rand(self.num_samples, generator=generator, dtype=torch.float64)
        return (places + WINDOW * later).argsort(stable=True)

    def _evaluation_batches(self) -> list[Tensor]:
        samples = torch.arange(self.num_samples)
        if self.lengths is not None:
            size = self.num_samples if self.chunks is None else self.bucket_batches * self.batch_size
            samples = torch.cat([longest_first(bucket, self.lengths) for bucket in samples.split(size)])
        last = (len(self) - 1) * self.batch_size
        return [*samples[:last].split(self.batch_size), samples[last:]] if last else [samples]


def longest_first(samples: Tensor, lengths: Tensor) -> Tensor:
    """Sample numbers, sorted by the lengths of all samples [sample]; samples of one length keep their order."""
    return samples[lengths[samples].argsort(descending=True, stable=True)]
