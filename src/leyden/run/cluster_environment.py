"""The processes that execute a run together, as the preflight check and Lightning see them."""

import os

from lightning.fabric.plugins.environments import ClusterEnvironment, LightningEnvironment, TorchElasticEnvironment
from lightning.pytorch.plugins.environments import SLURMEnvironment


def cluster_environment() -> ClusterEnvironment:
    """Return the environment of torchrun or a SLURM job step, or else that of a single process."""
    if TorchElasticEnvironment.detect():
        return TorchElasticEnvironment()
    if {"MASTER_ADDR", "SLURM_PROCID"} <= os.environ.keys():  # a step of the job script, not a shell in a job
        return SLURMEnvironment(auto_requeue=False)  # the job script requeues
    return LightningEnvironment()
