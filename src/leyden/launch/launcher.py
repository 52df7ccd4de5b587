from pathlib import Path

from ..errors import UserError
from ..run.directory import RunDirectory

EXECUTE = "leyden.run.execute"
TORCHRUN = "leyden.run.torchrun"
PREEMPTED, INTERRUPTED = STOPPED = (75, 130)  # exit codes


def require_printable(*paths: Path) -> None:
    """
    Raises:
        UserError: a path holds a control character, such as a new line, which would end a line of a script.
    """
    for path in paths:
        if not str(path).isprintable():
            raise UserError(f"{str(path)!r} holds a control character: rename the folder, or set runs to another one")


class Launcher:
    """Where frozen run directories are trained.

    Args:
        nodes: machines that train one run together: `trainer.num_nodes`.
    """

    def __init__(self, nodes: int) -> None:
        if nodes < 1:
            raise ValueError(f"trainer.num_nodes is {nodes}; it must be at least 1")
        self.nodes = nodes

    def describe(self, paths: list[Path], live: bool = False) -> str:
        """What `launch` would do with run directories at these places, in the shell's words.

        Args:
            paths: the run directories, which need not be there.
            live: whether they use the working tree, and not their copies of the code.
        """
        raise NotImplementedError

    def launch(self, runs: list[RunDirectory], is_alone: bool = True) -> int:
        """Trains the runs, each from its last checkpoint where there is one, and returns the exit code.

        Args:
            runs: their directories.
            is_alone: whether this process is there for one run, and may be used up by it.
        """
        raise NotImplementedError
