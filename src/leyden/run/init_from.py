"""The weights that a new run starts from, `init_from`: found and recorded when the run is created. Torch-free."""

import json
import os
import re
from hashlib import file_digest
from pathlib import Path
from typing import Any

from ..errors import UserError, hint
from ..io import write_atomically

FILE = "init_from.json"  # in the run directory
WEIGHTS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")  # the preferred come first
WANDB = re.compile(r"wandb:[^/:]+/[^/:]+/[^/:]+:[^/:]+")
HUB = re.compile(r"hf:(?P<repo>[\w.-]+/[\w.-]+)(@(?P<revision>[\w.-]+))?(:(?P<file>.+))?")
CACHE = Path("~/.cache/leyden/artifacts")


def check_source(text: str, root: Path) -> None:
    """Check `init_from` without downloading anything.

    Raises:
        UserError: There is no such run or file, or the address is malformed.
    """
    if text.startswith("wandb:") and not WANDB.fullmatch(text):
        raise UserError(
            f"init_from={text}: expected wandb:ENTITY/PROJECT/NAME:VERSION, such as wandb:me/digits/model:v3"
        )
    if text.startswith("hf:") and not HUB.fullmatch(text):
        raise UserError(f"init_from={text}: expected hf:ORGANIZATION/REPOSITORY or hf:ORGANIZATION/REPOSITORY:FILE")
    if not text.startswith(("wandb:", "hf:")):
        _local(text, root)


def located(config: dict[str, Any], root: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Find the weights of a configuration, downloading them if needed.

    Args:
        config: The configuration as a run stores it.
        root: The project's folder.

    Returns:
        The configuration with an absolute path or a fixed version, and what a run records: `source`, `file`, `sha256`
        and, if the weights are those of a run, its `run` directory and `id`; empty without `init_from`.

    Raises:
        UserError: The weights cannot be found or downloaded.
    """
    text = config.get("init_from")
    if not text:
        return config, {}
    check_source(text, root)
    if text.startswith("wandb:"):
        source, file, origin = *_from_wandb(text), {}
    elif text.startswith("hf:"):
        source, file, origin = *_from_hub(text), {}
    else:
        file, origin = _local(text, root)
        source = str(file)
    with file.open("rb") as stream:
        digest = file_digest(stream, "sha256").hexdigest()
    return config | {"init_from": source}, {"source": source, "file": str(file), "sha256": digest, **origin}


def record(run: Path, weights: dict[str, Any]) -> None:
    """Record the weights in a run directory, if there are any."""
    if weights:
        write_atomically(run / FILE, json.dumps(weights, indent=1))


def recorded(run: Path) -> dict[str, Any]:
    """Return what `record` wrote; empty if nothing.

    Raises:
        UserError: The file of the weights is missing or has changed since the run was created.
    """
    if not (run / FILE).exists():
        return {}
    weights = json.loads((run / FILE).read_bytes())
    file, again = Path(weights["file"]), f"create the run again, with init_from={weights['source']}"
    if not file.is_file():
        raise UserError(f"the weights of init_from are gone: there is no file {file}: restore it, or {again}")
    with file.open("rb") as stream:
        if file_digest(stream, "sha256").hexdigest() != weights["sha256"]:
            raise UserError(f"the weights of init_from have changed since the run was created: {file}: {again}")
    return weights


def _local(text: str, root: Path) -> tuple[Path, dict[str, Any]]:
    from .directory import find_run

    for path in (Path(text).expanduser(), root / text):
        if path.is_file():
            file = path.absolute()
            folder = file.parent.parent if file.parent.name == "checkpoints" else None
            return file, _of_run(folder) if folder and (folder / "status.json").is_file() else {}
    path = Path(text).expanduser()
    if path.suffix in WEIGHTS:
        names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UserError(f"init_from={text}: there is no file {path.absolute()}{hint(path.name, names, few=0)}")
    try:
        run = find_run(text, root)
        return run.checkpoint("best" if run.best else "last"), _of_run(run.path)
    except UserError as error:
        raise UserError(f"init_from={text}: {error}") from None


def _of_run(folder: Path) -> dict[str, Any]:
    status = json.loads((folder / "status.json").read_bytes())
    return {"run": str(folder), "id": status.get("id")}


def _from_wandb(text: str) -> tuple[str, Path]:
    """Download an artifact; return its address with a fixed version, and the file."""
    try:
        import wandb
    except ModuleNotFoundError:
        raise UserError(f"init_from={text} needs wandb: install leyden[wandb]") from None
    from ..loggers.server import responds

    try:
        if not responds(server := wandb.setup().settings.base_url):  # W&B reports this after 20 s, as a busy process
            raise ConnectionError(f"no connection to {server}")
        artifact = wandb.Api().artifact(text.removeprefix("wandb:"))
        name = f"{artifact.entity}/{artifact.project}/{artifact.name}"
        folder = Path(artifact.download(root=str(CACHE.expanduser() / name.replace(":", "-"))))
    except (wandb.Error, ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"init_from={text}: the artifact cannot be downloaded: {reason}") from None
    return f"wandb:{name}", _only_weights([path for path in folder.rglob("*") if path.is_file()], text)


def _from_hub(text: str) -> tuple[str, Path]:
    """Download a file from the Hugging Face Hub; return its address with a fixed revision, and the file."""
    try:
        from huggingface_hub import HfApi, hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError
    except ModuleNotFoundError:
        raise UserError(f"init_from={text} needs huggingface_hub: install leyden[hub]") from None
    match = HUB.fullmatch(text)
    assert match
    repo, name = match["repo"], match["file"]
    try:
        endpoint = os.environ.get("HF_ENDPOINT")
        info = HfApi(endpoint=endpoint).model_info(repo, revision=match["revision"])
        names = [item.rfilename for item in info.siblings or []]
        if not name:
            name = str(_only_weights([Path(other) for other in names], text))
        elif name not in names:
            raise UserError(f"init_from={text}: {repo} has no file {name!r}{hint(name, names, few=0)}")
        file = Path(hf_hub_download(repo, name, revision=info.sha, endpoint=endpoint))
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise UserError(f"init_from={text}: {repo} cannot be downloaded: {reason}") from None
    return f"hf:{repo}@{info.sha}:{name}", file


def _only_weights(files: list[Path], text: str) -> Path:
    """Return the file with weights: the only one with the most preferred suffix."""
    for suffix in WEIGHTS:
        if matches := sorted(path for path in files if path.suffix == suffix):
            if len(matches) == 1:
                return matches[0]
            names = ", ".join(path.name for path in matches[:5])
            form = f"{text.partition(':')[0]}:...:FILE" if text.startswith("hf:") else "the path of one of them"
            raise UserError(f"init_from={text} has several files with weights, {names}: set init_from={form}")
    names = ", ".join(sorted(path.name for path in files)[:5]) or "no files"
    raise UserError(f"init_from={text}: expected a file with the suffix {', '.join(WEIGHTS)}, got {names}")
