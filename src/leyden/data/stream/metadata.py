"""What a stream says of itself is data of somebody else: names, formats and sizes are checked before they are used."""

import json
import re
from math import prod
from typing import Any

import numpy as np
from torch import Tensor

from ..core.error import DataError

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,127}", re.ASCII)
KINDS = "biuf"  # of numpy's values: plain numbers
FORMATS = re.compile(r"numpy|no_header_numpy:\d{1,3}")  # those that `write_stream` makes; others run code
TREES = ("builtins.dict", "builtins.list", None)
CHUNK_BYTES = 4_000_000_000  # most of one chunk
TEXT_BYTES = 256_000_000  # most of a file that describes others


def check_about(address: str, about: Any, splits: tuple[str, ...]) -> None:
    """Checks what `stream.json` holds.

    Args:
        address: of the stream.
        about: what it holds.
        splits: names of all splits; that of the test, the last one, may be missing.

    Raises:
        DataError: it is not what `write_stream` writes.
    """
    _require(isinstance(about, dict), address, "stream.json is no mapping")
    _require(_is_name(about["id"]), address, f"its id is {about['id']!r}, not a plain name")
    files, settings = about["files"], about["settings"]
    _require(isinstance(files, list) and files and all(map(_is_name, files)), address, f"its files are {files!r}")
    _require(isinstance(settings, dict), address, "its settings are no mapping")
    told = set(about["splits"])
    _require(set(splits[:2]) <= told <= set(splits), address, f"its splits are {list(about['splits'])!r}")
    for part in about["splits"].values():
        _require(set(part["arrays"]) <= {"targets", "lengths"}, address, f"it has the arrays {part['arrays']!r}")
        _require(_is_size(part["rows"]) and all(map(_is_size, part["shape"])), address, "its sizes are no counts")
        _require(np.dtype(str(part["dtype"])).kind in KINDS, address, f"its dtype is {part['dtype']!r}")
        _require(isinstance(part["padding"], int | float), address, f"its padding is {part['padding']!r}")


def check_index(address: str, index: Any, about: dict[str, Any]) -> list[dict[str, Any]]:
    """Checks litdata's index of a split and returns its chunks.

    Args:
        address: of the stream.
        index: what is in `index.json`.
        about: what `stream.json` says of the split.

    Raises:
        DataError: it is not what `write_stream` has litdata write.
    """
    config, chunks = index["config"], index["chunks"]
    for name in config["data_format"]:
        _require(isinstance(name, str) and FORMATS.fullmatch(name), address, f"its samples have the format {name!r}")
    for name in ("compression", "encryption", "ipc_compression"):
        _require(not config.get(name), address, f"its chunks have the {name} {config.get(name)!r}")
    _require(config.get("item_loader") == "PyTreeLoader", address, f"it needs {config.get('item_loader')!r}")
    spec = json.loads(config["data_spec"])
    _require(all(kind in TREES for kind in _kinds(spec[1])), address, f"its samples are {config['data_spec']!r}")
    for chunk in chunks:
        name, size = chunk["filename"], chunk["chunk_bytes"]
        is_chunk = _is_name(name) and name.endswith(".bin")
        _require(is_chunk, address, f"a chunk is called {name!r}")
        _require(_is_size(size) and size <= CHUNK_BYTES, address, f"{name} has {size!r} bytes")
        _require(_is_size(chunk["chunk_size"]), address, f"{name} has {chunk['chunk_size']!r} samples")
    _require(sum(chunk["chunk_size"] for chunk in chunks) == about["rows"], address, "its chunks have other samples")
    largest = max((chunk["chunk_bytes"] for chunk in chunks), default=0)
    sample = prod(about["shape"]) * np.dtype(about["dtype"]).itemsize
    _require(sample <= largest, address, f"its samples have {sample} bytes, more than a chunk")
    return chunks


def check_arrays(address: str, arrays: dict[str, Tensor], about: dict[str, Any], largest: int) -> None:
    """Checks the targets and lengths of a split, which are read before any sample is.

    Raises:
        DataError: they do not belong to such samples.
    """
    for name, array in arrays.items():
        _require(len(array) == about["rows"], address, f"it has {len(array)} {name} for {about['rows']} samples")
    lengths = arrays.get("lengths")
    if lengths is not None and len(lengths):
        most = largest // np.dtype(about["dtype"]).itemsize
        is_good = lengths.ndim == 1 and int(lengths.min()) >= 0 and int(lengths.max()) <= most
        _require(is_good, address, "its lengths are longer than its chunks")


def check_text(address: str, name: str, num_bytes: int) -> None:
    """
    Raises:
        DataError: a file that describes others is too large to be read.
    """
    _require(num_bytes <= TEXT_BYTES, address, f"{name} has {num_bytes} bytes")


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(NAME.fullmatch(value))


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**48


def _kinds(spec: Any) -> list[Any]:
    return [spec["type"], *(kind for child in spec["children_spec"] for kind in _kinds(child))]


def _require(is_so: Any, address: str, problem: str) -> None:
    if not is_so:
        raise DataError(
            f"data.stream={address} was not written by `data EXPERIMENT --write-stream`, or was changed: {problem}"
        )
