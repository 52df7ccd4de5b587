"""Changes to a configuration for two steps on one CPU, without loggers."""

from pathlib import Path
from typing import Any

from ..config.static.signature import signature
from ..config.static.source import NameMissingError

STEPS, BATCH_SIZE, NUM_TOKENS, NUM_DRAWN = 2, 8, 8, 2
ON_CPU = {"accelerator": "cpu", "devices": 1, "num_nodes": 1, "strategy": "auto", "precision": "32-true"}
LIMITS = ("max_epochs", "max_steps", "limit_train_batches", "limit_val_batches", "limit_test_batches")
TRAINER = ON_CPU | dict.fromkeys(LIMITS, STEPS) | {"log_every_n_steps": 1, "num_sanity_val_steps": 0}
# Settings that are removed, since they are for longer runs.
REMOVED = ("val_check_interval", "check_val_every_n_epoch", "max_time", "profiler", "overfit_batches", "fast_dev_run")


def small(config: dict[str, Any], runs: Path) -> dict[str, Any]:
    """Shorten an experiment in place, with the same classes.

    Args:
        config: configuration of the experiment.
        runs: folder for its runs.
    """
    config |= {"runs": str(runs), "logger": {}, "init_from": None, "init_from_only": None}
    config["trainer"] |= TRAINER
    for name in REMOVED:
        config["trainer"].pop(name, None)
    config["checkpoint"] |= {"asynchronous": False} if "asynchronous" in config["checkpoint"] else {}
    config["data"] = small_data(config["data"])
    config["model"] = small_model(config["model"])
    for callback in (config.get("callbacks") or {}).values():
        if callback and str(callback.get("_target_")).endswith(".PredictionPlots"):
            callback["num_samples"] = NUM_DRAWN  # figures take most of the time of a short run
    return config


def small_data(data: dict[str, Any]) -> dict[str, Any]:
    """Use small batches, without worker processes."""
    names = {name for name in ("batch_size", "num_workers") if _has_argument(str(data.get("_target_")), name)}
    size = data.get("batch_size")
    sizes = {"batch_size": min(size, BATCH_SIZE) if isinstance(size, int) else BATCH_SIZE, "num_workers": 0}
    return data | {name: sizes[name] for name in names}


def small_model(model: dict[str, Any]) -> dict[str, Any]:
    """Disable compilation, and generate few tokens."""
    model = dict(model)
    if "compile" in model:
        model["compile"] = False
    if isinstance(generation := model.get("generation"), dict):
        model["generation"] = generation | {"max_new_tokens": NUM_TOKENS}
    return model


def _has_argument(target: str, name: str) -> bool:
    try:
        arguments = signature(target)
    except NameMissingError:
        return False
    return bool(arguments and name in arguments.parameters)
