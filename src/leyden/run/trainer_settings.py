"""Settings of the trainer that follow from where a run is trained."""

from typing import Any

from lightning.fabric.plugins.environments import ClusterEnvironment, LightningEnvironment

from .cluster_environment import cluster_environment
from .data_wait_profiler import Unprofiled
from .hardware import data_parallel, for_this_gpu


def settings_here(given: dict[str, Any], trains: bool) -> tuple[dict[str, Any], dict[str, Any], ClusterEnvironment]:
    """
    Args:
        given: the configuration of the trainer.
        trains: else this process works alone, whatever the number of those that trained.

    Returns:
        The configuration for this machine, objects for what it leaves open, and the processes that there are.
    """
    environment = cluster_environment()
    if not trains:
        given, environment = given | {"devices": 1, "num_nodes": 1, "strategy": "auto"}, LightningEnvironment()
    unset: dict[str, Any] = {} if given.get("profiler") else {"profiler": Unprofiled()}
    if environment.world_size() > 1 and given.get("strategy", "auto") == "auto":
        unset["strategy"] = data_parallel()
    return for_this_gpu(given), unset, environment
