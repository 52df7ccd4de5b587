"""Which processes execute a run together: one truth for the preflight and for Lightning."""

import os

from lightning.fabric.plugins.environments import ClusterEnvironment, LightningEnvironment, TorchElasticEnvironment
from lightning.pytorch.plugins.environments import SLURMEnvironment


def cluster_environment() -> ClusterEnvironment:
    """Those that torchrun or a job's `srun` started, else this process alone."""
    if TorchElasticEnvironment.detect():
        return TorchElasticEnvironment()
    if {"MASTER_ADDR", "SLURM_PROCID"} <= os.environ.keys():  # a job script's step, not a shell inside a job
        return SLURMEnvironment(auto_requeue=False)  # the job script does it
    return LightningEnvironment()
