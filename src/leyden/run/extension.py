"""Whether a run may be trained for longer: it must end with the bits of a run that had its new length from the start.

Torch-free until a checkpoint has to be read.
"""

import math
import shlex
import sys
from pathlib import Path
from typing import Any

from ..errors import UserError
from .code_copy import CODE
from .directory import RunDirectory

LENGTH = ("trainer.max_epochs", "trainer.max_steps", "trainer.max_time")
SCHEDULE = "model.scheduler"  # its arguments may change if the learning rates of the steps done do not


def require_exact(run: RunDirectory, config: dict[str, Any], overrides: list[str], root: Path) -> None:
    """Check that a run can take another length or schedule.

    Args:
        run: The run; its configuration is still the former one.
        config: Its new configuration, resolved.
        overrides: What changes: settings in `LENGTH` and arguments of the schedule.
        root: The project's folder.

    Raises:
        UserError: A run with these settings from the start would differ, or has already ended.
    """
    if others := _dependent(run, overrides):
        text = f"in a new run, {', '.join(others)} would change with it"
        raise UserError(_refusal(run, config, overrides, f"{text}, so this run cannot become that run"))
    if not run.has_checkpoint:
        if run.status["state"] == "finished":
            raise UserError(f"{run.path} cannot be continued: it has no last checkpoint, which callbacks.last saves")
        return
    from .checkpoint import CheckpointFile  # imports torch: seconds
    from .simulated_rates import differing_rates

    checkpoint = CheckpointFile().load_checkpoint(run.checkpoint("last"))
    point = checkpoint.get("resume_point", {})
    _require_more(run, config, checkpoint, overrides)
    if reason := differing_rates(run.config, config, checkpoint["global_step"], checkpoint["epoch"], _steps(point)):
        raise UserError(_refusal(run, config, overrides, reason))
    if point.get("moment") == "end" and (reason := _why_ended(checkpoint)):
        raise UserError(_refusal(run, config, overrides, reason))


def total_steps(trainer: dict[str, Any], steps_per_epoch: int | None) -> float:
    """Return the number of optimizer steps that Lightning computes for these arguments of its Trainer."""
    steps, epochs = trainer.get("max_steps", -1), trainer.get("max_epochs")
    if epochs is None:
        epochs = 1000 if steps == -1 and not trainer.get("max_time") else -1
    by_epochs = math.inf if epochs == -1 or steps_per_epoch is None else epochs * steps_per_epoch
    return min(by_epochs, math.inf if steps == -1 else steps)


def _steps(point: dict[str, Any]) -> int | None:
    return point.get("steps_per_epoch")


def _require_more(run: RunDirectory, config: dict[str, Any], checkpoint: dict[str, Any], overrides: list[str]) -> None:
    """Require an end after what has been trained."""
    is_finished = run.status["state"] == "finished"
    done = {"max_epochs": checkpoint["epoch"], "max_steps": checkpoint["global_step"]}
    for name, value in done.items():
        limit = config["trainer"].get(name)
        if limit in (None, -1) or limit > value or (limit == value and not is_finished):
            continue
        what = "epochs" if name == "max_epochs" else "steps"
        raise UserError(
            f"{' '.join(overrides)}: the run has already trained {value} {what}, and trainer.{name}={limit}: set a larger "
            f"trainer.{name}"
        )


def _dependent(run: RunDirectory, overrides: list[str]) -> list[str]:
    """Settings that follow from the overridden ones by interpolation, such as `T_max: ${trainer.max_epochs}`.

    The run's own copy of configs/ and its command are composed, once with the overrides and once without.
    """
    from ..config.compose import compose

    names = {word.partition("=")[0] for word in overrides}
    lines = (run.path / "command.txt").read_text(encoding="utf-8").splitlines()
    program, *words = shlex.split(lines[0]) if lines else [""]
    if program != "leyden" or not (run.path / CODE / "configs").is_dir():
        return []
    words = [word for word in words[1:] if not word.startswith("-")]
    kept = [word for word in words if word.partition("=")[0].lstrip("+") not in names]
    try:
        before, after = (dict(_flat(compose(given, run.path / CODE).frozen)) for given in (words, [*kept, *overrides]))
    except UserError as error:
        text = f"settings that depend on {' '.join(sorted(names))} by interpolation could not be looked for: {error}"
        print(text, file=sys.stderr)
        return []
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return sorted(changed - names)


def _flat(node: Any, prefix: str = "") -> list[tuple[str, Any]]:
    if isinstance(node, dict) and node:
        return [pair for key, value in node.items() for pair in _flat(value, f"{prefix}.{key}" if prefix else str(key))]
    return [(prefix, node)]


def _why_ended(checkpoint: dict[str, Any]) -> str:
    """Why a longer run would not have passed through the end of this one; empty if it would."""
    if checkpoint["resume_point"]["should_stop"]:
        return (
            f"a callback or trainer.max_time stopped it after step {checkpoint['global_step']}, as it would have stopped a "
            "run with a later end"
        )
    progress = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]
    if not progress["is_last_batch"]:
        return (
            f"it ended within an epoch, after step {checkpoint['global_step']}: the validation and the means of this epoch "
            "would not be those of a longer run"
        )
    return ""


def _refusal(run: RunDirectory, config: dict[str, Any], overrides: list[str], reason: str) -> str:
    lengths = " ".join(word for word in overrides if word.partition("=")[0] in LENGTH)
    return (
        f"{' '.join(overrides)}: {run.path} cannot be continued with the results of a run that had this from the start: "
        f"{reason}. There are two ways:\n"
        f"  a new run from its weights, with a new warmup: leyden train {config['name']} {lengths} init_from={run.path}\n"
        "  a schedule whose rate is constant until a decay that you choose, for runs to be extended later: leyden train "
        f"{config['name']} optim=wsd"
    )
