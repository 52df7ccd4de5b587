from collections.abc import Sequence
from typing import Any, Literal


class Experiment:
    """The top level of every configuration; the check reads it as it reads every other signature.

    Args:
        name: of the experiment; its runs are kept in `runs/<name>/`.
        data: a `DataModule`.
        model: a `LightningModule`.
        trainer: Lightning's `Trainer`.
        launcher: where the run is trained, a `Launcher`.
        callbacks: Lightning callbacks by name; `null` takes one out.
        checkpoint: how checkpoints are written.
        logger: loggers by name, besides `metrics.csv`.
        seed: of everything that is random.
        runs: folder for the run directories.
        preemption: signals that announce the end of a job: the run saves, and ends with 75.
    """

    def __init__(
        self,
        name: str,
        data: dict[str, Any],
        model: dict[str, Any],
        trainer: dict[str, Any],
        launcher: dict[str, Any],
        callbacks: dict[str, Any] | None = None,
        checkpoint: dict[str, Any] | None = None,
        logger: dict[str, Any] | None = None,
        seed: int = 0,
        runs: str = "runs",
        preemption: Sequence[Literal["SIGTERM", "SIGUSR1", "SIGUSR2"]] = ("SIGTERM", "SIGUSR1"),
    ) -> None:
        if not name.isprintable() or name.startswith(("/", ".", "~")) or ".." in name.split("/"):
            raise ValueError(f"name is {name!r}; it must be a folder below that of the runs, such as group/name")
        if not runs.isprintable():
            raise ValueError(f"runs is {runs!r}; it must be a folder's name, without control characters")
        if not 0 <= seed < 2**32:
            raise ValueError(f"seed is {seed}; it must be at least 0 and below 2**32")
