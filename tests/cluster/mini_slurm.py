"""A real SLURM of two hosts on this machine, with helpers for tests."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import leyden
from leyden.config.embedded import embedded_experiments

ROOT = Path.cwd()
EXPERIMENT = embedded_experiments(ROOT)[0]
UNSHARE = ["unshare", "--net", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
SETTINGS = [
    f"experiment={EXPERIMENT}",
    *("trainer=cpu", "trainer.limit_train_batches=12", "trainer.log_every_n_steps=1", "trainer.max_epochs=6"),
    *("launcher=slurm", "launcher.cpus_per_device=1", "launcher.signal_seconds=10", 'launcher.time="0:10:00"'),
]
LONG = ("trainer.max_epochs=100000", "callbacks.best=null")
TWO_HOSTS = "trainer.num_nodes=2"


class Cluster:
    """The cluster as seen by its controller.

    Args:
        folder: for its files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        script = Path(__file__).with_name("mini_slurm.sh")
        with folder.with_name("mini_slurm.log").open("w") as errors:
            self.process = subprocess.Popen(
                [*UNSHARE, "bash", str(script), str(folder), "2"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout
        if self.process.stdout.readline() != "ready\n":
            pytest.fail(f"SLURM did not start; its logs are in {folder.parent}")
        self.controller = self._child(self.process.pid)

    @staticmethod
    def _child(pid: int) -> int:
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def close(self) -> None:
        """Kill the first process of the namespaces, and with it everything in them."""
        self.process.communicate(timeout=20)

    def host(self, word: str, number: int) -> None:
        """`down`: simulate a power failure of a host; `up`: restart it."""
        assert self.process.stdin
        assert self.process.stdout
        print(word, number, file=self.process.stdin, flush=True)
        assert self.process.stdout.readline() == f"{word} {number}\n"

    def run(self, *words: object, pid: int = 0, code: int = 0) -> str:
        """Run a command in the namespace of the controller or another host, and return its output."""
        inside = ["nsenter", f"--target={pid or self.controller}", "--net", "--mount", "--uts", "--pid"]
        environment = {**os.environ, "SLURM_CONF": f"{self.folder}/slurm.conf", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [*inside, f"--wd={ROOT}", *map(str, words)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def command(self, *words: object, code: int = 0) -> str:
        return self.run(sys.executable, "-m", leyden.__name__, *words, code=code)

    def submit(self, runs: Path, *settings: str) -> Path:
        """Train with settings in addition to the defaults, and return the run directory."""
        self.command("train", *SETTINGS, f"runs={runs}", *settings)
        return next(runs.glob("*/*/2*"))

    def signal(self, run: Path, name: str) -> None:
        """Signal the processes, as SLURM does near the time limit."""
        self.run("scancel", f"--signal={name}", status(run)["job"])

    def processes(self, run: Path) -> list[int]:
        """Return the training processes of a run on all hosts."""
        found = subprocess.run(["pgrep", "--full", f"execute {run} train$"], capture_output=True, text=True).stdout
        # srun has the same words, but others before them.
        return [int(pid) for pid in found.split() if "srun" not in Path(f"/proc/{pid}/comm").read_text()]

    def state(self, run: Path) -> str:
        """Return SLURM's state of the job."""
        job = status(run)["job"]
        return self.run("squeue", "--noheader", "--states=all", f"--jobs={job}", "--format=%T").strip()

    def wait_for_end(self, run: Path, state: str) -> None:
        """Wait until the job has left the queue, and check its final state."""
        wait(lambda: self.state(run) not in ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "REQUEUED"), run)
        assert self.state(run) == state, output(run)

    def daemon(self, number: int) -> int:
        """Return the process id of a host's slurmd."""
        pattern = f"slurmd -D -N n{number} -f {self.folder}/"
        found = subprocess.run(["pgrep", "--full", f"^{pattern}"], capture_output=True, text=True).stdout
        return int(found)


def status(run: Path) -> dict:
    return json.loads((run / "status.json").read_text())


def output(run: Path) -> str:
    return "\n".join(file.read_text() for file in run.glob("slurm-*.out"))


def wait(condition, run: Path, seconds: float = 150) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{status(run)}\n{output(run)}"
        time.sleep(0.3)
