import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import wandb
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from ..errors import UserError
from ..io import installed_version
from .wandb_session import WandbSession

log = logging.getLogger(__name__)

FINISH_SECONDS = 20.0


class WandbRun(WandbLogger):
    """Log to Weights & Biases with the id of the run directory, so that a resumed run continues the same W&B run.

    The rows are those of metrics.csv. Without a connection, they are uploaded by `leyden sync` or when the run is
    resumed. Values logged directly with `experiment.log` need `commit=False`: they are sent with the next row and are
    not stored in the run directory.

    Args:
        save_dir: The run directory.
        id: Id of the run.
        name: Name of the run.
        project: W&B project.
        entity: User or team; None for the user's default.
        mode: `online`, `offline` or `disabled`.
        log_model: Upload the best checkpoint as an artifact at the end.
        group: Group of runs, such as those of a study.
        job_type: Type of the run within its group, such as `train`.
        tags: Labels to filter runs by.
        notes: Description of the run.

    Raises:
        UserError: wandb is not installed, or the server refuses the run, for example without a login.
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
        group: str | None = None,
        job_type: str | None = None,
        tags: Sequence[str] = (),
        notes: str | None = None,
    ) -> None:
        if not installed_version("wandb"):  # for the check, which does not import this module
            raise UserError("Weights & Biases is not installed: install wandb (extra `wandb`)")
        self.session: WandbSession | None = None
        self.media = {}  # sent with the next row
        self.advice = f"upload with: leyden sync {save_dir}"
        experiment = None
        if rank_zero_only.rank == 0:  # pyrefly: ignore[missing-attribute]
            if mode == "online":
                labels = {"group": group, "job_type": job_type, "tags": list(tags) or None, "notes": notes}
                self.session = self._begin(Path(save_dir), id, name, project, entity, labels)
            elif mode == "offline":
                log.info("W&B is offline; %s", self.advice)
            experiment = self.session.run if self.session else wandb.init(mode="disabled")
        super().__init__(
            name=name, save_dir=save_dir, id=id, project=project, log_model=log_model, experiment=experiment
        )

    def _begin(self, folder: Path, *identity: Any) -> WandbSession | None:
        try:
            return WandbSession(folder, *identity, finish_timeout=FINISH_SECONDS)
        except ConnectionError as error:
            log.warning("%s: W&B stays offline; %s", error, self.advice)
            return None

    def catch_up(self, rows: list[dict[str, str]]) -> None:
        """Send the rows before the resume point that the server does not have."""
        if self.session:
            self.session.send(rows)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log a row of numbers, as in metrics.csv; other values, such as plots, are sent with the next row."""
        if not all(isinstance(value, int | float) for value in metrics.values()):
            self.media |= metrics
            return
        if self.session:
            self.session.log({"step": step, **metrics}, self.media)
        self.media = {}

    def finish(self, exit_code: int) -> None:
        """Finish the W&B run, which is marked as failed unless the exit code is 0, and as preempted if it is 75.

        A preempted run of a sweep is given to the next agent.
        """
        if self.session:
            if exit_code == os.EX_TEMPFAIL:
                self.session.run.mark_preempting()
            if self.media and exit_code == 0:  # plots of the test, after the last row
                self.session.log_media(self.media)
            if not self.session.end(exit_code):
                log.warning("W&B does not respond: the upload is incomplete; %s", self.advice)

    def after_save_checkpoint(self, checkpoint_callback: ModelCheckpoint) -> None:
        if checkpoint_callback.monitor:  # the best checkpoint, not the last one
            super().after_save_checkpoint(checkpoint_callback)
