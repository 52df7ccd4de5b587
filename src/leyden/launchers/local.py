import shlex
import signal
import subprocess
import sys
from pathlib import Path

from ..rundir import RunDirectory
from .launcher import EXECUTE, Launcher

# torchrun's own exit code is always 1; the run's last word is in its status.
EXIT_CODES = {"interrupted": 130, "preempted": 75}


class Local(Launcher):
    """This machine: one device in this process, several in one process each through torchrun.

    Args:
        devices: their number, or the numbers of those to use: `trainer.devices`.
        nodes: `trainer.num_nodes`.
        max_restarts: so often torchrun starts all processes again, from the last checkpoint, after one ended badly.
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
        if len(runs) == 1 and self.num_devices == 1:
            from ..execute import execute  # imports torch: seconds

            return execute(runs[0], "train")
        codes = [0]
        for run in runs:
            code = _wait(subprocess.Popen(self._command(run.path), start_new_session=True))
            if code and self.num_devices > 1:
                code = EXIT_CODES.get(run.status["state"], 1)
            codes.append(code)
            if code in EXIT_CODES.values():  # stopped from outside: so are the runs that have not begun
                return code
        return max(codes)

    def _command(self, path: Path) -> list[str]:
        module = ["-m", EXECUTE, str(path), "train"]
        if self.num_devices == 1:
            return [sys.executable, *module]
        torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={self.num_devices}"]
        return [sys.executable, *torchrun, f"--max-restarts={self.max_restarts}", *module]


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Hands signals on and waits: the process, in a session of its own, receives each of them once."""

    def hand_on(number: int, _: object) -> None:
        process.send_signal(signal.SIGTERM if number == signal.SIGUSR1 else number)  # torchrun knows no SIGUSR1

    previous = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)}
    try:
        return process.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
