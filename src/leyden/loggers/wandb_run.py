import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import wandb
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from .wandb_session import WandbSession

log = logging.getLogger(__name__)

FINISH_SECONDS = 20.0


class WandbRun(WandbLogger):
    """A Weights & Biases run that has the identity of the run directory, so that a resumed run continues it.

    It is a copy of metrics.csv, row by row. Without a connection the run directory waits for `sync`, or for a resumed
    run that has one. What a model logs past Lightning, through `experiment.log`, has to say `commit=False`: it then
    travels with the next row, and is not kept in the run directory.

    Args:
        save_dir: the run directory.
        id: identity of the run.
        name: name of the run.
        project: project at Weights & Biases.
        entity: user or team; none for the user's default.
        mode: `online`, `offline` or `disabled`.
        log_model: upload the best checkpoint as an artifact at the end.

    Raises:
        UserError: the server does not take the run, as without a login.
    """

    def __init__(
        self,
        save_dir: str,
        id: str,
        name: str,
        project: str,
        entity: str | None = None,
        mode: Literal["online", "offline", "disabled"] = "online",
        log_model: bool = False,
    ) -> None:
        self.session: WandbSession | None = None
        self.media = {}  # what has to travel with the next row
        self.later = f"upload with: leyden sync {save_dir}"
        experiment = None
        if rank_zero_only.rank == 0:  # pyrefly: ignore[missing-attribute]
            if mode == "online":
                self.session = self._begin(Path(save_dir), id=id, name=name, project=project, entity=entity)
            elif mode == "offline":
                log.info("W&B is offline; %s", self.later)
            experiment = self.session.run if self.session else wandb.init(mode="disabled")
        super().__init__(
            name=name, save_dir=save_dir, id=id, project=project, log_model=log_model, experiment=experiment
        )

    def _begin(self, folder: Path, **identity: Any) -> WandbSession | None:
        try:
            return WandbSession(folder, **identity, finish_timeout=FINISH_SECONDS)
        except ConnectionError as error:
            log.warning("%s: W&B stays offline; %s", error, self.later)
            return None

    def catch_up(self, rows: list[dict[str, str]]) -> None:
        """Sends what the server has not of the rows that training goes on from."""
        if self.session:
            self.session.send(rows)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """A row of numbers, as in metrics.csv; plots and the like travel with the next row."""
        if not all(isinstance(value, int | float) for value in metrics.values()):
            self.media |= metrics
            return
        if self.session:
            self.session.log({"step": step, **metrics}, self.media)
        self.media = {}

    def finish(self, exit_code: int) -> None:
        """Ends the run at Weights & Biases, marked as failed unless the exit code is 0."""
        if self.session:
            if self.media and exit_code == 0:  # of the test, after the last row
                self.session.log_media(self.media)
            if not self.session.end(exit_code):
                log.warning("W&B does not answer: not everything has arrived; %s", self.later)

    def after_save_checkpoint(self, checkpoint_callback: ModelCheckpoint) -> None:
        if checkpoint_callback.monitor:  # the best checkpoint, not the last one
            super().after_save_checkpoint(checkpoint_callback)
