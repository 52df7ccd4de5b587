import shlex
import sys
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..run.code_copy import CODE
from ..run.directory import RunDirectory
from ..run.frozen_code import is_live
from ..run.project_files import SOURCE
from ..run.study_place import RUNS
from .launcher import EXECUTE, PACKED, Launcher, require_printable
from .slurm_queue import submit

SCRIPT = "job.sbatch"
# A prefix of the command, because some sites do not pass exported variables on to `srun`.
FROM_COPY = f'env PYTHONPATH="$run/{CODE}/{SOURCE}${{PYTHONPATH:+:$PYTHONPATH}}" '


class Slurm(Launcher):
    """Train on a SLURM cluster: one job for a single run, a job array for several runs, with one or more runs per job.

    A job that is preempted or close to its time limit saves a checkpoint and is requeued.

    Args:
        devices: Devices per node, with one process each: `trainer.devices`.
        nodes: `trainer.num_nodes`.
        accelerator: `trainer.accelerator`, which decides whether GPUs are requested.
        time: Time limit in SLURM's format, `hours:minutes:seconds` or `days-hours`. Default: the partition's.
        partition: Default: the cluster's, as for the following arguments.
        account: Account to charge.
        qos: Quality of service.
        constraint: Required node features.
        memory: Memory per node, such as `64G`.
        cpus_per_device: CPU cores per device.
        signal_seconds: Time before the limit at which the run is signalled to save a checkpoint.
        max_jobs: Maximum number of jobs of an array that run at a time; of a search, the number of jobs (default: 4).
        runs_per_job: How many runs of a sweep one job trains at once, on one node, each with `devices` devices and as
            many times `cpus_per_device` cores; `memory` is that of all of them together.
        options: Further options of sbatch, such as `--exclusive`; they override conflicting ones.
        setup: Shell commands to execute before training, such as `module load cuda`.
        python: Command that starts Python, such as `apptainer exec --nv image.sif python`. Default: this Python.

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(
        self,
        devices: int,
        nodes: int,
        accelerator: str,
        time: str | None = None,
        partition: str | None = None,
        account: str | None = None,
        qos: str | None = None,
        constraint: str | None = None,
        memory: str | None = None,
        cpus_per_device: int = 4,
        signal_seconds: int = 120,
        max_jobs: int | None = None,
        options: list[str] | None = None,
        setup: list[str] | None = None,
        python: str | None = None,
        runs_per_job: int = 1,
    ) -> None:
        _require_resources(devices, accelerator, cpus_per_device, signal_seconds, max_jobs)
        if runs_per_job < 1:
            raise ValueError(f"expected runs_per_job of at least 1, got {runs_per_job}")
        if runs_per_job > 1 and nodes > 1:
            raise ValueError(f"runs_per_job needs trainer.num_nodes=1, got {nodes}; choose 1 or runs_per_job=1")
        for text in (time, partition, account, qos, constraint, memory, python):
            if text is not None and not text.isprintable():
                raise ValueError(f"{text!r} contains a control character, which could add a command to the script")
        for lines in (options, setup):
            if lines is not None and not "".join(lines).replace("\t", " ").isprintable():
                raise ValueError(f"{lines} contains a control character; write each line as an element of the list")
        super().__init__(nodes)
        self.max_jobs, self.setup, self.python = max_jobs, setup or [], python or shlex.quote(sys.executable)
        self.devices, self.has_gpus, self.cpus_per_device = devices, accelerator != "cpu", cpus_per_device
        self.runs_per_job = runs_per_job
        limits = {"--mem": memory, "--time": time, "--partition": partition, "--account": account, "--qos": qos}
        limits |= {"--constraint": constraint, "--signal": f"USR1@{signal_seconds}"}  # to processes, not the script
        self.limits, self.further_options = limits, options or []

    def describe(self, paths: list[Path], live: bool = False) -> str:
        """Return the job script. A job of an array finds its run directories by its index."""
        require_printable(*paths)
        packed, num_jobs = len(paths) > 1 and self.runs_per_job > 1, len(self._jobs(paths))
        command = f'{PACKED} "${{runs[@]}}"' if packed else f'{EXECUTE} "$run" train'
        return self.script(paths[0], num_jobs, self._choice(paths), command, packed, live)

    def script(self, folder: Path, num_jobs: int, run: str, command: str, packed: bool, live: bool) -> str:
        """Return the script of a job, or of an array of several.

        Args:
            folder: Folder of the output.
            num_jobs: Number of jobs.
            run: Lines that set the variable `run`, a folder whose copy of the code is used.
            command: Module to execute, with its arguments.
            packed: Whether it starts the runs of the job itself, several at once.
            live: Whether the working tree is used instead of the copy of the code.
        """
        require_printable(folder, Path.cwd())
        limit = f"%{self.max_jobs}" if self.max_jobs else ""
        options = {
            "--job-name": (folder.parents[2] if folder.parent.name == RUNS else folder.parent).name,
            "--output": folder / ("slurm-%A_%a.out" if num_jobs > 1 else "slurm-%j.out"),
            "--open-mode": "append",
            "--chdir": Path.cwd(),
            "--array": f"0-{num_jobs - 1}{limit}" if num_jobs > 1 else None,
            **self._sizes(packed),
            **self.limits,
        }
        lines = [f"{name}={shlex.quote(str(value))}" for name, value in options.items() if value is not None]
        return SCRIPT_TEXT.format(
            options="\n".join(f"#SBATCH {line}" for line in [*lines, "--requeue", *self.further_options]),
            run=run,
            setup="".join(f"{line}\n" for line in self.setup),
            step=PACKED_STEP if packed else STEP,
            cpus=self._sizes(packed)["--cpus-per-task"],
            command=f"{'' if live else FROM_COPY}{self.python} -m {command}",
        )

    def _jobs(self, items: list[Any]) -> list[list[Any]]:
        """Divide runs into those of each job."""
        return [items[start : start + self.runs_per_job] for start in range(0, len(items), self.runs_per_job)]

    def _sizes(self, packed: bool) -> dict[str, int | None]:
        """Return what a job requests; one that trains several runs at once has a single task, which starts them."""
        number = self.runs_per_job if packed else 1
        return {
            "--nodes": self.nodes,
            "--ntasks-per-node": 1 if packed else self.devices,
            "--gpus-per-node": self.devices * number if self.has_gpus else None,
            "--cpus-per-task": self.cpus_per_device * (self.devices * number if packed else 1),
        }

    def _choice(self, paths: list[Path]) -> str:
        """Return the lines that set `run`, the first run directory of the job, and of several `runs`."""
        quoted = [shlex.quote(str(path)) for path in paths]
        if len(paths) == 1:
            return f"run={quoted[0]}"
        lines = ["runs=(", *(f"  {path}" for path in quoted), ")"]
        if len(self._jobs(paths)) == 1:
            return "\n".join([*lines, 'run="${runs[0]}"'])
        begin = f"$((SLURM_ARRAY_TASK_ID * {self.runs_per_job}))"
        own_output = 'exec >> "$run/slurm-${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID.out" 2>&1'
        return "\n".join([*lines, f'runs=("${{runs[@]:{begin}:{self.runs_per_job}}}")', 'run="${runs[0]}"', own_output])

    def with_references(self, run: Any) -> "Slurm":
        """Return a copy of this launcher with references instead of private values, for stored scripts."""
        frozen, arguments = run.frozen_config["launcher"], {}
        for name, value in run.config["launcher"].items():
            if name != "_target_":
                arguments[name] = frozen[name] if isinstance(value, str) else value
                if isinstance(value, list):
                    arguments[name] = frozen[name] if isinstance(frozen[name], list) else [frozen[name]]
        return type(self)(**arguments)

    def launch(self, runs: list[RunDirectory], is_alone: bool = True) -> int:
        """Submit the runs and return without waiting.

        Raises:
            UserError: SLURM refuses the job.
        """
        paths, live = [run.path for run in runs], is_live(runs[0].path)
        script = self.with_references(runs[0]).describe(paths, live)
        for run in runs:
            (run.path / SCRIPT).write_text(script, encoding="utf-8")
            run.set_state("submitted")  # before submission, since a job may start and set its state immediately
        try:
            job = submit(self.describe(paths, live), runs[0].path / SCRIPT)
        except UserError as error:
            for run in runs:
                run.set_state("failed", error=str(error))
            raise
        jobs = self._jobs(runs)
        for index, members in enumerate(jobs):
            shared = {"job_runs": [str(run.path) for run in members]} if len(members) > 1 else {}
            for run in members:
                run.update_status(job=job if len(jobs) == 1 else f"{job}_{index}", **shared)
                label = f"job              {run.status['job']}"
                print(f"{label}: leyden status {run.path}", file=sys.stderr)
        return 0


STEP = """\
export MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export MASTER_PORT=$((15000 + SLURM_JOB_ID % 10000))

