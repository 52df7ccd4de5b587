"""What has to be true of every node before a run: found out in seconds, where the process group would wait for minutes."""

import json
import os
import platform
import secrets
import shutil
import socket
import time
from datetime import timedelta
from importlib.metadata import distributions
from pathlib import Path

from lightning.fabric.plugins.environments import ClusterEnvironment, SLURMEnvironment
from torch import nn
from torch.distributed import TCPStore

from .errors import UserError

SECONDS = 40  # until all have met
SHARED_SECONDS = 15  # until a file that one node wrote is seen on the others
TOKEN_FILE = ".preflight"


def meet(folder: Path, environment: ClusterEnvironment, seconds: float = SECONDS) -> None:
    """Lets the processes of a SLURM job find one another and compare what they see.

    Args:
        folder: the run directory.
        environment: of the processes.
        seconds: until those that are missing are reported.

    Raises:
        UserError: on every process, for all nodes: the master's name means nothing, its port is taken, a process is
            missing, the run directory is not the same folder everywhere, or packages differ.
    """
    size, rank = environment.world_size(), environment.global_rank()
    if size == 1 or not isinstance(environment, SLURMEnvironment):
        return  # torchrun has met already
    store = _store(environment, seconds)
    if rank == 0:
        token = secrets.token_hex(8)
        (folder / TOKEN_FILE).write_text(token)
        store.set("facts", json.dumps({"token": token, "node": platform.node(), "packages": _packages()}))
        problem = ""
    else:
        problem = _difference(folder, json.loads(store.get("facts")))
    store.set(f"problem {rank}", problem)
    if rank == 0:
        store.set("verdict", "\n".join(_problems(store, environment, seconds)))
    verdict = store.get("verdict").decode()
    # The store is with rank 0: it may not leave first, nor anybody come back to its port before it has gone.
    if store.add("read", 1) == size:
        store.set("all have read", "")
    store.wait(["all have read"], timedelta(seconds=5 if verdict else seconds))
    if rank == 0:
        time.sleep(0.2)
        (folder / TOKEN_FILE).unlink()
    if verdict:
        raise UserError(verdict)


def require_disk(folder: Path, model: nn.Module) -> None:
    """
    Raises:
        UserError: there is no room for two checkpoints, the new one and the one that it replaces.
    """
    weights = sum(tensor.numel() * tensor.element_size() for tensor in (*model.parameters(), *model.buffers()))
    known = [file.stat().st_size for file in folder.glob("checkpoints/*.ckpt")]
    needed = 2 * max([3 * weights, *known])  # Adam keeps two more values for each weight
    if (free := shutil.disk_usage(folder).free) < needed:
        raise UserError(
            f"{platform.node()}: {free / 2**30:.2f} GiB are free in {folder}, two checkpoints need "
            f"{needed / 2**30:.2f} GiB; make room, or choose another disk with runs=FOLDER"
        )


def _store(environment: ClusterEnvironment, seconds: float) -> TCPStore:
    """The meeting point: rank 0 opens it on the master's address and port, the others enter."""
    node, address, port = platform.node(), environment.main_address, environment.main_port
    try:
        socket.getaddrinfo(address, port)
    except OSError as error:
        raise UserError(f"{node}: the name of the master, MASTER_ADDR={address}, means nothing here: {error}") from None
    is_master = environment.global_rank() == 0
    try:
        if is_master:
            socket.create_server((address, port)).close()
        return TCPStore(
            address,
            port,
            environment.world_size(),
            is_master=is_master,
            timeout=timedelta(seconds=seconds),
            wait_for_workers=False,
        )
    except (OSError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0]
        action = "cannot be opened" if is_master else f"does not answer within {seconds} s"
        raise UserError(f"{node}: the master's port, {address}:{port}, {action}: {reason}") from None


def _problems(store: TCPStore, environment: ClusterEnvironment, seconds: float) -> list[str]:
    """Of each process what it reported, or that it did not."""
    deadline, found, size = time.monotonic() + seconds, [], environment.world_size()
    for rank in range(size):
        left = max(0.1, deadline - time.monotonic())
        try:
            store.wait([f"problem {rank}"], timedelta(seconds=left))
            found.append(store.get(f"problem {rank}").decode())
        except RuntimeError:
            node = rank * int(os.environ["SLURM_NNODES"]) // size + 1
            nodes = os.environ["SLURM_JOB_NODELIST"]
            found.append(f"process {rank}, on node {node} of {nodes}, has not reported within {seconds:.0f} s")
    return list(dict.fromkeys(filter(None, found)))


def _difference(folder: Path, facts: dict) -> str:
    """What is otherwise here than on the master, or nothing."""
    node, deadline = platform.node(), time.monotonic() + SHARED_SECONDS
    while not (is_shared := _token(folder) == facts["token"]) and time.monotonic() < deadline:
        time.sleep(0.2)  # network file systems show new files late
    if not is_shared:
        return f"{node}: {folder} is not the folder of that name on {facts['node']}: choose a shared one, runs=FOLDER"
    here, there = _packages(), facts["packages"]
    names = sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
    differing = [f"{name} {here.get(name, 'missing')} instead of {there.get(name, 'none')}" for name in names]
    return f"{node}: other packages than on {facts['node']}: {', '.join(differing[:5])}" if names else ""


def _token(folder: Path) -> str:
    list(folder.iterdir())  # asks the file server, where a lookup may be answered from memory
    file = folder / TOKEN_FILE
    return file.read_text() if file.exists() else ""


def _packages() -> dict[str, str]:
    return {distribution.name: distribution.version for distribution in distributions()} | {
        "python": platform.python_version()
    }
