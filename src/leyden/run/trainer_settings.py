"""Trainer settings that depend on the machine and the processes of a run."""

from typing import Any

from lightning.fabric.plugins.environments import ClusterEnvironment, LightningEnvironment

from .cluster_environment import cluster_environment
from .data_wait_profiler import DataWaitProfiler
from .hardware import data_parallel, with_supported_precision


def adapt_settings(given: dict[str, Any], trains: bool) -> tuple[dict[str, Any], dict[str, Any], ClusterEnvironment]:
    """Adapt the trainer's configuration to this machine.

    Args:
        given: The configuration of the trainer.
        trains: Whether the run is trained; otherwise this process works alone on one device.

    Returns:
        The adapted configuration, objects for unset arguments, and the cluster environment.
    """
    environment = cluster_environment()
    if not trains:
        given, environment = given | {"devices": 1, "num_nodes": 1, "strategy": "auto"}, LightningEnvironment()
    unset: dict[str, Any] = {} if given.get("profiler") else {"profiler": DataWaitProfiler()}
    if environment.world_size() > 1 and given.get("strategy", "auto") == "auto":
        unset["strategy"] = data_parallel()
    return with_supported_precision(given), unset, environment
