"""Datasets that return whole batches: one `__getitems__` call per batch instead of one `__getitem__` call per sample."""

from collections.abc import Sequence
from hashlib import sha256
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
        targets: class indices (sample,), int64, or a sequence of targets as defined by the task.
    """

    groups: Tensor | None = None  # group index of each sample, kept together by splits (sample,), int64

    def __init__(self, targets: Any) -> None:
        self.targets = targets

    @property
    def decodes(self) -> bool:
        """Whether each access decodes files, which worker processes may do ahead."""
        return False

    @property
    def classes(self) -> Tensor:
        """Class index of each sample (sample,), int64, for stratified splits; all 0 for other targets, such as floats."""
        if isinstance(self.targets, Tensor) and self.targets.ndim == 1 and not self.targets.is_floating_point():
            return self.targets.cpu()
        return torch.zeros(len(self), dtype=torch.int64)

    @property
    def lengths(self) -> Tensor | None:
        """Length of each sample (sample,), int64, known without reading it; None if all are equal or unknown."""
        return None

    @property
    def chunks(self) -> Tensor | None:
        """Number of samples in each chunk that is fetched as a whole (chunk,), int64; None if samples are fetched singly."""
        return None

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int | slice | Sequence[int]) -> Batch:
        """A batch of one sample, of a slice, or of a list of indices."""
        if isinstance(index, slice):
            return self.__getitems__(list(range(*index.indices(len(self)))))
        return self.__getitems__([index] if isinstance(index, int) else list(index))

    def __getitems__(self, indices: list[int]) -> Batch:
        raise NotImplementedError

    def move(self, device: torch.device) -> int:
        """Move all samples to a device and return their size in bytes.

        Raises:
            DataError: the samples are not in memory.
        """
        raise DataError(
            f"data.storage=device, but the samples ({type(self).__name__}) are read batch by batch: set "
            "data.storage=null"
        )


class TensorSamples(Samples):
    """Samples of one size, in memory or memory-mapped.

    Args:
        inputs: (sample, ...), in storage dtype.
        targets: (sample,).
    """

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        super().__init__(targets)
        if not isinstance(inputs, Tensor) or not isinstance(targets, Tensor) or len(inputs) != len(targets):
            raise DataError(
                "TensorSamples: expected tensors of inputs and targets of equal length, got "
                f"{type(inputs).__name__} of {len(inputs)} and {type(targets).__name__} of {len(targets)}"
            )
        self.inputs = inputs

    def __getitems__(self, indices: list[int]) -> Batch:
        samples = torch.tensor(indices)
        return Batch(index_select(self.inputs, samples), index_select(self.targets, samples))

    def move(self, device: torch.device) -> int:
        self.inputs, self.targets = self.inputs.to(device), self.targets.to(device)
        return self.inputs.nbytes


class RaggedSamples(Samples):
    """Samples of variable length, in memory or memory-mapped, padded to the longest of their batch.

    Args:
        inputs: one tensor (time,) or (token,) per sample.
        targets: (sample,), or a sequence of targets as defined by the task.
        padding: padding value.
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
    """Subset of a dataset that is itself a `Samples`.

    Args:
        samples: the dataset.
        indices: indices of the samples, in order.
    """

    def __init__(self, samples: Samples, indices: list[int]) -> None:
        super().__init__(samples.targets[indices])
        self.samples, self.indices = samples, indices

    @property
    def decodes(self) -> bool:
        return self.samples.decodes

    @property
    def lengths(self) -> Tensor | None:
        return None if self.samples.lengths is None else self.samples.lengths[self.indices]

    def __getitems__(self, indices: list[int]) -> Batch:
        return self.samples.__getitems__([self.indices[index] for index in indices])

    def move(self, device: torch.device) -> int:
        return self.samples.move(device)


def index_select(values: Tensor, samples: Tensor) -> Tensor:
    """Select samples on the device of the values."""
    return values[samples.to(values.device, non_blocking=True)]


def pad(inputs: Sequence[Tensor], targets: Any, padding: int = 0) -> Batch:
    """Collate samples (time,) into a padded batch (batch, time) with `lengths`."""
    lengths = torch.tensor([len(sample) for sample in inputs])
    return Batch(pad_sequence(list(inputs), batch_first=True, padding_value=padding), targets, lengths)


def select_targets(targets: Any, samples: list[int]) -> Any:
    """Select the targets of some samples, as the targets of a dataset."""
    return targets.part(samples) if hasattr(targets, "part") else targets[samples]


def base_dataset(samples: Samples | Subset[Batch]) -> Samples:
    """The dataset below any `Subset`s."""
    return samples if isinstance(samples, Samples) else base_dataset(samples.dataset)  # pyrefly: ignore[bad-argument-type]


def sample_targets(samples: Samples | Subset[Batch]) -> Any:
    """Targets of a dataset; of a subset, None unless the targets are a tensor."""
    if isinstance(samples, Samples):
        return samples.targets.cpu() if isinstance(samples.targets, Tensor) else samples.targets
    targets = sample_targets(samples.dataset)  # pyrefly: ignore[bad-argument-type]
    return targets[torch.as_tensor(samples.indices)] if isinstance(targets, Tensor) else None


def fingerprint(samples: Samples | Subset[Batch]) -> dict[str, Any]:
    """Number of samples and, if the targets are a tensor, their hash: equal for runs evaluated on the same samples."""
    targets = sample_targets(samples)
    digest = sha256(targets.contiguous().numpy().tobytes()).hexdigest()[:16] if isinstance(targets, Tensor) else None
    return {"samples": len(samples), "targets": digest}  # pyrefly: ignore[bad-argument-type]


def sample_lengths(samples: Samples | Subset[Batch]) -> Tensor | None:
    """Length of each sample (sample,) of a dataset or subset; None if the samples have no lengths."""
    if isinstance(samples, Samples):
        return samples.lengths
    lengths = sample_lengths(samples.dataset)  # pyrefly: ignore[bad-argument-type]
    return None if lengths is None else lengths[torch.as_tensor(samples.indices)]
