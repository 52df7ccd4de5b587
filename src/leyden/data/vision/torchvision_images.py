from collections.abc import Callable, Mapping
from functools import cached_property, partial
from inspect import isclass, signature
from operator import index
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
from ..core.split_names import SPLITS, Split
from ..storage.decode import decode_all, decoded
from ..storage.file_samples import FileSamples
from ..storage.mapped import mapped
from .image_data import ImageData
from .kept_dataset import kept_files, made_of_dataset
from .validation_choices import validation_choices


class Item(NamedTuple):
    dataset: Any
    number: int

    def __str__(self) -> str:
        return f"sample {self.number} of {type(self.dataset).__name__}"


class TorchvisionImages(ImageData):
    """Any torchvision dataset of (image, class number), downloaded and checked by torchvision itself.

    Args:
        dataset: the dataset's class, such as `torchvision.datasets.CIFAR10`, or one of your own that is used alike.
        root: folder for the files, where the class takes one.
        train, test: the arguments that choose a split, such as `split: train`; by default `train: true` and
            `train: false`; one that is null is left out. Where both are the same, a fifth of each class, always the
            same, is the test split.
        validation: the arguments that choose the validation split. By default those of the official one, where a dataset
            of torchvision has it and `train` is the split without it; an empty mapping has a `validation_fraction` of
            training held out all the same.
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
            raise ValueError(f"validation is {validation}, which is also the split for training or test")
        super().__init__(**image)
        self.dataset, self.root = dataset, root
        self.train_arguments = {"train": True} if train is None else _given(train)
        self.test_arguments = {"train": False} if test is None else _given(test)
        self._validation = validation

    @cached_property
    def validation_arguments(self) -> dict[str, Any] | None:
        """What chooses the official validation split; None where there is none."""
        if self._validation is not None:
            return _given(self._validation) or None
        if not _class_of(self.dataset).__module__.startswith("torchvision."):
            return None  # of another's class, nobody knows what it makes of a name that it does not know
        for arguments in validation_choices(self.train_arguments):
            if arguments != self.test_arguments and self._accepts(arguments):
                return arguments
        return None

    def _accepts(self, arguments: dict[str, Any]) -> bool:
        """Whether the dataset knows these values: torchvision refuses others before it looks for files."""
        try:
            self.dataset(**self._with_root(arguments, download=False))
        except (ValueError, FileNotFoundError) as error:
            return not (isinstance(error, FileNotFoundError) or "Unknown value" in str(error))
        except (OSError, RuntimeError, TypeError, ImportError, KeyError):
            return True  # of the split that it is asked for, something is missing, which is said when it is opened
        return True

    def official_splits(self) -> tuple[Split, ...]:
        return SPLITS if self.validation_arguments else ("train", "test")

    def count_samples(self) -> Account:
        found: dict[Split, Any] = {"train": self.train_arguments, "test": self.test_arguments}
        if self.validation_arguments:
            found["validation"] = self.validation_arguments
        if self.train_arguments == self.test_arguments:
            found["test"] = held_out_for_test(0.2)
        told = {
            split: how if isinstance(how, str) else ", ".join(f"{name}={value}" for name, value in how.items())
            for split, how in found.items()
        }
        return Account(_class_of(self.dataset).__name__, {}, told)

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
        if split == "validation":
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
            raise DataError(f"cannot get the dataset, {split} split, called with {given}: {error}") from error

    def _with_root(self, arguments: dict[str, Any], download: bool) -> dict[str, Any]:
        offered, accepted = {"root": self.root, "download": download}, _accepted(self.dataset)
        return {name: value for name, value in offered.items() if name in accepted} | arguments

    def _of_arrays(self, dataset: Any) -> Samples | None:
        """All samples at once of a dataset that keeps them as MNIST and CIFAR do, uint8 [sample, height, width(, channel)]."""
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
        """One sample after the other, kept where they may be."""
        made_of = made_of_dataset(self, vars(dataset), kept_files(dataset))
        entry = self.storage.entry(made_of and made_of | {"what": "labels"})
        told = _targets(dataset)
        if told is None and entry and (stored := entry.read()):
            told = torch.tensor(stored.samples[0])
        targets = torch.full((len(dataset),), -1).share_memory_() if told is None else told

        def read(item: Item) -> Tensor:
            image, label = dataset[item.number]
            if not isinstance(image, Image.Image) or not hasattr(label, "__index__"):
                kinds = f"{type(image).__name__} and {type(label).__name__}"
                raise ValueError(f"it is {kinds}, not an image without transforms and a class number")
            targets[item.number] = index(label)  # all datasets tell it here; in memory that processes share
            return self.reader.convert(image, item)

        items = [Item(dataset, n) for n in range(len(dataset))]
        files = FileSamples(items, targets, read, on_corrupt=self.on_corrupt, made_of=made_of)
        samples = decoded(files, self.storage)
        if told is not None:
            return samples
        if (samples.targets < 0).any():  # nobody has read them yet
            for _ in decode_all(items, lambda item: files.decode(item) is not None):
                pass
            targets.clamp_(min=0)  # of those that are skipped
            samples = files if samples is files else decoded(files, self.storage)
        self.storage.keep(entry, lambda: [targets.numpy()], False, targets.nbytes)
        return samples


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _class_of(dataset: Callable[..., Any]) -> Any:
    return dataset.func if isinstance(dataset, partial) else dataset


def _accepted(dataset: Callable[..., Any]) -> set[str]:
    """Names of a class's arguments, with those of its base classes as far as it hands them up."""
    kind = _class_of(dataset)
    names: set[str] = set()
    for one in kind.__mro__ if isclass(kind) else (kind,):
        parameters = signature(one).parameters
        names |= parameters.keys()
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            break
    return names


def _targets(dataset: Any) -> Tensor | None:
    """Class numbers [sample], int64, of a dataset that tells all of them at once and does not transform them."""
    if getattr(dataset, "transforms", None) or not hasattr(dataset, "targets"):
        return None
    targets = np.asarray(dataset.targets)
    is_known = targets.dtype.kind in "iu" and targets.shape == (len(dataset),)
    return torch.from_numpy(targets.astype(np.int64)) if is_known else None


def _class_names(dataset: Any, targets: Tensor) -> list[str]:
    """As the dataset tells them, or the numbers themselves."""
    names = getattr(dataset, "classes", None) or getattr(dataset, "categories", None)
    if not names:
        return [str(number) for number in range(int(targets.max()) + 1 if len(targets) else 0)]
    return [name if isinstance(name, str) else ", ".join(name) for name in names]
