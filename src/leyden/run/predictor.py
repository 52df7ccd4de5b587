"""A trained model from Python, in two lines."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..config.compose import project_root
from ..data.core.samples import TensorSamples
from ..errors import UserError
from .directory import find_run
from .frozen_code import imported_from
from .harmless_warnings import silence_lightning
from .predict import records
from .trust import require_trust
from .worker import Worker


class Predictor:
    """The model of a run; `leyden.load` makes one.

    Attributes:
        network: with the weights of the checkpoint, in evaluation mode, on the CPU.
        transform: samples in their storage dtype -> what the network reads, a whole `Batch` at a time.
        class_names: in the order of the network's outputs; empty where the task has no classes.
    """

    def __init__(self, worker: Worker, checkpoint: str) -> None:
        self._worker, self._checkpoint = worker, checkpoint
        self.network: nn.Module = worker.load(checkpoint).network.eval().cpu()
        self.transform: nn.Module = worker.data.batch_transform("predict").eval()
        self.class_names: list[str] = list(worker.data.provided().get("class_names") or [])

    def predict(self, inputs: Any) -> list[Any]:
        """What the model says of files or arrays.

        Args:
            inputs: a file or folder of the kind that training read, or several of them; or a tensor or NumPy array of
                samples in their storage dtype, such as uint8 images (sample, channel, height, width).

        Returns:
            Of files, the records that `leyden predict` writes; of arrays, the task's prediction for each sample, such as
            probabilities (class).

        Raises:
            UserError: a file is missing or of another kind.
            DataError: a file cannot be read.
        """
        with warnings.catch_warnings():
            silence_lightning()
            return self._predictions([inputs] if isinstance(inputs, str | Path) else inputs)

    def _predictions(self, inputs: Any) -> list[Any]:
        if isinstance(inputs, Iterable) and all(isinstance(one, str | Path) for one in inputs):
            made = records(self._worker, [Path(one) for one in inputs], self._checkpoint)
            return [record for records_of_one in made for record in records_of_one]
        samples = torch.as_tensor(inputs)
        samples = TensorSamples(samples, torch.zeros(len(samples), dtype=torch.int64))
        return self._worker.predict(samples, self._checkpoint)


def load(run: str | Path, checkpoint: str = "best", trust: bool = False) -> Predictor:
    """The trained model of a run.

    Args:
        run: a run directory, an experiment's name (its newest run) or `latest`.
        checkpoint: `best`, `last` or a path.
        trust: whether a run that was not made in this project may be executed; see `leyden predict --trust`.

    Raises:
        UserError: there is no such run or checkpoint, or the run is not trusted.
    """
    try:
        root = project_root()
    except UserError:  # a run may lie anywhere
        root = Path.cwd()
    found = find_run(str(run), root)
    require_trust(found, root, "predict", trusts=trust)
    with imported_from(found.path) as module:  # the run's copy of the code, also for what is done later
        try:
            own = module("run.predictor").Predictor
        except ModuleNotFoundError:
            raise UserError(
                f"{found.path} was made by version 0.1, which commands alone can use: leyden predict {found.path} ..."
            ) from None
        worker = module("run.worker").Worker(module("run.directory").RunDirectory(found.path), trains=False)
        return own(worker, checkpoint)
