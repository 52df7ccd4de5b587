"""How a data module obtains its training, validation and test samples: from official splits, else held out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import Subset

from ..storage.storage import log_info
from .account import Account
from .batch import Batch
from .classes import check_classes, class_counts, lost_classes
from .error import DataError
from .folds import fold_of_each
from .groups import held_out_split
from .overlap import overlaps
from .samples import Samples, base_dataset, sample_targets
from .split import check_validation
from .split_names import Split


class Splitting(LightningDataModule):
    """The part of `DataModule` that assigns samples to splits and reports a summary of the dataset's files.

    With folds (k-fold cross-validation), the training samples, which are all samples of a dataset without official splits,
    are divided into `num_folds` parts, stratified by class, with whole groups in one part. The test split is one of them,
    so that over all folds each sample is tested once. Validation samples come from the other parts or are the
    official ones; an official test split is not used.

    Args:
        validation_fraction, split_seed, fold, num_folds: see `DataModule`.

    Raises:
        ValueError: an argument is out of range.
    """

    samples: dict[Any, Samples | Subset[Batch]]
    class_names: list[str]
    class_counts: list[int]
    account: dict[str, Any]  # see `Account.plain`
    source: Any = None  # of samples that are not read from the dataset's files

    def __init__(
        self,
        validation_fraction: float = 0.1,
        split_seed: int = 0,
        fold: int | None = None,
        num_folds: int | None = None,
    ) -> None:
        if not 0 < validation_fraction < 1:
            raise ValueError(f"validation_fraction is {validation_fraction}; it must be strictly between 0 and 1")
        if not 0 <= split_seed < 2**32:
            raise ValueError(f"split_seed is {split_seed}; it must be at least 0 and below 2**32")
        if fold is not None and num_folds is None:
            raise ValueError(f"fold is {fold}, but num_folds is not set: set data.num_folds, such as 5")
        if num_folds is not None and fold is None:
            raise ValueError(f"num_folds is {num_folds}, but fold is not set: set data.fold, such as 0")
        if num_folds is not None and num_folds < 2:
            raise ValueError(f"num_folds is {num_folds}; it must be at least 2")
        if fold is not None and num_folds is not None and not 0 <= fold < num_folds:
            raise ValueError(f"fold is {fold}; it must be at least 0 and below num_folds={num_folds}")
        super().__init__()
        self.validation_fraction, self.split_seed = validation_fraction, split_seed
        self.fold, self.num_folds = fold, num_folds

    # To be implemented by a dataset

    def load(self, split: Split) -> Samples:
        """Load all samples of an official split and set `class_names`."""
        raise DataError(f"{type(self).__name__} does not implement load(split), which returns samples of leyden.data")

    def official_splits(self) -> tuple[Split, ...]:
        """Splits that `load` supports. Without `validation`, it is held out of training."""
        return "train", "test"

    def count_samples(self) -> Account | None:
        """Summary of the dataset's files before they are read; None if unknown."""

    def sources(self, split: Split) -> Sequence[Path | str] | None:
        """File or text of each sample of `load(split)`, to find samples that two splits share; None if unknown."""

    def source_of(self, stage: str, index: int) -> Path | str | None:
        """File or text of a sample of `samples[stage]`; None if unknown."""
        whole: Any = self.samples[stage]
        split: Any = stage
        if isinstance(whole, Subset):  # a part of the training samples
            index, split, whole = whole.indices[index], "train", base_dataset(whole)
        sources = None if self.source else self.sources(split)
        return sources[index] if sources and len(sources) == len(whole) else None

    @property
    def how_to_test(self) -> str:
        """How to add a test split, in the imperative."""
        return "add a test split to the dataset"

    # Shared by all datasets

    @property
    def has_test(self) -> bool:
        """Whether there is a test split, official or a fold."""
        return self.num_folds is not None or "test" in self.official_splits()

    def setup(self, stage: str) -> None:
        """Set up the samples of a stage.

        Raises:
            DataError: a split has no samples, or there is no test split.
        """
        if stage in ("fit", "validate") and "train" not in self.samples:
            self._set_up_training()
        if "train" in self.samples:
            self.class_counts = class_counts(sample_targets(self.samples["train"]), len(self.class_names))
        if stage == "test" and "test" not in self.samples:
            if not self.has_test:
                raise DataError(self.no_test())
            samples = self._load("test" if self.num_folds is None else "train")
            self.samples["test"] = samples if self.num_folds is None else self._test_fold(samples)

    def split(self, classes: Tensor, groups: Tensor | None = None) -> tuple[list[int], list[int]]:
        """Deterministic split into sample indices for training and for validation; those of the test fold are in neither."""
        others = (~self.in_test_fold(classes, groups)).nonzero().flatten()
        if "validation" in self.official_splits():
            return others.tolist(), []
        groups = None if groups is None else groups[others]
        parts = held_out_split(classes[others], groups, self.validation_fraction, self.split_seed)
        return others[parts[0]].tolist(), others[parts[1]].tolist()

    def in_test_fold(self, classes: Tensor, groups: Tensor | None = None) -> Tensor:
        """Whether each training sample belongs to the test fold (sample,)."""
        if self.num_folds is None:
            return torch.zeros(len(classes), dtype=torch.bool)
        return fold_of_each(classes, groups, self.num_folds, self.split_seed).eq(self.fold or 0)

    def _test_fold(self, samples: Samples) -> Subset[Batch]:
        return Subset(samples, self.in_test_fold(samples.classes, samples.groups).nonzero().flatten().tolist())

    def no_test(self) -> str:
        """Message for a dataset without a test split."""
        return f"there is no test split, so nothing is tested. To test: {self.how_to_test}"

    def _set_up_training(self) -> None:
        samples = self._load("train")
        training, validation = self.split(samples.classes, samples.groups)
        parts: dict[Split, list[int]] = {"train": training}
        if "validation" not in self.official_splits():
            check_validation(len(training) + len(validation), len(validation), self.validation_fraction)
            parts["validation"] = validation
        if self.num_folds is not None:
            parts["test"] = list(self._test_fold(samples).indices)
        official = {} if "validation" in parts else {"validation": self._load("validation")}
        whole = {"train": samples} if len(training) == len(samples) else {}
        self.samples |= {split: Subset(samples, part) for split, part in parts.items()} | official | whole
        self._report(len(samples), parts)

    def _load(self, split: Split) -> Samples:
        samples = self.load(split)
        if not isinstance(samples, Samples):
            raise DataError(
                f"{type(self).__name__}.load({split!r}): expected samples, such as TensorSamples(inputs, targets) of "
                f"leyden.data, got {type(samples).__name__}"
            )
        check_classes(samples.classes, self.class_names, split)
        return samples

    def _report(self, num_samples: int, parts: dict[Split, list[int]]) -> None:
        """Log the summary of samples and files, and of samples that two splits share, once per run.

        Args:
            num_samples: number of samples in the official training split.
            parts: its sample indices in each split that is not official; empty if all are.
        """
        account = self.count_samples()
        if not account:
            if self.num_folds is not None:
                sizes = ", ".join(f"{split} {len(self.samples[split])}" for split in ("train", "validation", "test"))
                log_info(f"data: {sizes} (fold {self.fold} of {self.num_folds})")
            for note in self._lost_classes():
                log_info(note)
            return
        account.num_samples = {
            split: len(self.samples[split]) for split in ("train", "validation")
        } | account.num_samples
        if "validation" in parts:
            how = f"held out: data.validation_fraction={self.validation_fraction:g}"
            account.hold_out(len(parts["train"]), len(parts["validation"]), how)
        if "test" in parts:
            account.test_fold(len(parts["train"]), len(parts["test"]), f"fold {self.fold} of {self.num_folds}")
        if self.account:
            account.notes = [str(note) for note in self.account.get("notes", [])]
        else:
            account.notes += [] if self.has_test else [self.no_test()]
            account.notes += self._lost_classes()
            account.notes += overlaps(self._sources_of_parts(num_samples, parts))
        self.account = account.plain()
        log_info(account.text())

    def _lost_classes(self) -> list[str]:
        train = self.samples["train"]
        whole: Any = train.dataset if isinstance(train, Subset) else train
        before, after = (class_counts(sample_targets(part), len(self.class_names)) for part in (whole, train))
        return lost_classes(before, after, self.class_names)

    def _sources_of_parts(self, num_samples: int, parts: dict[Split, list[int]]) -> dict[str, list[Path | str]]:
        sources: dict[str, list[Path | str]] = {
            split: list(items) for split in self.official_splits() if (items := self.sources(split))
        }
        if self.num_folds is not None:
            sources.pop("test", None)  # not used
        train = sources.get("train", [])
        if parts and len(train) == num_samples:  # otherwise files were skipped, and indices do not match
            sources |= {split: [train[index] for index in part] for split, part in parts.items()}
        return sources
