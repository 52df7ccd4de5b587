"""Fingerprints of everything that decoded samples depend on, so that a cache is never stale."""

import platform
import sys
from collections.abc import Iterable
from functools import cache, partial
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

LIBRARIES = ("torch", "torchvision", "torchaudio", "numpy", "pillow", "soundfile", "av", "tokenizers")
SHARED = {Path(__file__).parents[1] / name for name in ("core", "storage", "files", "stream")}


def decoder(data: Any, **more: Any) -> dict[str, Any] | None:
    """How a data module decodes: the settings named in `decoding`, the source of its classes, and library versions.

    Args:
        data: the data module.
        **more: further JSON-serializable values on which the samples depend.

    Returns:
        JSON-serializable values; None for a class with its own decoding that does not list, in `decoding`, the settings
        on which its samples depend, so that a stale cache could not be detected.
    """
    own = type(data).__mro__
    named = next((index for index, kind in enumerate(own) if "decoding" in vars(kind)), len(own))
    if any(name.startswith(("decode", "stream")) for kind in own[:named] for name in vars(kind)):
        return None
    settings = {name: getattr(data, name) for name in getattr(data, "decoding", ())}
    return {"of": dataset_name(data), "settings": settings, "code": _code(type(data)), "on": _versions()} | more


def dataset_name(data: Any) -> str:
    """The class of a data module, and the location of its files."""
    dataset = getattr(data, "dataset", None)
    if dataset is not None:
        dataset = dataset.func if isinstance(dataset, partial) else dataset
        dataset = f"of {getattr(dataset, '__module__', '')}.{getattr(dataset, '__qualname__', dataset)}"
    root = getattr(data, "root", None)
    parts = (f"{type(data).__module__}.{type(data).__qualname__}", dataset, root and str(Path(root).absolute()))
    return " ".join(part for part in parts if part)


def file_states(paths: Iterable[Path]) -> str:
    """Hash of the paths, sizes and times of files.

    Raises:
        OSError: a file is missing.
    """
    digest = blake2b(digest_size=16)
    for path in paths:
        stat = path.stat()
        # Include ctime: archives and copies preserve the modification time.
        state = (path.absolute(), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        digest.update("\0".join(map(str, state)).encode(errors="surrogateescape") + b"\n")
    return digest.hexdigest()


@cache
def _code(kind: type) -> str:
    """Hash of the source folders of a data module's classes, without the shared ones, which do not decode."""
    folders = set()
    for base in kind.__mro__:
        if base.__module__ == "leyden.data.core.datamodule":
            break
        if file := getattr(sys.modules.get(base.__module__), "__file__", None):
            folders.add(Path(file).parent)
    paths = sorted(path for folder in folders - SHARED for path in folder.glob("*.py"))
    return _hash([f"{kind.__module__}.{kind.__qualname__}".encode(), *(path.read_bytes() for path in paths)])


def tokenizer_state(tokenizer: Any) -> dict[str, str]:
    """The class of a tokenizer, and a hash of its saved files and its source."""
    kind = type(tokenizer)
    source = getattr(sys.modules.get(kind.__module__), "__file__", None)
    with TemporaryDirectory() as name:
        tokenizer.save(Path(name))
        contents = [path.read_bytes() for path in sorted(Path(name).rglob("*")) if path.is_file()]
    contents += [Path(source).read_bytes()] if source else []
    return {"class": f"{kind.__module__}.{kind.__qualname__}", "saved": _hash(contents)}


def texts_hash(texts: Iterable[str]) -> str:
    return _hash(text.encode(errors="surrogatepass") for text in texts)


def _hash(contents: Iterable[bytes]) -> str:
    digest = blake2b(digest_size=16)
    for content in contents:
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()


@cache
def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version(), "machine": platform.machine()}
    for name in LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
