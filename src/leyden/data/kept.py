from concurrent.futures import ThreadPoolExecutor

import torch

from .error import DataError
from .rows import FileRows, Rows, TensorRows


def kept_in_memory(rows: FileRows, gibibytes: float) -> Rows:
    """Rows of one size, each file decoded once and kept, where all of them take no more than so many GiB.

    Else the rows as they are: their files are decoded whenever their batch is asked for. Corrupt files that are to be
    skipped leave no row.

    Raises:
        DataError: no file can be read.
    """
    first = next((tensor for path in rows.paths if (tensor := rows.decode(path)) is not None), None)
    if first is None:
        raise DataError(f"none of {len(rows)} files could be read, such as {rows.paths[0]}")
    if first.nbytes * len(rows) > gibibytes * 2**30:
        return rows
    inputs = torch.empty(len(rows), *first.shape, dtype=first.dtype)

    def keep(number: int) -> bool:
        tensor = rows.decode(rows.paths[number])
        if tensor is not None:
            inputs[number] = tensor
        return tensor is not None

    with ThreadPoolExecutor() as threads:
        kept = torch.tensor(list(threads.map(keep, range(len(rows)))))
    return TensorRows(inputs, rows.targets) if kept.all() else TensorRows(inputs[kept], rows.targets[kept])
