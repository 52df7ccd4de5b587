"""How long a run trains: what no single constructor can see."""

from typing import Any

from .static.signature import signature
from .static.source import NameMissingError


def endless(config: dict[str, Any]) -> str:
    """What is wrong where a schedule has to know the number of steps and the trainer has no such limit; or nothing."""
    trainer, model = config.get("trainer"), config.get("model")
    scheduler = model.get("scheduler") if isinstance(model, dict) else None
    if not isinstance(trainer, dict) or not isinstance(scheduler, dict) or "total_steps" in scheduler:
        return ""
    has_steps = trainer.get("max_steps", -1) != -1
    epochs = trainer.get("max_epochs", 1000)
    is_limited = has_steps or not (epochs == -1 or (epochs is None and trainer.get("max_time")))
    try:
        known = None if is_limited else signature(str(scheduler.get("_target_")))
    except NameMissingError:
        return ""
    if not known or "total_steps" not in known.parameters:
        return ""
    return (
        f"{known.name} has to know how many steps there are: give trainer.max_epochs=N, which trainer.max_time may end "
        "sooner, or model.scheduler=null"
    )
