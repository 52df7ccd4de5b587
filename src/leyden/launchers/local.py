import shlex
import signal
import subprocess
import sys
from pathlib import Path

from ..errors import UserError
from ..installed import installed_version
from ..rundir import RunDirectory
from ..torchrun import run_torchrun
from .launcher import EXECUTE, Launcher

STOPPED = (75, 130)


class Local(Launcher):
    """This machine: one device in this process, several in one process each through torchrun.

    Args:
        devices: their number, or the numbers of those to use: `trainer.devices`.
        nodes: `trainer.num_nodes`.
        max_restarts: so often torchrun starts all processes again, from the last checkpoint, after one ended badly.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(self, devices: int | list[int] = 1, nodes: int = 1, max_restarts: int = 0) -> None:
        if nodes > 1:
            raise ValueError(f"trainer.num_nodes is {nodes}; this launcher has one machine: choose launcher=slurm")
        if isinstance(devices, int) and devices < 1:
            raise ValueError(f"trainer.devices is {devices}; give the number of devices")
        if max_restarts < 0:
            raise ValueError(f"max_restarts is {max_restarts}; it must not be negative")
        super().__init__(nodes)
        self.num_devices = devices if isinstance(devices, int) else len(devices)
        self.max_restarts = max_restarts

    def describe(self, paths: list[Path]) -> str:
        return "".join(f"{shlex.join(self._command(path))}\n" for path in paths)

    def launch(self, runs: list[RunDirectory]) -> int:
        """Trains one run after the other; a failed one does not keep the next from its turn.

        Raises:
            UserError: restarts are asked of a torchrun that has none.
        """
        if self.max_restarts and installed_version("torch").startswith("2.3."):
            raise UserError("torchrun of torch 2.3 cannot start processes again: set launcher.max_restarts=0")
        codes = []
        for run in runs:
            with run.claimed():
                codes.append(self._train(run, is_alone=len(runs) == 1))
            if codes[-1] in STOPPED:  # from outside, as are those that have not begun
                break
        return max(codes)

    def _train(self, run: RunDirectory, is_alone: bool) -> int:
        command = self._command(run.path)
        if self.num_devices > 1:
            return run_torchrun(command, run)
        if not is_alone:  # what one leaves behind in its process is nothing to the next
            return _run(command)
        from ..execute import execute  # imports torch: seconds

        return execute(run, "train")

    def _command(self, path: Path) -> list[str]:
        module = ["-m", EXECUTE, str(path), "train"]
        if self.num_devices == 1:
            return [sys.executable, *module]
        torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={self.num_devices}"]
        return [sys.executable, *torchrun, f"--max-restarts={self.max_restarts}", *module]


def _run(command: list[str]) -> int:
    """Waits for a process, in a session of its own, and hands signals on: it receives each of them once."""
    process = subprocess.Popen(command, start_new_session=True)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
    previous = {number: signal.signal(number, lambda number, _: process.send_signal(number)) for number in numbers}
    try:
        return process.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
