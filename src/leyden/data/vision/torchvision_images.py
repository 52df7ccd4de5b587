import operator
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from inspect import isclass, signature
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2.functional import rgb_to_grayscale

from ..core.account import Account, held_out_for_test
from ..core.error import DataError
from ..core.samples import PartSamples, Samples, TensorSamples
from ..core.split import stratified_split
from ..core.split_names import Split
from ..storage.decode import decode_all, decoded
from ..storage.file_samples import FileSamples
from ..storage.mapped import mapped
from .image_data import ImageData
from .kept_dataset import kept_files, made_of_dataset
from .validation_choices import validation_choices


class Item(NamedTuple):
    dataset: Any
    index: int

    def __str__(self) -> str:
        return f"sample {self.index} of {type(self.dataset).__name__}"


class TorchvisionImages(ImageData):
    """Any torchvision dataset of (image, class index), downloaded by torchvision.

    Args:
        dataset: class of the dataset, such as `torchvision.datasets.CIFAR10`, or your own class with the same interface.
        root: folder of the files, if the class has such an argument.
        train, test: arguments that select a split, such as `split: train`; by default `train: true` and `train: false`;
            null values are left out. If both are equal, a fifth of each class, the same in every run, is the test split.
        validation: arguments that select the validation split. By default those of an official one, if the class is from
            torchvision and `train` excludes it; an empty mapping holds out `validation_fraction` of training instead.
        **image: arguments of `ImageData`.
    """

    def __init__(
        self,
        dataset: Callable[..., Any],
        root: str = "data",
        train: Mapping[str, Any] | None = None,
        test: Mapping[str, Any] | None = None,
        validation: Mapping[str, Any] | None = None,
        **image,
    ) -> None:
        if validation and validation in (train, test):
            raise ValueError(f"validation is {validation}, which is also the training or test split")
        super().__init__(**image)
        self.dataset, self.root = dataset, root
        self.train_arguments = {"train": True} if train is None else _given(train)
        self.test_arguments = {"train": False} if test is None else _given(test)
        self._validation = validation

    @cached_property
    def validation_arguments(self) -> dict[str, Any] | None:
        """Arguments that select the official validation split; None if there is none."""
        if self._validation is not None:
            return _given(self._validation) or None
        if not _class_of(self.dataset).__module__.startswith("torchvision."):
            return None  # other classes may accept unknown names
        for arguments in validation_choices(self.train_arguments):
            if arguments != self.test_arguments and self._accepts(arguments):
                return arguments
        return None

    def _accepts(self, arguments: dict[str, Any]) -> bool:
        """Whether the dataset accepts these values: torchvision checks them before it looks for files."""
        try:
            self.dataset(**self._with_root(arguments, download=False))
        except (ValueError, FileNotFoundError) as error:
            return not (isinstance(error, FileNotFoundError) or "Unknown value" in str(error))
        except (OSError, RuntimeError, TypeError, ImportError, KeyError):
            return True  # accepted, but something is missing, which is reported when the split is opened
        return True

    def official_splits(self) -> tuple[Split, ...]:
        test: tuple[Split, ...] = ("test",) if self._has_test else ()
        return ("train", *(("validation",) if self.validation_arguments else ()), *test)

    @property
    def _has_test(self) -> bool:
        """Whether some samples are only for testing: those of a dataset without splits all belong to the folds."""
        return self.num_folds is None or self.train_arguments != self.test_arguments

    def count_samples(self) -> Account:
        selections: dict[Split, Any] = {"train": self.train_arguments}
        if self._has_test:
            selections["test"] = self.test_arguments
        if self.validation_arguments:
            selections["validation"] = self.validation_arguments
        if self._has_test and self.train_arguments == self.test_arguments:
            selections["test"] = held_out_for_test(0.2)
        how = {
            split: value if isinstance(value, str) else ", ".join(f"{name}={item}" for name, item in value.items())
            for split, value in selections.items()
        }
        return Account(_class_of(self.dataset).__name__, {}, how)

    def download_files(self) -> None:
        if "download" in _accepted(self.dataset):
            for split in self.official_splits():
                self._open(split, download=True)

    def load(self, split: Split) -> Samples:
        dataset = self._open(split, download=False)
        samples = self._of_arrays(dataset) or self._of_items(dataset)
        if split == "train":
            self.class_names = _class_names(dataset, samples.targets)
        if self.train_arguments != self.test_arguments:
            return samples
        if split == "validation" or not self._has_test:
            return samples
        return PartSamples(samples, stratified_split(samples.targets, fraction=0.2, seed=0)[split == "test"])

    def _open(self, split: Split, download: bool) -> Any:
        arguments = {
            "train": self.train_arguments,
            "validation": self.validation_arguments,
            "test": self.test_arguments,
        }
        given = self._with_root(arguments[split] or {}, download)
        try:
            return self.dataset(**given)
        except (OSError, RuntimeError, ValueError, TypeError, ImportError) as error:
            raise DataError(f"cannot open the {split} split of the dataset, called with {given}: {error}") from error

    def _with_root(self, arguments: dict[str, Any], download: bool) -> dict[str, Any]:
        offered, accepted = {"root": self.root, "download": download}, _accepted(self.dataset)
        return {name: value for name, value in offered.items() if name in accepted} | arguments

    def _of_arrays(self, dataset: Any) -> Samples | None:
        """Samples of a dataset with an array of images, like MNIST and CIFAR, uint8 (sample, height, width[, channel])."""
        targets, images = _targets(dataset), getattr(dataset, "data", None)
        if targets is None or not isinstance(images, np.ndarray | Tensor):
            return None
        images = torch.as_tensor(images)
        if images.dtype is not torch.uint8 or not (images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)):
            return None
        images = images.unsqueeze(1) if images.ndim == 3 else images.movedim(-1, 1)

        def build() -> Tensor:
            grey = rgb_to_grayscale(images) if self.in_channels < images.shape[1] else images
            return self.fit(grey).contiguous()

        entry = self.storage.entry(made_of_dataset(self, {"images": images.numpy()}, []))
        stored = self.storage.keep(entry, lambda: build().numpy(), False, images.nbytes)
        return TensorSamples(mapped(stored.samples) if stored else build(), targets)

    def _of_items(self, dataset: Any) -> Samples:
        """Samples of any other dataset, decoded one by one and cached if possible."""
        made_of = made_of_dataset(self, vars(dataset), kept_files(dataset))
        entry = self.storage.entry(made_of and made_of | {"what": "labels"})
        known_targets = _targets(dataset)
        if known_targets is None and entry and (stored := entry.read()):
            known_targets = torch.tensor(stored.samples[0])
        targets = torch.full((len(dataset),), -1).share_memory_() if known_targets is None else known_targets

        def read(item: Item) -> Tensor:
            image, label = dataset[item.index]
            if not isinstance(image, Image.Image) or not hasattr(label, "__index__"):
                kinds = f"{type(image).__name__} and {type(label).__name__}"
                raise ValueError(f"it is {kinds}; expected an image without transforms and a class index")
            targets[item.index] = operator.index(label)  # shared memory: set by any process that decodes
            return self.reader.convert(image, item)

        items = [Item(dataset, n) for n in range(len(dataset))]
        files = FileSamples(items, targets, read, on_corrupt=self.on_corrupt, made_of=made_of)
        samples = decoded(files, self.storage)
        if known_targets is not None:
            return samples
        if (samples.targets < 0).any():  # samples from the cache, without labels
            for _ in decode_all(items, lambda item: files.decode(item) is not None):
                pass
            targets.clamp_(min=0)  # of skipped samples
            samples = files if samples is files else decoded(files, self.storage)
        self.storage.keep(entry, lambda: [targets.numpy()], False, targets.nbytes)
        return samples


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _class_of(dataset: Callable[..., Any]) -> Any:
    return dataset.func if isinstance(dataset, partial) else dataset


def _accepted(dataset: Callable[..., Any]) -> set[str]:
    """Argument names of a class, including those of base classes to which it passes **kwargs."""
    kind = _class_of(dataset)
    names: set[str] = set()
    for base in kind.__mro__ if isclass(kind) else (kind,):
        parameters = signature(base).parameters
        names |= parameters.keys()
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            break
    return names


def _targets(dataset: Any) -> Tensor | None:
    """Class indices (sample,), int64, if the dataset has all of them as an attribute, without transforms."""
    if getattr(dataset, "transforms", None) or not hasattr(dataset, "targets"):
        return None
    targets = np.asarray(dataset.targets)
    is_known = targets.dtype.kind in "iu" and targets.shape == (len(dataset),)
    return torch.from_numpy(targets.astype(np.int64)) if is_known else None


def _class_names(dataset: Any, targets: Tensor) -> list[str]:
    """Class names of the dataset; by default, the indices."""
    names = getattr(dataset, "classes", None) or getattr(dataset, "categories", None)
    if not names:
        return [str(index) for index in range(int(targets.max()) + 1 if len(targets) else 0)]
    return [name if isinstance(name, str) else ", ".join(name) for name in names]
