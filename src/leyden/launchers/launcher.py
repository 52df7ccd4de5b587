from pathlib import Path

from ..rundir import RunDirectory

PROGRAM = __name__.partition(".")[0]
EXECUTE = f"{PROGRAM}.execute"
TORCHRUN = f"{PROGRAM}.torchrun"
PREEMPTED, INTERRUPTED = STOPPED = (75, 130)  # exit codes


class Launcher:
    """Where frozen run directories are trained.

    Args:
        nodes: machines that train one run together: `trainer.num_nodes`.
    """

    def __init__(self, nodes: int) -> None:
        if nodes < 1:
            raise ValueError(f"trainer.num_nodes is {nodes}; it must be at least 1")
        self.nodes = nodes

    def describe(self, paths: list[Path]) -> str:
        """What `launch` would do with run directories at these places, in the shell's words."""
        raise NotImplementedError

    def launch(self, runs: list[RunDirectory], is_alone: bool = True) -> int:
        """Trains the runs, each from its last checkpoint where there is one, and returns the exit code.

        Args:
            runs: their directories.
            is_alone: whether this process is there for one run, and may be used up by it.
        """
        raise NotImplementedError