# One process per device. Ten minutes after the first has exited, the others are killed, since they may hang."""
PACKED_STEP = "# One process, which trains the runs at once, each in a process of its own with a share of the job."

SCRIPT_TEXT = """\
#!/bin/bash
{options}

{run}
{setup}
{step}
srun --cpus-per-task={cpus} --kill-on-bad-exit=0 --wait=600 \\
  {command}
code=$?

# 75: preempted after saving a checkpoint, from which the requeued job resumes.
if [ $code -eq 75 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit $code
"""


def _require_resources(
    devices: int, accelerator: str, cpus_per_device: int, signal_seconds: int, max_jobs: int | None
) -> None:
    if devices < 1:
        raise ValueError(f"expected trainer.devices, the devices per node, of at least 1, got {devices}")
    if accelerator not in ("cpu", "cuda", "gpu"):
        raise ValueError(f"expected trainer.accelerator=gpu, cuda or cpu, got {accelerator!r}; set trainer=gpu or cpu")
    if cpus_per_device < 1:
        raise ValueError(f"expected cpus_per_device of at least 1, got {cpus_per_device}")
    if not 1 <= signal_seconds <= 65535:
        raise ValueError(f"expected signal_seconds from 1 to 65535, the range of SLURM, got {signal_seconds}")
    if max_jobs is not None and max_jobs < 1:
        raise ValueError(f"expected max_jobs of at least 1, got {max_jobs}")
