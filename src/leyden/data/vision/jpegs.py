"""Batched decoding of jpegs on a GPU by nvJPEG; files that it may not support are left to the CPU."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ..core.error import DataError
from ..storage.storage import log_info
from .fit import Fit

READ_THREADS = 8


def decode_jpegs(paths: Sequence[Path], in_channels: int, fit: Fit, device: torch.device) -> list[Tensor | None]:
    """Decode files to uint8 (in_channels, *fit.size) on the CPU, approximately as `PixelReader` does.

    TorchCodec applies EXIF rotation. The result is None for each file that the CPU must decode: it is not a grey or
    three-colour jpeg, is truncated, or was decoded in one call with a file that fails.

    Raises:
        DataError: TorchCodec is not installed.
    """
    decode, mode = jpeg_decoder(), "GRAY" if in_channels == 1 else "RGB"
    with ThreadPoolExecutor(READ_THREADS) as pool:
        contents = list(pool.map(_jpeg, paths))
    samples: list[Tensor | None] = [None] * len(contents)
    jpegs = {index: content for index, content in enumerate(contents) if content}
    if not jpegs:
        return samples
    try:
        images = decode(list(jpegs.values()), mode=mode, device=device)
        resized = torch.stack([fit(image) for image in images]).cpu()
    except RuntimeError as error:  # it does not identify the file
        _log_once(str(error).splitlines()[0])
        return samples
    for index, sample in zip(jpegs, resized, strict=True):
        samples[index] = sample
    return samples


def jpeg_decoder() -> Any:
    """TorchCodec's jpeg decoder.

    Raises:
        DataError: TorchCodec is not installed.
    """
    try:
        from torchcodec.decoders import decode_jpeg
    except ImportError as error:
        raise DataError(
            "data.jpeg_device=cuda needs TorchCodec 0.16 or later: install torchcodec, or the extra `jpeg` of this "
            f"project ({error})"
        ) from error
    return decode_jpeg


@cache
def _log_once(reason: str) -> None:
    log_info(f"jpegs that the GPU cannot decode are decoded on the CPU: {reason}")


def _jpeg(path: Path) -> bytes | None:
    try:
        content = path.read_bytes()
        with Image.open(BytesIO(content)) as image:
            is_known = image.format in ("JPEG", "MPO") and image.mode in ("L", "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # reported by the CPU decoder
        return None
    # nvJPEG decodes truncated files without an error.
    return content if is_known and content.rstrip(b"\0").endswith(b"\xff\xd9") else None
