"""What decoded samples depend on, so that a cache of them is never out of date."""

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
    """How a data module decodes: its settings that `decoding` names, the source of its classes, and all libraries.

    Args:
        data: the data module.
        **more: plain values on which its samples depend, too.

    Returns:
        Plain values; None for a class that decodes in its own way and does not name, in `decoding`, the settings that
        its samples depend on: nobody can tell when those would be out of date.
    """
    own = type(data).__mro__
    named = next((number for number, kind in enumerate(own) if "decoding" in vars(kind)), len(own))
    if any(name.startswith(("decode", "stream")) for kind in own[:named] for name in vars(kind)):
        return None
    settings = {name: getattr(data, name) for name in getattr(data, "decoding", ())}
    return {"of": dataset_name(data), "settings": settings, "code": _code(type(data)), "on": _versions()} | more


def dataset_name(data: Any) -> str:
    """The class of a data module, and where its files are."""
    dataset = getattr(data, "dataset", None)
    if dataset is not None:
        dataset = dataset.func if isinstance(dataset, partial) else dataset
        dataset = f"of {getattr(dataset, '__module__', '')}.{getattr(dataset, '__qualname__', dataset)}"
    root = getattr(data, "root", None)
    parts = (f"{type(data).__module__}.{type(data).__qualname__}", dataset, root and str(Path(root).absolute()))
    return " ".join(part for part in parts if part)


def file_states(paths: Iterable[Path]) -> str:
    """A hash of the places, sizes and times of files: another one after any change to one of them.

    Raises:
        OSError: a file is not there.
    """
    digest = blake2b(digest_size=16)
    for path in paths:
        known = path.stat()
        # The time of the last change of the entry, too: archives and copies bring the time of the content with them.
        state = (path.absolute(), known.st_size, known.st_mtime_ns, known.st_ctime_ns)
        digest.update("\0".join(map(str, state)).encode(errors="surrogateescape") + b"\n")
    return digest.hexdigest()


@cache
def _code(kind: type) -> str:
    """A hash of the folders in which a data module's classes are written; those that all share decode nothing."""
    folders = set()
    for one in kind.__mro__:
        if one.__module__ == "leyden.data.core.datamodule":
            break
        if file := getattr(sys.modules.get(one.__module__), "__file__", None):
            folders.add(Path(file).parent)
    paths = sorted(path for folder in folders - SHARED for path in folder.glob("*.py"))
    return _hash([f"{kind.__module__}.{kind.__qualname__}".encode(), *(path.read_bytes() for path in paths)])


def tokenizer_state(tokenizer: Any) -> dict[str, str]:
    """The class of a tokenizer, and a hash of what it saves and of the file that it is written in."""
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
    known = {"python": platform.python_version(), "machine": platform.machine()}
    for name in LIBRARIES:
        try:
            known[name] = version(name)
        except PackageNotFoundError:
            continue
    return known
