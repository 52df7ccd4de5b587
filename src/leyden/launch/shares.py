"""The part of this machine that each of several runs at once may use: its GPUs, threads and cores. Torch-free."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from ..errors import UserError

CORES = "LEYDEN_CORES"  # environment variable: cores of one run, for its data workers
RUN_MEMORY = 2 * 2**30  # bytes; a run that has imported torch and holds a small dataset
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # quota and period of a container, in microseconds


def shares(parallel: int | str, devices: int | list[int], accelerator: str) -> list[dict[str, str]]:
    """Return the environment variables of each of the runs that are trained at once on this machine.

    All shares of a machine have the same number of threads, so it does not matter which one a run gets. An
    existing `OMP_NUM_THREADS` is kept: the number of threads decides the last bits of sums on a CPU.

    Args:
        parallel: Number of runs at once, several per GPU if there are fewer GPUs; or `auto`: on GPUs as many as there
            are groups of `devices`, on the CPU one for each `devices` cores and 2 GB of memory. With 1, a run uses the
            whole machine: no variable is set.
        devices: Devices of each run. With indices of GPUs, all runs use these same GPUs.
        accelerator: `trainer.accelerator`.

    Returns:
        A dictionary of variables for each run, to be added to `os.environ`.

    Raises:
        ValueError: `parallel` is neither `auto` nor positive.
        UserError: There are fewer GPUs than one run needs.
    """
    if parallel != "auto" and (isinstance(parallel, str) or parallel < 1):
        raise ValueError(f"expected parallel to be auto or a number of at least 1, got {parallel!r}")
    if parallel == 1:
        return [{}]
    groups = [] if accelerator == "cpu" else _gpu_groups(devices, accelerator)
    num_devices = devices if isinstance(devices, int) else len(devices)
    if isinstance(parallel, int):
        number = parallel
    else:
        number = len(groups) or max(1, min(cores() // num_devices, _memory() // RUN_MEMORY))
    if number == 1 and len(groups) <= 1:
        return [{}]
    part = max(1, cores() // number)
    common = {CORES: str(part)}
    if num_devices == 1:  # of several, torchrun sets the threads
        threads = os.environ.get("OMP_NUM_THREADS") or str(part)
        common |= {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": os.environ.get("MKL_NUM_THREADS") or threads}
    if not groups or isinstance(devices, list):
        return [dict(common) for _ in range(number)]
    return [{**common, "CUDA_VISIBLE_DEVICES": ",".join(groups[index % len(groups)])} for index in range(number)]


def require_gpus(devices: int | list[int], accelerator: str) -> None:
    """Refuse a run that needs more GPUs than nvidia-smi or CUDA_VISIBLE_DEVICES show on this machine.

    Raises:
        UserError: There are fewer GPUs than the run needs.
    """
    is_known = "CUDA_VISIBLE_DEVICES" in os.environ or shutil.which("nvidia-smi")
    if is_known and accelerator in ("auto", "cuda", "gpu") and (accelerator, devices) != ("auto", 1):
        _gpu_groups(devices, accelerator)


def cores() -> int:
    """Return the number of CPU cores that this process may use: of its affinity, SLURM task and container."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = min(count, int(os.environ.get("SLURM_CPUS_PER_TASK", count)))  # not every cluster binds tasks to cores
    try:
        quota, period = CPU_QUOTA.read_text(encoding="ascii").split()
        return max(1, min(count, int(quota) // int(period)))
    except (OSError, ValueError):  # no container, or no quota: max
        return count


def visible_gpus() -> list[str]:
    """Return the names of the GPUs that CUDA would use here: indices, or UUIDs of GPUs and of parts of them (MIG)."""
    if (chosen := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        gpus: list[str] = []
        for name in chosen.split(","):
            if not re.fullmatch(r"\d+|(GPU|MIG)-\S+", name.strip()):
                break  # as CUDA does: an invalid name, such as -1, hides all that follow
            gpus.append(name.strip())
        return gpus
    if not shutil.which("nvidia-smi"):
        return []
    listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, encoding="utf-8", errors="replace").stdout
    gpus = []
    for index, parts in re.findall(r"(?m)^GPU (\d+):.*\n((?:[ \t]+.*\n?)*)", listing):
        gpus += re.findall(r"UUID: (MIG-[^)]+)", parts) or [index]
    return gpus


def _gpu_groups(devices: int | list[int], accelerator: str) -> list[list[str]]:
    gpus = visible_gpus()
    if not gpus and accelerator == "auto":
        return []
    if isinstance(devices, list):
        needed, groups = max(devices) + 1, [[str(index) for index in devices]]
    else:
        needed, groups = devices, [gpus[i : i + devices] for i in range(0, len(gpus) - devices + 1, devices)]
    if len(gpus) < needed:
        where = "CUDA_VISIBLE_DEVICES" if "CUDA_VISIBLE_DEVICES" in os.environ else "nvidia-smi"
        raise UserError(
            f"trainer.devices={devices} needs {needed} GPUs, {where} lists {len(gpus)}; "
            "change trainer.devices, or choose trainer=cpu"
        )
    return groups


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
