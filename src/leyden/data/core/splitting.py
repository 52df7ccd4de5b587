"""How a data module obtains its training, validation and test samples: from official splits, else held out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import Subset

from ..storage.storage import log_info
from .account import Account
from .batch import Batch
from .classes import check_classes, class_counts
from .error import DataError
from .groups import held_out_split
from .overlap import overlaps
from .samples import Samples, sample_targets
from .split import check_validation
from .split_names import Split


class Splitting(LightningDataModule):
    """The part of `DataModule` that assigns samples to splits and reports a summary of the dataset's files."""

    samples: dict[Any, Samples | Subset[Batch]]
    class_names: list[str]
    class_counts: list[int]
    validation_fraction: float
    split_seed: int
    account: dict[str, Any]  # see `Account.plain`

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

    @property
    def how_to_test(self) -> str:
        """How to add a test split, in the imperative."""
        return "add a test split to the dataset"

    # Shared by all datasets

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
            if "test" not in self.official_splits():
                raise DataError(self.no_test())
            self.samples["test"] = self._load("test")

    def split(self, classes: Tensor, groups: Tensor | None = None) -> tuple[list[int], list[int]]:
        """Deterministic split into sample indices for training and for validation."""
        if "validation" in self.official_splits():
            return list(range(len(classes))), []
        return held_out_split(classes, groups, self.validation_fraction, self.split_seed)

    def no_test(self) -> str:
        """Message for a dataset without a test split."""
        return f"there is no test split, so nothing is tested. To test: {self.how_to_test}"

    def _set_up_training(self) -> None:
        samples = self._load("train")
        if "validation" in self.official_splits():
            self.samples |= {"train": samples, "validation": self._load("validation")}
            self._report(len(samples), None)
            return
        training, validation = self.split(samples.classes, samples.groups)
        check_validation(len(samples), len(validation), self.validation_fraction)
        self.samples |= {"train": Subset(samples, training), "validation": Subset(samples, validation)}
        self._report(len(samples), {"train": training, "validation": validation})

    def _load(self, split: Split) -> Samples:
        samples = self.load(split)
        if not isinstance(samples, Samples):
            raise DataError(
                f"{type(self).__name__}.load({split!r}): expected samples, such as TensorSamples(inputs, targets) of "
                f"leyden.data, got {type(samples).__name__}"
            )
        check_classes(samples.classes, self.class_names, split)
        return samples

    def _report(self, num_samples: int, parts: dict[Split, list[int]] | None) -> None:
        """Log the summary of samples and files, and of samples that two splits share, once per run.

        Args:
            num_samples: number of samples in the official training split.
            parts: its sample indices used for training and validation; None if validation is official.
        """
        account = self.count_samples()
        if not account:
            return
        account.num_samples = {
            split: len(self.samples[split]) for split in ("train", "validation")
        } | account.num_samples
        if parts:
            how = f"held out: data.validation_fraction={self.validation_fraction:g}"
            account.hold_out(len(parts["train"]), len(parts["validation"]), how)
        if self.account:
            account.notes = [str(note) for note in self.account.get("notes", [])]
        else:
            account.notes += [] if "test" in self.official_splits() else [self.no_test()]
            account.notes += overlaps(self._sources_of_parts(num_samples, parts))
        self.account = account.plain()
        log_info(account.text())

    def _sources_of_parts(self, num_samples: int, parts: dict[Split, list[int]] | None) -> dict[str, list[Path | str]]:
        sources: dict[str, list[Path | str]] = {
            split: list(items) for split in self.official_splits() if (items := self.sources(split))
        }
        train = sources.get("train", [])
        if parts and len(train) == num_samples:  # otherwise files were skipped, and indices do not match
            sources |= {split: [train[index] for index in part] for split, part in parts.items()}
        return sources
