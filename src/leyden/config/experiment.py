from collections.abc import Sequence
from typing import Any, Literal


class Experiment:
    """The top level of every configuration. The check reads its signature like that of any other class.

    Args:
        name: Name of the experiment; its runs are stored in `runs/<name>/`.
        data: A `DataModule`.
        model: A `LightningModule`.
        trainer: Lightning's `Trainer`.
        launcher: A `Launcher`, which starts the training processes.
        callbacks: Lightning callbacks by name; `null` removes one.
        checkpoint: A `CheckpointIO` plugin, which writes checkpoints.
        logger: Loggers by name, besides `metrics.csv`.
        init_from: Weights that the training starts from: a run, a file of weights, `wandb:ENTITY/PROJECT/NAME:VERSION` or
            `hf:ORGANIZATION/REPOSITORY[@REVISION][:FILE]`. All have to match, but classification heads for other classes.
        init_from_only: Modules to load, such as `network.encoder`; the others keep their initialization.
        seed: Seed of all random number generators.
        runs: Folder of the run directories.
        search: The space of a search and its settings, for `leyden sweep`.
        preemption: Signals that announce the end of a job: the run saves a checkpoint and exits with code 75.

    Raises:
        ValueError: A name, folder or seed is invalid.
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
        init_from: str | None = None,
        init_from_only: Sequence[str] | None = None,
        seed: int = 0,
        runs: str = "runs",
        search: dict[str, Any] | None = None,
        preemption: Sequence[Literal["SIGTERM", "SIGUSR1", "SIGUSR2"]] = ("SIGTERM", "SIGUSR1"),
    ) -> None:
        if not name.isprintable() or name.startswith(("/", ".", "~")) or ".." in name.split("/"):
            raise ValueError(f"expected name to be a path below the runs folder, such as group/name, got {name!r}")
        if not runs.isprintable():
            raise ValueError(f"expected runs to be a folder without control characters, got {runs!r}")
        if init_from_only is not None and not init_from:
            raise ValueError(f"init_from_only is {init_from_only}, but init_from is not set")
        if init_from_only is not None and len(init_from_only) < 1:
            raise ValueError("init_from_only is empty; expected modules such as network.encoder, or null for all")
        if not 0 <= seed < 2**32:
            raise ValueError(f"expected seed to be at least 0 and below 2**32, got {seed}")
