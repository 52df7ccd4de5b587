import argparse
import netrc
import os
import platform
import shutil
import sys
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from ..io import installed_version


def examine(options: argparse.Namespace) -> int:
    """Print installed versions, devices and problems; return 1 if there are problems, else 0."""
    problems: list[str] = []
    facts = {
        "python": f"{platform.python_version()} ({sys.executable})",
        "cores": str(os.cpu_count()),
        "disk": f"{shutil.disk_usage('.').free / 2**30:.0f} GiB free in {Path.cwd()}",
        "wandb": _wandb(),
    }
    for name in ("torch", "torchvision", "torchaudio", "lightning", "torchmetrics", "torchtext"):
        facts[name] = installed_version(name) or "not installed"
    present = [name for name in ("torch", "torchvision", "torchaudio") if installed_version(name) or name == "torch"]
    try:
        for name in present:
            import_module(name)  # checks that their compiled parts load
    except (ImportError, OSError, RuntimeError) as error:
        problems.append(f"{', '.join(present)} cannot be imported together: {error}")
        problems.append("Install the locked versions: make setup")
    else:
        import torch

        facts |= {"torch's CUDA": str(torch.version.cuda), "devices": _devices()}
        if shutil.which("nvidia-smi") and not torch.cuda.is_available():
            problems.append(f"an NVIDIA driver is installed, but torch (CUDA {torch.version.cuda}) finds no GPU")
    for name, text in facts.items():
        print(f"{name:<14} {text}")
    for problem in problems:
        print(f"PROBLEM: {problem}", file=sys.stderr)
    options.result = {"facts": facts, "problems": problems}
    return 1 if problems else 0


def _wandb() -> str:
    try:
        import wandb
    except ImportError:
        return "not installed"
    host = urlsplit(wandb.setup().settings.base_url).hostname or ""
    try:
        credentials = netrc.netrc().authenticators(host)
    except (OSError, netrc.NetrcParseError):
        credentials = None
    login = "logged in" if credentials or os.environ.get("WANDB_API_KEY") else "not logged in (wandb login)"
    return f"{wandb.__version__}, {login} at {host}"


def _devices() -> str:
    import torch

    if torch.cuda.is_available():
        return ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
    return "mps" if torch.backends.mps.is_available() else "cpu"
