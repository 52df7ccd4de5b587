import os
import sys
from pathlib import Path
from typing import Any

from .rundir import RunDirectory
from .torchrun import run_torchrun


def launch(run: RunDirectory, verb: str, root: Path, **options: Any) -> int:
    """Executes a frozen run directory: in this process, or in one for each device through torchrun.

    Args:
        run: the run directory.
        verb: `train`, which goes on from the last checkpoint where there is one, `validate`, `test` or `predict`.
        root: the project's folder, in which relative paths of the configuration begin.
        **options: of the verb.

    Returns:
        The exit code: 0 only if all that was asked was done.
    """
    os.chdir(root)
    devices = run.config["trainer"].get("devices", 1)
    if verb == "train" and isinstance(devices, int) and devices > 1:
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={devices}"]
        return run_torchrun([*torchrun, "-m", f"{__package__}.execute", str(run.path), verb], run)
    from .execute import execute  # imports torch: seconds

    return execute(run, verb, **options)
