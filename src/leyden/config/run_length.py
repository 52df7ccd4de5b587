"""Check that a run has the step limit that its schedule needs."""

from typing import Any

from .static.signature import signature
from .static.source import NameMissingError


def step_limit_error(config: dict[str, Any]) -> str:
    """Return a message if the schedule needs the number of steps and the trainer sets no limit, else an empty string."""
    trainer, model = config.get("trainer"), config.get("model")
    scheduler = model.get("scheduler") if isinstance(model, dict) else None
    if not isinstance(trainer, dict) or not isinstance(scheduler, dict) or "total_steps" in scheduler:
        return ""
    has_steps = trainer.get("max_steps", -1) != -1
    epochs = trainer.get("max_epochs", 1000)
    is_limited = has_steps or not (epochs == -1 or (epochs is None and trainer.get("max_time")))
    try:
        schedule = None if is_limited else signature(str(scheduler.get("_target_")))
    except NameMissingError:
        return ""
    if not schedule or "total_steps" not in schedule.parameters:
        return ""
    return (
        f"{schedule.name} needs the number of steps: set trainer.max_epochs=N, which trainer.max_time may end sooner, "
        "or model.scheduler=null"
    )
