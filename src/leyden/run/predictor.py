"""Load a trained model from Python."""

import logging
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..config.compose import project_root
from ..data.core.samples import TensorSamples
from ..errors import UserError, hint
from .directory import find_run
from .frozen_code import imported_from
from .harmless_warnings import silence_lightning
from .newest_remark import newest_remark
from .predict import records
from .trust import require_trust
from .worker import Worker

log = logging.getLogger("leyden")


class Predictor:
    """The trained model of a run, returned by `leyden.load`.

    Attributes:
        network: The network with the weights of the checkpoint, in evaluation mode, on the CPU.
        transform: Module that maps a `Batch` of samples in storage dtype to the network's inputs.
        class_names: Class names in the order of the network's outputs; empty for tasks without classes.
    """

    def __init__(self, worker: Worker, checkpoint: str) -> None:
        self._worker, self._checkpoint = worker, checkpoint
        self._task = worker.load(checkpoint).eval().cpu()
        self.network: nn.Module = self._task.network
        self.transform: nn.Module = worker.data.batch_transform("predict").eval()
        self.class_names: list[str] = list(worker.data.provided().get("class_names") or [])

    def predict(self, inputs: Any) -> list[Any]:
        """Predict files or arrays.

        Args:
            inputs: A file or folder of the same type as the training data, or several of them; or a tensor or NumPy
                array of samples in storage dtype, such as uint8 images (batch, channel, height, width).

        Returns:
            For files, the records that `leyden predict` writes; for arrays, the task's prediction for each sample, such
            as probabilities (class).

        Raises:
            UserError: A file is missing or of another type than the training data.
            DataError: A file cannot be read.
        """
        with warnings.catch_warnings():
            silence_lightning()
            return self._predictions([inputs] if isinstance(inputs, str | Path) else inputs)

    def outputs(self, split: str = "test") -> tuple[Tensor, Tensor]:
        """Compute the network's outputs for a split of the run's data.

        Args:
            split: `test` or `validation`.

        Returns:
            The outputs, such as logits (sample, class), and the targets, such as class indices (sample,), both in the
            order of the samples.

        Raises:
            UserError: `split` is another name, or the outputs or targets have no common size.
            DataError: The data have no such split, or cannot be read.
        """
        if split not in ("test", "validation"):
            raise UserError(
                f"expected split 'test' or 'validation', got {split!r}{hint(split, ('test', 'validation'))}"
            )
        data, parts = self._worker.data, []
        data.prepare_data()
        data.setup("test" if split == "test" else "validate")
        samples, transform = data.samples[split], data.batch_transform(split).eval()
        with torch.no_grad():
            for indices in torch.arange(len(samples)).split(data.batch_size):
                batch = transform(samples.__getitems__(indices.tolist()))
                parts.append((self._task(batch.inputs, batch.lengths), batch.targets))
        outputs, targets = zip(*parts, strict=True)
        return _joined(outputs, "outputs"), _joined(targets, "targets")

    def _predictions(self, inputs: Any) -> list[Any]:
        if isinstance(inputs, Iterable) and all(isinstance(item, str | Path) for item in inputs):
            files = records(self._worker, [Path(item) for item in inputs], self._checkpoint)
            return [record for file_records in files for record in file_records]
        samples = torch.as_tensor(inputs)
        samples = TensorSamples(samples, torch.zeros(len(samples), dtype=torch.int64))
        return self._worker.predict(samples, self._checkpoint)


def _joined(parts: tuple[Any, ...], what: str) -> Tensor:
    """Concatenate the parts of all batches."""
    sizes = {part.shape[1:] if isinstance(part, Tensor) else None for part in parts}
    if len(sizes) > 1 or None in sizes:
        raise UserError(
            f"the {what} of this run's samples have no common size, so that `outputs` cannot join them: use `predict`, or "
            "`network` with batches of your own"
        )
    return torch.cat(parts)


def load(run: str | Path, checkpoint: str = "best", trust: bool = False) -> Predictor:
    """Load the trained model of a run.

    Args:
        run: A run directory, an experiment's name (its newest run) or `latest`.
        checkpoint: `best`, `last` or a path.
        trust: Whether to execute a run that was not created in this project; see `leyden predict --trust`.

    Raises:
        UserError: The run or checkpoint does not exist, or the run is not trusted.
    """
    try:
        root = project_root()
    except UserError:  # a run may be outside of a project
        root = Path.cwd()
    directory = find_run(str(run), root)
    if remark := newest_remark(str(run), directory, root):
        log.warning("%s", remark)
    require_trust(directory, root, "predict", trusts=trust)
    with imported_from(directory.path) as module:  # the run's copy of the code, which the returned object keeps using
        try:
            own = module("run.predictor").Predictor
        except ModuleNotFoundError:
            raise UserError(
                f"{directory.path} was created by version 0.1, which leyden.load does not support; use the command line: "
                f"leyden predict {directory.path} ..."
            ) from None
        worker = module("run.worker").Worker(module("run.directory").RunDirectory(directory.path), trains=False)
        return own(worker, checkpoint)
