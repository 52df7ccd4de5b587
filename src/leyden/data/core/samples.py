"""Datasets that hand over whole batches: one `__getitems__` a batch instead of one `__getitem__` a sample."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset, Subset

from ..storage.packed import Packed
from .batch import Batch
from .error import DataError


class Samples(Dataset[Batch]):
    """A dataset of `len(targets)` samples, fetched a batch at a time.

    Args:
        targets: class numbers [sample], int64; or what the task says, one a sample.
    """

    groups: Tensor | None = None  # the source of each sample, which splits keep together [sample], int64

    def __init__(self, targets: Any) -> None:
        self.targets = targets

    @property
    def decodes(self) -> bool:
        """Whether files are decoded whenever a batch is asked for, which other processes may do ahead."""
        return False

    @property
    def classes(self) -> Tensor:
        """The class of each sample, for stratified splits [sample], int64; all 0 where a sample has no single one, as of numbers
        with a fraction."""
        if isinstance(self.targets, Tensor) and self.targets.ndim == 1 and not self.targets.is_floating_point():
            return self.targets.cpu()
        return torch.zeros(len(self), dtype=torch.int64)

    @property
    def lengths(self) -> Tensor | None:
        """The length of each sample [sample], int64, known without reading it; None where all are equal or nobody knows."""
        return None

    @property
    def chunks(self) -> Tensor | None:
        """Samples of each chunk that is fetched as a whole [chunk], int64; None where all samples are near."""
        return None

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> Batch:
        return self.__getitems__([index])

    def __getitems__(self, indices: list[int]) -> Batch:
        raise NotImplementedError

    def move(self, device: torch.device) -> int:
        """Puts all samples on a device, where batches are made from then on; gives their bytes.

        Raises:
            DataError: they are not in memory.
        """
        raise DataError(
            f"data.storage=device, but the samples ({type(self).__name__}) are read batch by batch: set "
            "data.storage=null"
        )


class TensorSamples(Samples):
    """Samples of one size, in memory or mapped.

    Args:
        inputs: [sample, ...] in storage dtype.
        targets: [sample].
    """

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        super().__init__(targets)
        self.inputs = inputs

    def __getitems__(self, indices: list[int]) -> Batch:
        samples = torch.tensor(indices)
        return Batch(chosen(self.inputs, samples), chosen(self.targets, samples))

    def move(self, device: torch.device) -> int:
        self.inputs, self.targets = self.inputs.to(device), self.targets.to(device)
        return self.inputs.nbytes


class RaggedSamples(Samples):
    """Samples of many lengths, in memory or mapped, padded to the longest of their batch.

    Args:
        inputs: one tensor [time or token] a sample.
        targets: [sample], or what the task says, one a sample.
        padding: the value that fills the rest.
    """

    def __init__(self, inputs: Sequence[Tensor], targets: Any, padding: int = 0) -> None:
        super().__init__(targets)
        self.inputs, self.padding = inputs if isinstance(inputs, Packed) else Packed.of(inputs), padding

    @property
    def lengths(self) -> Tensor:
        return self.inputs.lengths

    def __getitems__(self, indices: list[int]) -> Batch:
        inputs, lengths = self.inputs.padded(indices, self.padding)
        return Batch(inputs, self.targets[indices], lengths)

    def move(self, device: torch.device) -> int:
        self.inputs = self.inputs.to(device)
        if isinstance(self.targets, Tensor):
            self.targets = self.targets.to(device)
        return self.inputs.flat.nbytes


class PartSamples(Samples):
    """Some of the samples of a dataset, which stay where they are.

    Args:
        samples: the dataset.
        numbers: of those samples, in their order.
    """

    def __init__(self, samples: Samples, numbers: list[int]) -> None:
        super().__init__(samples.targets[numbers])
        self.samples, self.numbers = samples, numbers

    @property
    def decodes(self) -> bool:
        return self.samples.decodes

    @property
    def lengths(self) -> Tensor | None:
        return None if self.samples.lengths is None else self.samples.lengths[self.numbers]

    def __getitems__(self, indices: list[int]) -> Batch:
        return self.samples.__getitems__([self.numbers[index] for index in indices])

    def move(self, device: torch.device) -> int:
        return self.samples.move(device)


def chosen(values: Tensor, samples: Tensor) -> Tensor:
    """Some samples, where the values are."""
    return values[samples.to(values.device, non_blocking=True)]


def pad(inputs: Sequence[Tensor], targets: Any, padding: int = 0) -> Batch:
    """Samples [time] of many lengths -> a batch [batch, longest time] with `lengths`."""
    lengths = torch.tensor([len(sample) for sample in inputs])
    return Batch(pad_sequence(list(inputs), batch_first=True, padding_value=padding), targets, lengths)


def part_of(targets: Any, samples: list[int]) -> Any:
    """The targets of some samples, as those of a dataset."""
    return targets.part(samples) if hasattr(targets, "part") else targets[samples]


def whole(samples: Samples | Subset[Batch]) -> Samples:
    """The dataset of which it is a part."""
    return samples if isinstance(samples, Samples) else whole(samples.dataset)  # pyrefly: ignore[bad-argument-type]


def sample_targets(samples: Samples | Subset[Batch]) -> Any:
    """The targets of a dataset, or of a part of one that keeps them in a tensor."""
    if isinstance(samples, Samples):
        return samples.targets.cpu() if isinstance(samples.targets, Tensor) else samples.targets
    targets = sample_targets(samples.dataset)  # pyrefly: ignore[bad-argument-type]
    return targets[torch.as_tensor(samples.indices)] if isinstance(targets, Tensor) else None


def sample_lengths(samples: Samples | Subset[Batch]) -> Tensor | None:
    """The length of each sample of a dataset, or of a part of one [sample]; None where samples have none."""
    if isinstance(samples, Samples):
        return samples.lengths
    lengths = sample_lengths(samples.dataset)  # pyrefly: ignore[bad-argument-type]
    return None if lengths is None else lengths[torch.as_tensor(samples.indices)]
