from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Experiment:
    """The top level of every configuration: its keys are these fields.

    Args:
        name: of the experiment; its runs are kept in `runs/<name>/`.
        data: a `DataModule`.
        model: a `LightningModule`.
        trainer: Lightning's `Trainer`.
        callbacks: Lightning callbacks by name; `null` takes one out.
        logger: loggers by name, besides `metrics.csv`.
        launcher: where the run is executed.
        seed: of everything that is random.
        runs: folder for the run directories.
    """

    name: str
    data: dict[str, Any]
    model: dict[str, Any]
    trainer: dict[str, Any]
    callbacks: dict[str, Any] = field(default_factory=dict)
    logger: dict[str, Any] = field(default_factory=dict)
    launcher: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    runs: str = "runs"

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}; it must not be negative")
