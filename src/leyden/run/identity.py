"""The id of a run: in the name of its folder, and at loggers that let one choose it."""

import os
import secrets
from collections.abc import Mapping


def agent_identity(environment: Mapping[str, str] = os.environ) -> str:
    """Return the id that an agent of a W&B sweep has given to the run that it starts; empty without an agent.

    The run has to log under this id, or the sweep would not see its metrics.
    """
    return environment.get("WANDB_RUN_ID", "") if environment.get("WANDB_SWEEP_ID") else ""


def new_identity() -> str:
    """Return the id of a new run."""
    return agent_identity() or secrets.token_hex(4)
