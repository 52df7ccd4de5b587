import logging
import socket
from typing import Literal
from urllib.parse import urlsplit

import wandb
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger

from ..errors import UserError

log = logging.getLogger(__name__)


class WandbRun(WandbLogger):
    """A Weights & Biases run that has the identity of the run directory, so that a resumed run continues it.

    Without a connection to the server the run is kept offline in the run directory.

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
        server = wandb.setup().settings.base_url
        if mode == "online" and not _reachable(server):
            log.warning("no connection to %s: W&B stays offline; upload with: wandb sync %s/wandb/*", server, save_dir)
            mode = "offline"
        super().__init__(
            name=name,
            save_dir=save_dir,
            id=id,
            project=project,
            entity=entity,
            mode=mode,
            log_model=log_model,
            resume="allow",
            # Without a limit, a server that is lost in mid-run keeps the finished run waiting for ever.
            settings=wandb.Settings(finish_timeout=20, silent=True),
        )

        self._wandb_init.pop("anonymous")  # Lightning 2.6 passes what W&B 0.31 warns about
        try:
            self.experiment  # noqa: B018 - begins the run
        except wandb.errors.Error as error:
            raise UserError(
                f"Weights & Biases refused: {error}\nLog in with `wandb login`, or set logger.wandb.mode=offline"
            ) from error

    def finish(self, exit_code: int) -> None:
        """Ends the run at Weights & Biases, marked as failed unless the exit code is 0."""
        if self._experiment is not None:
            self._experiment.finish(exit_code=exit_code)

    def after_save_checkpoint(self, checkpoint_callback: ModelCheckpoint) -> None:
        if checkpoint_callback.monitor:  # the best checkpoint, not the last one
            super().after_save_checkpoint(checkpoint_callback)


def _reachable(server: str, seconds: float = 3.0) -> bool:
    address = urlsplit(server)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname or "", port), timeout=seconds).close()
    except OSError:
        return False
    return True
