import os
import shlex
import sys
from functools import partial
from pathlib import Path

from ..errors import UserError
from ..io import installed_version
from ..run.directory import RunDirectory
from ..run.torchrun import run_torchrun
from .launcher import EXECUTE, TORCHRUN, Launcher
from .pool import RunPool, Start
from .run_process import ForkedRun, SpawnedRun
from .shares import require_gpus, shares


class Local(Launcher):
    """Train on this machine: with one device in this process, with several devices through torchrun.

    Args:
        devices: Number of devices, or indices of GPUs: `trainer.devices`.
        nodes: `trainer.num_nodes`.
        max_restarts: How often torchrun restarts all processes from the last checkpoint after a failure.
        accelerator: `trainer.accelerator`.
        fork: Whether the runs of a sweep are forked from one process that has imported torch, which saves seconds per
            run. CPU only.
        parallel: How many runs of a sweep are trained at once: a number, or `auto` for one per GPU (per
            `trainer.devices` GPUs), on the CPU one per core that has 2 GB of memory; None for one after the other. Each
            has its share of GPUs and cores. The number of threads of a share, `OMP_NUM_THREADS`, changes the last bits
            of sums on a CPU.

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(
        self,
        devices: int | list[int] = 1,
        nodes: int = 1,
        max_restarts: int = 0,
        accelerator: str = "auto",
        fork: bool = False,
        parallel: int | str | None = None,
    ) -> None:
        if nodes > 1:
            raise ValueError(f"expected trainer.num_nodes=1, got {nodes}; for several nodes choose launcher=slurm")
        if isinstance(devices, int) and devices < 1:
            raise ValueError(f"expected trainer.devices of at least 1, got {devices}")
        if isinstance(devices, list) and (accelerator == "cpu" or not devices or len(set(devices)) < len(devices)):
            raise ValueError(
                f"expected trainer.devices to be a number or a list of distinct GPU indices, got {devices}"
            )
        if max_restarts < 0:
            raise ValueError(f"expected max_restarts of at least 0, got {max_restarts}")
        if fork and accelerator != "cpu":  # CUDA contexts do not survive a fork
            raise ValueError(f"fork needs trainer.accelerator=cpu, got {accelerator}; choose trainer=cpu or fork=false")
        if fork and devices != 1:
            raise ValueError(f"fork needs trainer.devices=1, got {devices}; choose 1 or fork=false")
        if isinstance(parallel, str) and parallel != "auto":
            raise ValueError(f"expected parallel to be null, auto or a number, got {parallel!r}")
        if isinstance(parallel, int) and parallel < 1:
            raise ValueError(f"expected parallel of at least 1, got {parallel}")
        super().__init__(nodes)
        self.devices, self.accelerator, self.parallel = devices, accelerator, parallel or 1
        self.num_devices = devices if isinstance(devices, int) else len(devices)
        self.max_restarts, self.fork = max_restarts, fork

    def require_devices(self) -> None:
        require_gpus(self.devices, self.accelerator)

    def describe(self, paths: list[Path], live: bool = False) -> str:
        remark = ""
        if len(paths) > 1 and len(self._shares) > 1:
            variables = "".join(f"\n#   {shlex.join(f'{k}={v}' for k, v in share.items())}" for share in self._shares)
            remark = f"# {len(self._shares)} at once, each with the variables of one line:{variables}\n"
        return remark + "".join(f"{shlex.join(self._command(path))}\n" for path in paths)

    def launch(self, runs: list[RunDirectory], is_alone: bool = True) -> int:
        """Train runs, one after the other or `parallel` at once; a failed run does not stop the others.

        Raises:
            UserError: This version of torchrun does not support restarts, or there are fewer GPUs than a run needs.
        """
        if self.max_restarts and installed_version("torch").startswith("2.3."):
            raise UserError("torchrun of torch 2.3 cannot restart processes: set launcher.max_restarts=0")
        if is_alone:
            return self._train_here(runs[0])
        return RunPool(runs, *self.workers()).train()

    def workers(self) -> tuple[list[dict[str, str]], Start]:
        """Return the share of this machine of each run at once, and the function that starts a run's process."""
        if self.num_devices > 1:
            return self._shares, partial(ForkedRun, function=self._torchrun)
        return self._shares, ForkedRun if self.fork else SpawnedRun

    @property
    def _shares(self) -> list[dict[str, str]]:
        return shares(self.parallel, self.devices, self.accelerator)

    def _train_here(self, run: RunDirectory) -> int:
        """Train a run alone: with the threads of a share, so that a resumed run of a sweep ends with the same bits."""
        share = {name: value for name, value in self._shares[0].items() if name != "CUDA_VISIBLE_DEVICES"}
        os.environ.update(share)  # before torch is imported, which reads them
        with run.claimed():
            if self.num_devices > 1:
                return self._torchrun(run)
            from ..run.execute import execute  # imports torch: seconds

            return execute(run, "train")

    def _torchrun(self, run: RunDirectory) -> int:
        return run_torchrun(self._command(run.path), run)

    def _command(self, path: Path) -> list[str]:
        module = ["-m", EXECUTE, str(path), "train"]
        if self.num_devices == 1:
            return [sys.executable, *module]
        torchrun = ["-m", TORCHRUN, "--standalone", f"--nproc-per-node={self.num_devices}"]
        return [sys.executable, *torchrun, f"--max-restarts={self.max_restarts}", *module]
