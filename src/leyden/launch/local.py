import shlex
import sys
from pathlib import Path

from ..errors import UserError
from ..io import installed_version
from ..run.directory import RunDirectory
from ..run.torchrun import run_torchrun
from .launcher import EXECUTE, STOPPED, TORCHRUN, Launcher
from .sequential import InTurn


class Local(Launcher):
    """This machine: one device in this process, several in one process each through torchrun.

    Args:
        devices: their number, or the numbers of those to use: `trainer.devices`.
        nodes: `trainer.num_nodes`.
        max_restarts: so often torchrun starts all processes again, from the last checkpoint, after one ended badly.
        accelerator: `trainer.accelerator`.
        fork: whether the runs of a sweep are forked from one process that has imported torch, which saves each of them
            the seconds of that; on the CPU alone.

    Raises:
        ValueError: an argument is out of range.
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
            raise ValueError(f"trainer.num_nodes is {nodes}; this launcher has one machine: choose launcher=slurm")
        if isinstance(devices, int) and devices < 1:
            raise ValueError(f"trainer.devices is {devices}; give the number of devices")
        if isinstance(devices, list) and (accelerator == "cpu" or not devices or len(set(devices)) < len(devices)):
            raise ValueError(f"trainer.devices is {devices}; give numbers of GPUs, each once, or how many devices")
        if max_restarts < 0:
            raise ValueError(f"max_restarts is {max_restarts}; it must not be negative")
        if fork and accelerator != "cpu":  # what a GPU's driver has begun does not survive a fork
            raise ValueError(
                f"fork needs trainer.accelerator=cpu, received {accelerator}; choose trainer=cpu or fork=false"
            )
        if fork and devices != 1:
            raise ValueError(f"fork needs trainer.devices=1, received {devices}; choose 1 or fork=false")
        super().__init__(nodes)
        self.num_devices = devices if isinstance(devices, int) else len(devices)
        self.max_restarts, self.fork = max_restarts, fork

    def describe(self, paths: list[Path], live: bool = False) -> str:
        return "".join(f"{shlex.join(self._command(path))}\n" for path in paths)

    def launch(self, runs: list[RunDirectory], is_alone: bool = True) -> int:
        """Trains one run after the other; a failed one does not keep the next from its turn.

        Raises:
            UserError: restarts are asked of a torchrun that has none.
        """
        if self.max_restarts and installed_version("torch").startswith("2.3."):
            raise UserError("torchrun of torch 2.3 cannot start processes again: set launcher.max_restarts=0")
        if self.num_devices == 1:
            return self._train_here(runs[0]) if is_alone else InTurn(runs, self.fork).train()
        codes = []
        for run in runs:
            with run.claimed():
                codes.append(run_torchrun(self._command(run.path), run))
            if codes[-1] in STOPPED:  # from outside, as are those that have not begun
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
