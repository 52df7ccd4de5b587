import shlex
import sys
from pathlib import Path

from ..errors import UserError
from ..io import installed_version
from ..run.directory import RunDirectory
from ..run.torchrun import run_torchrun
from .launcher import EXECUTE, STOPPED, TORCHRUN, Launcher
from .sequential import SequentialLauncher


class Local(Launcher):
    """Train on this machine: with one device in this process, with several devices through torchrun.

    Args:
        devices: Number of devices, or indices of GPUs: `trainer.devices`.
        nodes: `trainer.num_nodes`.
        max_restarts: How often torchrun restarts all processes from the last checkpoint after a failure.
        accelerator: `trainer.accelerator`.
        fork: Whether the runs of a sweep are forked from one process that has imported torch, which saves seconds per
            run. CPU only.

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
    ) -> None:
        if nodes > 1:
            raise ValueError(f"expected trainer.num_nodes=1, got {nodes}; for several nodes choose launcher=slurm")
        if isinstance(devices, int) and devices < 1:
            raise ValueError(f"expected trainer.devices of at least 1, got {devices}")
        if isinstance(devices, list) and (accelerator == "cpu" or not devices or len(set(devices)) < len(devices)):
            raise ValueError(f"expected trainer.devices as a number or as distinct indices of GPUs, got {devices}")
        if max_restarts < 0:
            raise ValueError(f"expected max_restarts of at least 0, got {max_restarts}")
        if fork and accelerator != "cpu":  # CUDA contexts do not survive a fork
            raise ValueError(f"fork needs trainer.accelerator=cpu, got {accelerator}; choose trainer=cpu or fork=false")
        if fork and devices != 1:
            raise ValueError(f"fork needs trainer.devices=1, got {devices}; choose 1 or fork=false")
        super().__init__(nodes)
        self.num_devices = devices if isinstance(devices, int) else len(devices)
        self.max_restarts, self.fork = max_restarts, fork

    def describe(self, paths: list[Path], live: bool = False) -> str:
        return "".join(f"{shlex.join(self._command(path))}\n" for path in paths)

    def launch(self, runs: list[RunDirectory], is_alone: bool = True) -> int:
        """Train runs sequentially; a failed run does not stop the next.

        Raises:
            UserError: This version of torchrun does not support restarts.
        """
        if self.max_restarts and installed_version("torch").startswith("2.3."):
            raise UserError("torchrun of torch 2.3 cannot restart processes: set launcher.max_restarts=0")
        if self.num_devices == 1:
            return self._train_here(runs[0]) if is_alone else SequentialLauncher(runs, self.fork).train()
        codes = []
        for run in runs:
            with run.claimed():
                codes.append(run_torchrun(self._command(run.path), run))
            if codes[-1] in STOPPED:  # stopped from outside: the remaining runs are not started
                break
        return max(codes)

    def _train_here(self, run: RunDirectory) -> int:
        from ..run.execute import execute  # imports torch: seconds

        with run.claimed():
            return execute(run, "train")

    def _command(self, path: Path) -> list[str]:
        module = ["-m", EXECUTE, str(path), "train"]
        if self.num_devices == 1:
            return [sys.executable, *module]
        torchrun = ["-m", TORCHRUN, "--standalone", f"--nproc-per-node={self.num_devices}"]
        return [sys.executable, *torchrun, f"--max-restarts={self.max_restarts}", *module]
