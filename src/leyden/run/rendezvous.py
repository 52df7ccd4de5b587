"""Preflight check of the nodes of a SLURM job: reports in seconds what would make torch wait for minutes.

Torch-free, so that slow imports do not delay the rendezvous.
"""

import json
import os
import platform
import secrets
import shutil
import socket
import time
from importlib.metadata import distributions
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from ..errors import RunError

RENDEZVOUS_SECONDS = 45  # timeout after which missing processes are reported
GRACE_SECONDS = 10  # additional time for the other processes to receive the report
SHARED_SECONDS = 15  # timeout for a file to become visible on other nodes
TOKEN_FILE = ".preflight"


def rendezvous(folder: Path, seconds: float = RENDEZVOUS_SECONDS) -> None:
    """Connect the processes of a job step at the address that torch will use, and compare their environments.

    Args:
        folder: The run directory.
        seconds: Timeout after which missing processes are reported.

    Raises:
        RunError: On every reachable process: the master's address cannot be resolved, its port is in use, a process
            is missing, the run directory is not shared, or packages differ.
    """
    size = int(os.environ.get("SLURM_NTASKS", "1"))
    if size == 1 or not {"MASTER_ADDR", "SLURM_PROCID"} <= os.environ.keys():
        return  # a single process, or started by torchrun, which has its own rendezvous
    node, rank = platform.node(), int(os.environ["SLURM_PROCID"])
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    try:
        socket.getaddrinfo(address, port)
    except OSError as error:
        raise RunError(f"{node}: the master's address, MASTER_ADDR={address}, cannot be resolved: {error}") from None
    master = f"{node}: the master's port, {address}:{port},"
    if rank == 0:
        try:
            verdict = _receive(folder, port, size, seconds)
        except OSError as error:
            raise RunError(f"{master} cannot be opened: {error}") from None
    else:
        try:
            verdict = _report(folder, address, port, rank, seconds)
        except (OSError, ValueError) as error:
            raise RunError(f"{master} does not answer: {error}") from None
    if verdict:
        raise RunError(verdict)


def require_disk(folder: Path, weights: int) -> None:
    """Check the free disk space.

    Args:
        folder: The run directory.
        weights: Size of the model in bytes.

    Raises:
        RunError: The disk cannot hold two checkpoints, a new one and the one that it replaces.
    """
    sizes = [file.stat().st_size for file in folder.glob("checkpoints/*.ckpt")]
    needed = 2 * max([3 * weights, *sizes])  # Adam stores two more values for each weight
    if (free := shutil.disk_usage(folder).free) < needed:
        raise RunError(
            f"{platform.node()}: {_size(free)} are free in {folder}, two checkpoints need {_size(needed)}; free some "
            "space, or choose another disk with runs=FOLDER"
        )


def _size(num_bytes: float) -> str:
    """Format a size with three digits and a suitable unit."""
    units = iter(("bytes", "KiB", "MiB", "GiB"))
    unit = next(units)
    while num_bytes >= 1000 and unit != "GiB":
        num_bytes, unit = num_bytes / 1024, next(units)
    return f"{num_bytes:.3g} {unit}"


def _receive(folder: Path, port: int, size: int, seconds: float) -> str:
    """On process 0: collect the problems of all processes, send them to all, and return them."""
    deadline = time.monotonic() + seconds
    token = secrets.token_hex(8)
    (folder / TOKEN_FILE).write_text(token, encoding="utf-8")
    facts = {"token": token, "node": platform.node(), "packages": _packages()}
    problems, missing, streams = [], set(range(1, size)), []
    is_dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if is_dual else socket.AF_INET
    with socket.create_server(("", port), family=family, backlog=size, dualstack_ipv6=is_dual) as server:
        try:
            while len(streams) < size - 1:
                server.settimeout(max(0.01, deadline - time.monotonic()))
                connection, _ = server.accept()
                connection.settimeout(max(0.01, deadline - time.monotonic()))
                streams.append(connection.makefile("rw", encoding="utf-8"))
                _write(streams[-1], facts)
            for stream in streams:
                answer = json.loads(stream.readline())
                missing.discard(answer["rank"])
                problems.append(answer["problem"])
        except TimeoutError:
            pass
    problems += [f"{_place(rank, size)} has not reported within {seconds:.0f} s" for rank in sorted(missing)]
    verdict = "\n".join(dict.fromkeys(filter(None, problems)))
    for stream in streams:
        _write(stream, verdict)
        stream.readline()  # waits until the other side has closed, which frees the port
        stream.close()
    (folder / TOKEN_FILE).unlink()
    return verdict


def _report(folder: Path, address: str, port: int, rank: int, seconds: float) -> str:
    """On the other processes: send the problem of this one to process 0, and return those of all."""
    deadline = time.monotonic() + seconds + GRACE_SECONDS
    while True:
        try:
            connection = socket.create_connection((address, port), timeout=max(0.01, deadline - time.monotonic()))
            break
        except OSError:  # process 0 may start later
            if time.monotonic() > deadline - GRACE_SECONDS:
                raise
            time.sleep(0.1)
    with connection:
        connection.settimeout(max(0.01, deadline - time.monotonic()))
        stream = connection.makefile("rw", encoding="utf-8")
        _write(stream, {"rank": rank, "problem": _difference(folder, json.loads(stream.readline()))})
        return json.loads(stream.readline())


def _write(stream: TextIOWrapper, value: Any) -> None:
    stream.write(json.dumps(value) + "\n")
    stream.flush()


def _place(rank: int, size: int) -> str:
    node = rank * int(os.environ["SLURM_NNODES"]) // size + 1
    return f"process {rank}, on node {node} of {os.environ['SLURM_JOB_NODELIST']},"


def _difference(folder: Path, facts: dict[str, Any]) -> str:
    """Describe how this node differs from the master; empty if it does not."""
    node, deadline = platform.node(), time.monotonic() + SHARED_SECONDS
    while not (is_shared := _token(folder) == facts["token"]) and time.monotonic() < deadline:
        time.sleep(0.2)  # network file systems show new files late
    if not is_shared:
        return f"{node}: {folder} is not shared with {facts['node']}: choose a shared folder with runs=FOLDER"
    own, master = _packages(), facts["packages"]
    names = sorted(name for name in own.keys() | master.keys() if own.get(name) != master.get(name))
    differing = [f"{name} {own.get(name, 'missing')} instead of {master.get(name, 'none')}" for name in names]
    return f"{node}: packages differ from those on {facts['node']}: {', '.join(differing[:5])}" if names else ""


def _token(folder: Path) -> str:
    if not folder.is_dir():
        return ""
    list(folder.iterdir())  # queries the file server, where a lookup may be cached
    file = folder / TOKEN_FILE
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _packages() -> dict[str, str]:
    versions = {distribution.name: distribution.version for distribution in distributions()}
    return {"python": platform.python_version()} | versions
