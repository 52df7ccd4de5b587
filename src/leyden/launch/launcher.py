from pathlib import Path

from ..errors import UserError
from ..run.directory import RunDirectory

EXECUTE = "leyden.run.execute"
TORCHRUN = "leyden.run.torchrun"
PACKED = "leyden.launch.packed"
PREEMPTED, INTERRUPTED = STOPPED = (75, 130)  # exit codes


def require_printable(*paths: Path) -> None:
    """Refuse paths that could break a line of a script.

    Raises:
        UserError: A path contains a control character, such as a newline.
    """
    for path in paths:
        if not str(path).isprintable():
            raise UserError(f"{str(path)!r} contains a control character: rename the folder, or set runs=FOLDER")


class Launcher:
    """Base class of launchers, which start the training processes of runs.

    Args:
        nodes: Number of machines that train a run together: `trainer.num_nodes`.

    Raises:
        ValueError: `nodes` is not positive.
    """

    def __init__(self, nodes: int) -> None:
        if nodes < 1:
            raise ValueError(f"expected trainer.num_nodes of at least 1, got {nodes}")
        self.nodes = nodes

    def require_devices(self) -> None:
        """Refuse, before anything is created, runs that need more devices than are known to be there.

        Raises:
            UserError: There are too few.
        """

    def describe(self, paths: list[Path], live: bool = False) -> str:
        """Return the shell commands that `launch` would execute or submit.

        Args:
            paths: The run directories, which need not exist.
            live: Whether they use the working tree instead of their copies of the code.
        """
        raise NotImplementedError

    def launch(self, runs: list[RunDirectory], is_alone: bool = True) -> int:
        """Train runs, each from its last checkpoint if there is one, and return the exit code.

        Args:
            runs: The run directories.
            is_alone: Whether this is the only run, so that it can be trained in this process.
        """
        raise NotImplementedError
