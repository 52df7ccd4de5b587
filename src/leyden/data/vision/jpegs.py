"""Jpegs decoded a batch at a time by nvJPEG, on a GPU; what it may not know is left to the CPU."""

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
from ..storage.storage import say
from .fit import Fit

THREADS = 8  # that read files


def decode_jpegs(paths: Sequence[Path], in_channels: int, fit: Fit, device: torch.device) -> list[Tensor | None]:
    """Files -> uint8 [in_channels, *fit.size] in ordinary memory, one a file, about as `PixelReader` has them.

    TorchCodec turns them as their Exif data says. None stands for each file that the CPU has to decode: it is no
    jpeg of grey or three colours, is cut, or shares the call with one that cannot be decoded.

    Raises:
        DataError: TorchCodec is not installed.
    """
    decode, mode = jpeg_decoder(), "GRAY" if in_channels == 1 else "RGB"
    with ThreadPoolExecutor(THREADS) as pool:
        contents = list(pool.map(_jpeg, paths))
    samples: list[Tensor | None] = [None] * len(contents)
    jpegs = {number: content for number, content in enumerate(contents) if content}
    if not jpegs:
        return samples
    try:
        images = decode(list(jpegs.values()), mode=mode, device=device)
        resized = torch.stack([fit(image) for image in images]).cpu()
    except RuntimeError as error:  # which of them is at fault, it does not tell
        _say_once(str(error).splitlines()[0])
        return samples
    for number, sample in zip(jpegs, resized, strict=True):
        samples[number] = sample
    return samples


def jpeg_decoder() -> Any:
    """TorchCodec's decoder of jpegs.

    Raises:
        DataError: it is not installed.
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
def _say_once(reason: str) -> None:
    say(f"jpegs that the GPU does not decode are left to the CPU: {reason}")


def _jpeg(path: Path) -> bytes | None:
    try:
        content = path.read_bytes()
        with Image.open(BytesIO(content)) as image:
            is_known = image.format in ("JPEG", "MPO") and image.mode in ("L", "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # which the CPU names
        return None
    # Of a file that is cut, nvJPEG draws what is left.
    return content if is_known and content.rstrip(b"\0").endswith(b"\xff\xd9") else None
