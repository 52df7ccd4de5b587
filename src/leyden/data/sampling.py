from collections.abc import Callable, Iterator

import torch
from torch.utils.data import Sampler


class EpochBatches(Sampler[list[int]]):
    """Row numbers of every batch of an epoch: a function of (seed, epoch), never of history.

    Each rank takes its part of the same global batches, so the order of the data does not depend on the number of
    ranks. `len` is that of the whole epoch even in the epoch that a resumed run enters in the middle.

    Args:
        num_rows: rows in the dataset.
        batch_size: rows of one batch over all ranks.
        seed: of the order.
        epoch: gives the number of the epoch when its iteration begins.
        shuffle: a new order each epoch, without the last, incomplete batch (unless it is the only one); else all
            rows in their order, each exactly once over all ranks.
        rank: number of this process.
        num_ranks: processes that share each batch.
    """

    def __init__(
        self,
        num_rows: int,
        batch_size: int,
        seed: int,
        epoch: Callable[[], int],
        shuffle: bool,
        rank: int = 0,
        num_ranks: int = 1,
    ) -> None:
        self.num_rows, self.batch_size, self.seed, self.epoch = num_rows, batch_size, seed, epoch
        self.shuffle, self.rank, self.num_ranks = shuffle, rank, num_ranks
        self._resumed_epoch, self._batches_done = -1, 0

    def resume_at(self, epoch: int, batches_done: int) -> None:
        """Leaves out the first `batches_done` batches of that one epoch."""
        self._resumed_epoch, self._batches_done = epoch, batches_done

    def __len__(self) -> int:
        whole, rest = divmod(self.num_rows, self.batch_size)
        # A last batch with fewer rows than ranks joins the one before it: no rank may be left without a row.
        return max(1, whole + (not self.shuffle and rest >= self.num_ranks))

    def __iter__(self) -> Iterator[list[int]]:
        epoch = self.epoch()
        order = self._order(epoch)
        for number in range(self._batches_done if epoch == self._resumed_epoch else 0, len(self)):
            start = number * self.batch_size
            is_rest = number == len(self) - 1 and not self.shuffle
            batch = order[start : self.num_rows if is_rest else start + self.batch_size]
            yield batch[self.rank :: self.num_ranks]

    def _order(self, epoch: int) -> list[int]:
        if not self.shuffle:
            return list(range(self.num_rows))
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        return torch.randperm(self.num_rows, generator=generator).tolist()
