import shlex
import sys
from pathlib import Path

from ..errors import UserError
from ..run.code_copy import CODE
from ..run.directory import RunDirectory
from ..run.frozen_code import is_live
from ..run.project_files import SOURCE
from .launcher import EXECUTE, Launcher, require_printable
from .slurm_queue import submit

SCRIPT = "job.sbatch"
# Not exported by the script: some sites do not hand its variables on to `srun`.
FROM_COPY = f'env PYTHONPATH="$run/{CODE}/{SOURCE}${{PYTHONPATH:+:$PYTHONPATH}}" '


class Slurm(Launcher):
    """A SLURM cluster: one job for a run, one job array for several.

    A preempted job, or one whose time is nearly over, saves a checkpoint and queues again by itself.

    Args:
        devices: of each node, one process each: `trainer.devices`.
        nodes: `trainer.num_nodes`.
        accelerator: `trainer.accelerator`: whether devices are GPUs.
        time: limit as SLURM writes it, `hours:minutes:seconds` or `days-hours`; None: the partition's.
        partition: None: the cluster's default, as in all that follows.
        account: who pays.
        qos: quality of service.
        constraint: features that nodes must have.
        memory: of each node, such as `64G`.
        cpus_per_device: CPU cores.
        signal_seconds: so long before the limit the run is told to save a checkpoint.
        max_jobs: of an array, so many run at a time.
        options: further options of sbatch, such as `--exclusive`; the last of two that contradict wins.
        setup: lines of shell before training, such as `module load cuda`.
        python: what starts Python; in a container `apptainer exec --nv image.sif python`. None: this Python.

    Raises:
        ValueError: an argument is out of range.
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
    ) -> None:
        if devices < 1:
            raise ValueError(f"trainer.devices is {devices}; give the number of devices of each node")
        if accelerator not in ("cpu", "cuda", "gpu"):
            raise ValueError(f"trainer.accelerator is {accelerator!r}; say what to ask SLURM for: trainer=gpu or cpu")
        if cpus_per_device < 1:
            raise ValueError(f"cpus_per_device is {cpus_per_device}; it must be at least 1")
        if not 1 <= signal_seconds <= 65535:
            raise ValueError(f"signal_seconds is {signal_seconds}; SLURM allows 1 to 65535")
        if max_jobs is not None and max_jobs < 1:
            raise ValueError(f"max_jobs is {max_jobs}; it must be at least 1")
        for text in (time, partition, account, qos, constraint, memory, python):
            if text is not None and not text.isprintable():
                raise ValueError(f"{text!r} holds a control character, with which it could be a command of the script")
        for lines in (options, setup):
            if lines is not None and not "".join(lines).replace("\t", " ").isprintable():
                raise ValueError(f"{lines} holds a control character; give each line as an element of the list")
        super().__init__(nodes)
        self.max_jobs, self.setup, self.python = max_jobs, setup or [], python or shlex.quote(sys.executable)
        gpus = None if accelerator == "cpu" else devices
        sizes = {"--nodes": nodes, "--ntasks-per-node": devices, "--gpus-per-node": gpus}
        wants = {"--mem": memory, "--time": time, "--partition": partition, "--account": account, "--qos": qos}
        wants |= {"--constraint": constraint, "--signal": f"USR1@{signal_seconds}"}  # to the processes, not the script
        self.options = {**sizes, "--cpus-per-task": cpus_per_device, **wants}
        self.further_options, self.cpus_per_device = options or [], cpus_per_device

    def describe(self, paths: list[Path], live: bool = False) -> str:
        """The script. The job of an array finds its run directory by its number."""
        first, is_array = paths[0], len(paths) > 1
        most = f"%{self.max_jobs}" if self.max_jobs else ""
        options = {
            "--job-name": first.parent.name,
            "--output": first / ("slurm-%A_%a.out" if is_array else "slurm-%j.out"),
            "--open-mode": "append",
            "--chdir": Path.cwd(),
            "--array": f"0-{len(paths) - 1}{most}" if is_array else None,
            **self.options,
        }
        require_printable(*paths, Path.cwd())
        lines = [f"{name}={shlex.quote(str(value))}" for name, value in options.items() if value is not None]
        quoted = [shlex.quote(str(path)) for path in paths]
        choice = ["runs=(", *(f"  {path}" for path in quoted), ")", 'run="${runs[$SLURM_ARRAY_TASK_ID]}"']
        own_output = 'exec >> "$run/slurm-${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID.out" 2>&1'
        return SCRIPT_TEXT.format(
            options="\n".join(f"#SBATCH {line}" for line in [*lines, "--requeue", *self.further_options]),
            run="\n".join([*choice, own_output] if is_array else [f"run={quoted[0]}"]),
            setup="".join(f"{line}\n" for line in self.setup),
            cpus=self.cpus_per_device,
            command=f"{'' if live else FROM_COPY}{self.python} -m {EXECUTE}",
        )

    def _with_references(self, run: RunDirectory) -> "Slurm":
        """This launcher as it may be written to a file: without values that are this machine's alone."""
        frozen, arguments = run.frozen_config["launcher"], {}
        for name, value in run.config["launcher"].items():
            if name != "_target_":
                arguments[name] = frozen[name] if isinstance(value, str) else value
                if isinstance(value, list):
                    arguments[name] = frozen[name] if isinstance(frozen[name], list) else [frozen[name]]
        return type(self)(**arguments)

    def launch(self, runs: list[RunDirectory], is_alone: bool = True) -> int:
        """Submits the runs and returns at once.

        Raises:
            UserError: SLURM refuses the job.
        """
        paths, live = [run.path for run in runs], is_live(runs[0].path)
        script = self._with_references(runs[0]).describe(paths, live)
        for run in runs:
            (run.path / SCRIPT).write_text(script, encoding="utf-8")
            run.set_state("submitted")  # before: a job may begin, and say so, at once
        try:
            job = submit(self.describe(paths, live), runs[0].path / SCRIPT)
        except UserError as error:
            for run in runs:
                run.set_state("failed", error=str(error))
            raise
        for number, run in enumerate(runs):
            run.note(job=job if len(runs) == 1 else f"{job}_{number}")
            label = f"job              {run.status['job']}"
            print(f"{label}: leyden status {run.path}", file=sys.stderr)
        return 0


SCRIPT_TEXT = """\
#!/bin/bash
{options}

{run}
{setup}
export MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export MASTER_PORT=$((15000 + SLURM_JOB_ID % 10000))

# A process for each device. When the first has ended, for good or ill, the others have ten minutes: one may hang.
srun --cpus-per-task={cpus} --kill-on-bad-exit=0 --wait=600 \\
  {command} "$run" train
code=$?

# 75: stopped from outside, with a checkpoint from which the same job goes on.
if [ $code -eq 75 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit $code
"""
