"""What a search optimizes: validation metrics, or the duration of training; never a test metric."""

from typing import Any

from ...config.static.provides import constant
from ...config.targets import MISSING
from ...errors import UserError

SECONDS = "seconds"
DIRECTIONS = {"min": "minimize", "max": "maximize"}


def objectives(config: dict[str, Any], given: dict[str, str] | None) -> dict[str, str]:
    """Return each objective with `min` or `max`: the given ones, or the metric that selects the best checkpoint.

    Args:
        config: The configuration of the experiment.
        given: `search.objectives`.

    Raises:
        UserError: An objective is not a validation metric, or there is none.
    """
    if not given:
        return selection(config)
    for name, mode in given.items():
        require_validation(str(name), "search.objectives")
        if mode not in DIRECTIONS:
            raise UserError(f"search.objectives: expected {{{name}: min}} or {{{name}: max}}, got {mode!r}")
    return dict(given)


def require_validation(name: str, setting: str) -> None:
    """Raise UserError unless a metric is one of validation, or the seconds of training."""
    if name.startswith("test/"):
        raise UserError(
            f"{setting}: {name} would select on the test split, which would make the test result meaningless; use "
            f"val/{name.partition('/')[2]}"
        )
    if name != SECONDS and not name.startswith("val/"):
        raise UserError(f"{setting}: expected validation metrics, such as val/loss, or seconds, got {name}")


def selection(config: dict[str, Any]) -> dict[str, str]:
    """Return the metric that selects the best checkpoint, with `min` or `max`.

    Raises:
        UserError: It cannot be read from the source of the task.
    """
    best, target = (config.get("callbacks") or {}).get("best") or {}, config["model"]["_target_"]
    monitor, mode = (best.get(name, MISSING) for name in ("monitor", "mode"))
    monitor = constant(target, "monitor") if monitor == MISSING else monitor
    mode = constant(target, "mode") if mode == MISSING else mode
    if not monitor or mode not in DIRECTIONS:
        raise UserError(f"the metric of {target} is unknown before it runs: set search.objectives={{val/loss: min}}")
    return {monitor: mode}


def measure(metrics: dict[str, Any], seconds: float | None, names: list[str]) -> list[float]:
    """Return the values of the objectives of a trial.

    Raises:
        UserError: A metric was not measured, or is not finite.
    """
    values = []
    for name in names:
        value = seconds if name == SECONDS else metrics.get(name)
        if value is None:
            reason = (
                "is not finite"
                if name in metrics
                else f"was not measured: {', '.join(sorted(metrics)) or 'nothing'} was"
            )
            raise UserError(f"{name} {reason}")
        values.append(float(value))
    return values
