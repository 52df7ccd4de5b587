"""Validation of a stream's metadata, which is untrusted input: names, formats and sizes are checked before use."""

import json
import re
from math import prod
from typing import Any

import numpy as np
from torch import Tensor

from ..core.error import DataError

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,127}", re.ASCII)
KINDS = "biuf"  # kinds of numpy dtypes: plain numbers
FORMATS = re.compile(r"numpy|no_header_numpy:\d{1,3}")  # those that `write_stream` uses; others execute code
TREES = ("builtins.dict", "builtins.list", None)
MAX_CHUNK_BYTES = 4_000_000_000
MAX_TEXT_BYTES = 256_000_000  # of a metadata file


def check_metadata(address: str, metadata: Any, splits: tuple[str, ...]) -> None:
    """Check the content of `stream.json`.

    Args:
        address: address of the stream.
        metadata: content of the file.
        splits: names of all splits; the last one, test, is optional.

    Raises:
        DataError: it was not written by `write_stream`.
    """
    _require(isinstance(metadata, dict), address, "stream.json is not a mapping")
    _require(_is_name(metadata["id"]), address, f"its id is {metadata['id']!r}, not a plain name")
    files, settings = metadata["files"], metadata["settings"]
    _require(isinstance(files, list) and files and all(map(_is_name, files)), address, f"its files are {files!r}")
    _require(isinstance(settings, dict), address, "its settings are not a mapping")
    names = set(metadata["splits"])
    _require(set(splits[:2]) <= names <= set(splits), address, f"its splits are {list(metadata['splits'])!r}")
    for part in metadata["splits"].values():
        _require(set(part["arrays"]) <= {"targets", "lengths"}, address, f"it has the arrays {part['arrays']!r}")
        _require(_is_size(part["rows"]) and all(map(_is_size, part["shape"])), address, "its sizes are invalid")
        _require(np.dtype(str(part["dtype"])).kind in KINDS, address, f"its dtype is {part['dtype']!r}")
        _require(isinstance(part["padding"], int | float), address, f"its padding is {part['padding']!r}")


def check_index(address: str, index: Any, part: dict[str, Any]) -> list[dict[str, Any]]:
    """Check litdata's index of a split and return its chunks.

    Args:
        address: address of the stream.
        index: content of `index.json`.
        part: metadata of the split in `stream.json`.

    Raises:
        DataError: it was not written by `write_stream`.
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
        _require(is_chunk, address, f"a chunk is named {name!r}")
        _require(_is_size(size) and size <= MAX_CHUNK_BYTES, address, f"{name} has {size!r} bytes")
        _require(_is_size(chunk["chunk_size"]), address, f"{name} has {chunk['chunk_size']!r} samples")
    num_samples = sum(chunk["chunk_size"] for chunk in chunks)
    _require(num_samples == part["rows"], address, f"its chunks have {num_samples} samples, not {part['rows']}")
    largest = max((chunk["chunk_bytes"] for chunk in chunks), default=0)
    sample = prod(part["shape"]) * np.dtype(part["dtype"]).itemsize
    _require(sample <= largest, address, f"its samples have {sample} bytes, more than a chunk")
    return chunks


def check_arrays(address: str, arrays: dict[str, Tensor], part: dict[str, Any], largest: int) -> None:
    """Check the targets and lengths of a split, which are read before any sample.

    Raises:
        DataError: they do not match the metadata.
    """
    for name, array in arrays.items():
        _require(len(array) == part["rows"], address, f"it has {len(array)} {name} for {part['rows']} samples")
    lengths = arrays.get("lengths")
    if lengths is not None and len(lengths):
        most = largest // np.dtype(part["dtype"]).itemsize
        is_good = lengths.ndim == 1 and int(lengths.min()) >= 0 and int(lengths.max()) <= most
        _require(is_good, address, "its lengths are longer than its chunks")


def check_text(address: str, name: str, num_bytes: int) -> None:
    """Check the size of a metadata file.

    Raises:
        DataError: it is too large.
    """
    _require(num_bytes <= MAX_TEXT_BYTES, address, f"{name} has {num_bytes} bytes")


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(NAME.fullmatch(value))


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**48


def _kinds(spec: Any) -> list[Any]:
    return [spec["type"], *(kind for child in spec["children_spec"] for kind in _kinds(child))]


def _require(is_valid: Any, address: str, problem: str) -> None:
    if not is_valid:
        raise DataError(
            f"data.stream={address} was not written by `data EXPERIMENT --write-stream`, or was changed: {problem}"
        )
