import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from ...io import write_atomically
from ..files.fetch import download_lock
from ..storage.file_samples import OnCorrupt
from ..storage.storage import CACHE, Place, Storage
from ..stream.stream import Stream
from .batch import Batch
from .classes import Labels
from .error import DataError
from .loading import Loading, loading_advice
from .randomness import step_randomness
from .samples import Samples, base_dataset, sample_lengths
from .sampling import EpochBatches
from .splitting import Splitting
from .state import changed_values, check_same, read_state, state_to_save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Stage = Literal["train", "validation", "test", "predict"]
STATE_FILE = "data.json"


class DataModule(Splitting):
    """Base class of all data modules: splits, loaders and device transforms. A new dataset implements `load`.

    `provides` lists attributes that are passed to network arguments of the same name that are required or `???` in YAML.
    `paths` lists arguments that must be existing files or, with a trailing `/`, folders; `root/manifest` is a file in the
    folder `root`.

    Args:
        batch_size: number of samples per optimizer step over all devices.
        seed: seed of the sample order and, with epoch and step, of augmentation and dropout; see `randomness`.
        validation_fraction: share of each class that is held out of the training samples for validation if there is no
            official validation split.
        split_seed: seed of the held-out validation split and of the folds; separate from `seed`, so that runs with several
            seeds compare.
        fold, num_folds: test on part `fold`, from 0, of `num_folds` parts of the training samples, see `Splitting`.
        num_workers, prefetch_batches, pin_memory: see `Loading`; by default chosen for the machine and the samples.
        bucket_batches: batches of shuffled samples that are sorted by length together, see `EpochBatches`; 0 for none.
        on_corrupt: `raise` an error for a file that cannot be decoded, or `skip` it with a warning.
        storage, memory_gb, cache: where decoded samples are kept, see `Storage`.
        stream, stream_gb: address of samples written by `write_stream`, read instead of the dataset's files, see
            `Stream`; and how many gigabytes of a remote stream are kept below `cache`.

    Raises:
        ValueError: an argument is out of range.
        DataError: the dataset cannot be used.
    """

    provides: ClassVar[tuple[str, ...]] = ("num_classes", "class_names", "class_counts")
    paths: ClassVar[tuple[str, ...]] = ()
    drawn_size: ClassVar[tuple[float, float]] = (2.5, 2.5)  # width and height of a drawn sample, in inches
    class_names: list[str]
    class_counts: list[int]  # training samples per class

    def __init__(
        self,
        batch_size: int = 64,
        seed: int = 0,
        validation_fraction: float = 0.1,
        split_seed: int = 0,
        fold: int | None = None,
        num_folds: int | None = None,
        num_workers: int | None = None,
        prefetch_batches: int = 2,
        pin_memory: bool | None = None,
        bucket_batches: int = 32,
        on_corrupt: OnCorrupt = "raise",
        storage: Place | None = None,
        memory_gb: float = 4.0,
        cache: str | None = CACHE,
        stream: str | None = None,
        stream_gb: float = 100.0,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
        if not 0 <= seed < 2**32:
            raise ValueError(f"seed is {seed}; it must be at least 0 and below 2**32")
        if bucket_batches < 0:
            raise ValueError(f"bucket_batches is {bucket_batches}; it must not be negative")
        if num_folds is not None and stream is not None:
            raise ValueError(f"num_folds is {num_folds}; folds are not supported with data.stream")
        super().__init__(validation_fraction=validation_fraction, split_seed=split_seed, fold=fold, num_folds=num_folds)
        self.batch_size, self.bucket_batches = batch_size, bucket_batches
        self.loading = Loading(num_workers, prefetch_batches, pin_memory)
        self.seed, self.storage = seed, Storage(storage, memory_gb, cache)
        self.on_corrupt, self.class_names, self.class_counts, self.labels = on_corrupt, [], [], Labels()
        self.samples: dict[Stage, Samples | Subset[Batch]] = {}
        self.account: dict[str, Any] = {}
        self._resume: dict[str, Any] = {}
        self._transforms: dict[Stage, nn.Module] = {}
        self.source = Stream(stream, self.storage.streams, stream_gb * 1e9) if stream else None
        if self.source:
            # The dataset's own methods need its files, which a stream replaces.
            self.setup, self.official_splits = partial(self.source.setup, self), self.source.splits

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    def provided(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.provides}

    def save(self, folder: Path) -> None:
        """Write the state that `restore` needs to describe the data without reading it."""
        sizes = {stage: len(samples) for stage, samples in self.samples.items()}
        account = self.account or ({"samples": sizes} if sizes else {})
        state = state_to_save(self) | ({"account": account} if account else {})
        write_atomically(folder / STATE_FILE, json.dumps(state, ensure_ascii=False, indent=1))

    def is_saved(self, folder: Path) -> bool:
        return (folder / STATE_FILE).exists()

    def restore(self, folder: Path) -> None:
        state = read_state(folder / STATE_FILE, {*self.provides, *self.state(), "account"})
        vars(self).update(changed_values(vars(self), state))

    def state(self) -> dict[str, Any]:
        """JSON-serializable values inferred from the data, which later runs on other data must share."""
        return {"class_names": self.class_names, "class_counts": self.class_counts}

    # To be implemented by a dataset, with the methods of `Splitting`

    def download_files(self) -> None:
        """Download missing files of the dataset; called in one process at a time."""

    def read(self, inputs: list[Path]) -> tuple[Samples, list[str]]:
        """Samples of your files, with placeholder targets, and a name for each sample."""
        raise DataError(f"{type(self).__name__} cannot read files: it does not implement read(inputs)")

    def batch_transform(self, stage: Stage) -> nn.Module:
        """Module that converts a whole batch on the device, from the storage dtype to the inputs of the network."""
        raise DataError(f"{type(self).__name__} does not implement batch_transform(stage), which returns an nn.Module")

    def draw(self, axes: "Axes", inputs: Tensor) -> None:
        """Draw one sample, as the network receives it."""
        raise NotImplementedError

    # To be overridden by datasets of tasks other than classification

    def join_targets(self, samples: list[list[Tensor]]) -> Any:
        """Collate the target tensors of samples, as returned by `Batch.sample`, into the targets of a batch."""
        return torch.stack([target for (target,) in samples])

    def draw_prediction(self, axes: "Axes", inputs: Tensor, target: Any, prediction: Any) -> None:
        """Draw one sample with its target and the prediction: here, probabilities (class,)."""
        if not self.class_names:
            raise NotImplementedError
        self.draw(axes, inputs)
        caption, is_right = self.labels.caption(target, prediction, self.class_names)
        axes.set_title(caption, color="black" if is_right else "red", fontsize=9)

    def describe_prediction(self, inputs: Tensor, target: Any, prediction: Any) -> dict[str, Any]:
        """Columns of one sample in the table of the worst samples: here, true and predicted classes."""
        return self.labels.describe(target, prediction, self.class_names)

    def records(self, samples: Samples, index: int, prediction: Any) -> list[dict[str, Any]]:
        """Records that `predict` writes for sample `index`: dicts of JSON-serializable values or figures."""
        return [self.labels.record(prediction, self.class_names)]

    def prepare_data(self) -> None:
        if not self.samples and not self.source:  # Lightning calls this before each fit and test
            with download_lock():
                self.download_files()

    # Loaders, and batches on the device

    def train_dataloader(self) -> DataLoader:
        return self._loader("train")

    def val_dataloader(self) -> DataLoader:
        return self._loader("validation")

    def test_dataloader(self) -> DataLoader:
        return self._loader("test")

    def predict_dataloader(self) -> DataLoader:
        return self._loader("predict")

    def in_order(self, predictions: list[Any]) -> list[Any]:
        """Sort the predictions of all batches into the order of the samples."""
        samples = [sample for batch in self._batches("predict") for sample in batch]
        pairs = sorted(zip(samples, predictions, strict=True), key=lambda pair: pair[0])
        return [prediction for _, prediction in pairs]

    def _loader(self, stage: Stage) -> DataLoader:
        batches = self._batches(stage)
        if stage == "train" and self._resume:
            batches.resume_at(**self._resume)
        device = self.trainer.strategy.root_device if self.trainer else torch.device("cpu")
        on_device = stage != "predict" and self.storage.move(base_dataset(self.samples[stage]), device)
        loading = Loading(0, self.loading.prefetch_batches, False) if on_device else self.loading
        return loading.loader(self.samples[stage], batches, self.trainer)

    def loading_advice(self) -> str:
        """The setting that would reduce the time that training waits for batches."""
        trainer: Any = self.trainer
        return loading_advice(trainer.train_dataloader, trainer.num_devices)

    def _batches(self, stage: Stage) -> EpochBatches:
        samples, trainer = self.samples[stage], self.trainer
        return EpochBatches(
            num_samples=len(samples),
            batch_size=self.batch_size,
            seed=self.seed,
            epoch=lambda: trainer.current_epoch if trainer else 0,
            shuffle=stage == "train",
            rank=trainer.global_rank if trainer else 0,
            num_ranks=trainer.world_size if trainer else 1,
            lengths=sample_lengths(samples) if self.bucket_batches else None,
            bucket_batches=self.bucket_batches,
            chunks=samples.chunks if isinstance(samples, Samples) else None,
            repeats=bool(trainer and trainer.overfit_batches),  # pyrefly: ignore[missing-attribute]
        )

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        assert self.trainer
        stage: Stage = "train" if self.trainer.training else "predict" if self.trainer.predicting else "test"
        if stage not in self._transforms:
            self._transforms[stage] = self.batch_transform(stage).to(batch.inputs.device)
        if stage != "train":
            return self._transforms[stage](batch)
        step = self.trainer.fit_loop.epoch_loop.batch_progress.current.ready
        ranks = self.trainer.global_rank, self.trainer.world_size
        with step_randomness(self.seed, self.trainer.current_epoch, step, *ranks):
            return self._transforms[stage](batch)

    def state_dict(self) -> dict[str, Any]:
        if not self.trainer:
            return self.state()
        loop = self.trainer.fit_loop
        epochs: Any = loop.epoch_progress.current
        is_within_epoch = epochs.started > epochs.processed
        batches_done = loop.epoch_loop.batch_progress.current.completed if is_within_epoch else 0
        return {**self.state(), "epoch": self.trainer.current_epoch, "batches_done": batches_done}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        check_same(self.state(), state_dict, "the checkpoint belongs to")
        self._resume = {name: state_dict[name] for name in ("epoch", "batches_done")}
        if self.trainer and self.trainer.train_dataloader:  # some strategies create it before restoring anything
            self.trainer.train_dataloader.batch_sampler.resume_at(**self._resume)
