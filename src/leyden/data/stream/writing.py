import json
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset

from ...io import sync, write_atomically
from ..core.datamodule import DataModule, Stage
from ..core.error import DataError
from ..core.samples import sample_lengths, whole
from ..core.sampling import EpochBatches
from ..core.split_names import SPLITS
from ..storage.storage import say
from .folder import litdata_part
from .stream import FORMAT, METADATA, settings

CHUNK = 32_000_000  # bytes; large enough for a store, small enough that many of them are mixed
TOGETHER = 64  # samples that are decoded as one batch


def write_stream(data: DataModule, folder: Path, chunk_bytes: int = CHUNK) -> None:
    """Writes the samples of all splits, decoded, with all that a data module must know of them, for `Stream` to read.

    The training samples are written in an order by chance, so that even a few chunks hold all kinds of samples. The folder is
    written beside its place and renamed: it is whole or not there.

    Args:
        data: after `setup` for all stages.
        folder: is created.
        chunk_bytes: size of a chunk.

    Raises:
        DataError: the folder is there, or the data is of a kind that streams do not hold.
    """
    if folder.exists():
        raise DataError(f"{folder} is there already: remove it, or name another folder for the stream")
    litdata_part("streaming")
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of one who was killed
    part.mkdir(parents=True)
    try:
        data.save(part)
        files = sorted(path.name for path in part.iterdir())
        about = {"format": FORMAT, "id": uuid4().hex, "settings": settings(data), "files": files}
        about["splits"] = {
            split: _write_split(data, split, part / split, chunk_bytes) for split in SPLITS if split in data.samples
        }
        about["warnings"] = data.storage.warnings.texts
        for path in part.rglob("*"):
            sync(path)
        write_atomically(part / METADATA, json.dumps(about, indent=1))
        sync(part)
        part.rename(folder)
        sync(folder.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_split(data: DataModule, split: Stage, folder: Path, chunk_bytes: int) -> dict[str, Any]:
    samples, generator = data.samples[split], torch.Generator().manual_seed(data.split_seed)
    order = torch.randperm(len(samples), generator=generator) if split == "train" else torch.arange(len(samples))
    batches = EpochBatches(len(samples), TOGETHER, seed=0, epoch=lambda: 0, shuffle=False)
    loader = data.loading.loader(Subset(samples, order.tolist()), batches, None)
    cache = litdata_part("streaming").Cache(str(folder.absolute()), chunk_bytes=chunk_bytes)
    is_ragged = sample_lengths(samples) is not None
    arrays: dict[str, list[Any]] = {"targets": [], "lengths": []}
    inputs, number = np.empty(0), 0
    for batch in loader:
        for place in range(len(batch.inputs)):  # fewer than asked for where corrupt files are skipped
            sample, target = batch.sample(place)
            inputs = sample.numpy()
            item: dict[str, Any] = {"inputs": inputs}
            if isinstance(whole(samples).targets, Tensor) and target.ndim < 2:
                arrays["targets"].append(target)
            else:
                parts = [target] if isinstance(target, Tensor) else list(target)
                item["targets"] = [part.numpy() for part in parts]
                if not number:
                    data.join_targets([parts])  # which data that cannot be written refuses
            if is_ragged:
                arrays["lengths"].append(len(inputs))
            cache[number] = item
            number += 1
    cache.done()
    cache.merge()
    kept = {name: np.array(values) for name, values in arrays.items() if values}
    for name, array in kept.items():
        np.save(folder / f"{name}.npy", array)
    num_bytes = sum(path.stat().st_size for path in folder.iterdir())
    say(f"{split}: {number} samples, {num_bytes / 1e6:.1f} MB, chunks: {len(list(folder.glob('*.bin')))}")
    return {
        "rows": number,
        "arrays": list(kept),
        "dtype": inputs.dtype.name,
        "shape": list(inputs.shape),
        "padding": getattr(whole(samples), "padding", 0),
    }
