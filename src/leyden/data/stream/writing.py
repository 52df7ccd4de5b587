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
from ..core.samples import base_dataset, sample_lengths
from ..core.sampling import EpochBatches
from ..core.split_names import SPLITS
from ..storage.storage import log_info
from .folder import litdata_part
from .stream import FORMAT, METADATA, settings

CHUNK_BYTES = 32_000_000  # large enough for remote stores, small enough to mix many chunks
SAMPLES_PER_BATCH = 64


def write_stream(data: DataModule, folder: Path, chunk_bytes: int = CHUNK_BYTES) -> None:
    """Write the decoded samples of all splits and the state of the data module, for `Stream` to read.

    Training samples are shuffled, so that a few chunks contain samples of all kinds. The folder is written under a
    temporary name and renamed: it is either complete or missing.

    Args:
        data: data module after `setup` for all stages.
        folder: folder to create.
        chunk_bytes: size of a chunk.

    Raises:
        DataError: the folder exists, or the data cannot be streamed.
    """
    if folder.exists():
        raise DataError(f"{folder} already exists: remove it, or choose another folder for the stream")
    litdata_part("streaming")
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a process that was killed
    part.mkdir(parents=True)
    try:
        data.save(part)
        files = sorted(path.name for path in part.iterdir())
        metadata = {"format": FORMAT, "id": uuid4().hex, "settings": settings(data), "files": files}
        metadata["splits"] = {
            split: _write_split(data, split, part / split, chunk_bytes) for split in SPLITS if split in data.samples
        }
        metadata["warnings"] = data.storage.warnings.texts
        for path in part.rglob("*"):
            sync(path)
        write_atomically(part / METADATA, json.dumps(metadata, indent=1))
        sync(part)
        part.rename(folder)
        sync(folder.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_split(data: DataModule, split: Stage, folder: Path, chunk_bytes: int) -> dict[str, Any]:
    samples, generator = data.samples[split], torch.Generator().manual_seed(data.split_seed)
    order = torch.randperm(len(samples), generator=generator) if split == "train" else torch.arange(len(samples))
    batches = EpochBatches(len(samples), SAMPLES_PER_BATCH, seed=0, epoch=lambda: 0, shuffle=False)
    loader = data.loading.loader(Subset(samples, order.tolist()), batches, None)
    cache = litdata_part("streaming").Cache(str(folder.absolute()), chunk_bytes=chunk_bytes)
    is_ragged = sample_lengths(samples) is not None
    arrays: dict[str, list[Any]] = {"targets": [], "lengths": []}
    inputs, index = np.empty(0), 0
    for batch in loader:
        for position in range(len(batch.inputs)):  # may be incomplete: corrupt files are skipped
            sample, target = batch.sample(position)
            inputs = sample.numpy()
            item: dict[str, Any] = {"inputs": inputs}
            if isinstance(base_dataset(samples).targets, Tensor) and target.ndim < 2:
                arrays["targets"].append(target)
            else:
                parts = [target] if isinstance(target, Tensor) else list(target)
                item["targets"] = [part.numpy() for part in parts]
                if not index:
                    data.join_targets([parts])  # raises if the data cannot be streamed
            if is_ragged:
                arrays["lengths"].append(len(inputs))
            cache[index] = item
            index += 1
    cache.done()
    cache.merge()
    kept = {name: np.array(values) for name, values in arrays.items() if values}
    for name, array in kept.items():
        np.save(folder / f"{name}.npy", array)
    num_bytes = sum(path.stat().st_size for path in folder.iterdir())
    log_info(f"{split}: {index} samples, {num_bytes / 1e6:.1f} MB, {len(list(folder.glob('*.bin')))} chunks")
    return {
        "rows": index,
        "arrays": list(kept),
        "dtype": inputs.dtype.name,
        "shape": list(inputs.shape),
        "padding": getattr(base_dataset(samples), "padding", 0),
    }
