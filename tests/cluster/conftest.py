import os
import shutil
import subprocess

import pytest
from mini_slurm import UNSHARE, Cluster

NEEDED = ("slurmctld", "slurmd", "srun", "munged", "ip", "unshare", "nsenter")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        pytest.skip(f"not installed: {', '.join(missing)} (slurmctld slurmd slurm-client munge iproute2)")
    if os.geteuid() or subprocess.run([*UNSHARE, "true"], capture_output=True).returncode:
        pytest.skip("only root may make the namespaces of the hosts")
    one = Cluster(tmp_path_factory.mktemp("cluster") / "slurm")
    yield one
    one.close()
