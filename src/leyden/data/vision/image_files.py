from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from ..files.labelled_files import LabelledFiles
from ..storage.file_samples import FileSamples, OnCorrupt
from ..storage.fingerprint import decoder
from ..storage.storage import log_info
from .image_data import ImageData
from .jpegs import decode_jpegs, jpeg_decoder

GPU = torch.device("cuda")


class ImageFiles(LabelledFiles, ImageData):
    """Your own images, one per file; see `LabelledFiles` and `ImageData`.

    Args:
        root: the folder.
        jpeg_device: `cuda` decodes jpegs on the GPU, by TorchCodec, in the process that loads the batch; jpegs that it does
            not support, and all other files, are decoded on the CPU. Pixel values differ slightly from the CPU decoder's.
        num_workers: see `Loading`; must be null or 0 with `jpeg_device=cuda`.
        **files: arguments of `LabelledFiles`.

    Raises:
        ValueError: an argument is out of range.
    """

    default_size = 64

    def __init__(
        self, root: str, jpeg_device: Literal["cpu", "cuda"] = "cpu", num_workers: int | None = None, **files
    ) -> None:
        if jpeg_device not in ("cpu", "cuda"):
            raise ValueError(f"jpeg_device is {jpeg_device!r}; it must be cpu or cuda")
        if jpeg_device == "cuda" and num_workers:
            raise ValueError(f"num_workers is {num_workers}; with jpeg_device=cuda it must be null or 0")
        super().__init__(root, num_workers=num_workers, **files)
        self.jpeg_device = jpeg_device

    def file_samples(self, paths: list[Path], targets: Tensor, on_corrupt: OnCorrupt = "raise") -> FileSamples:
        if self.jpeg_device == "cpu":
            return super().file_samples(paths, targets, on_corrupt)
        if not torch.cuda.is_available():
            log_info("data.jpeg_device=cuda, but there is no GPU: decoding on the CPU")
            return super().file_samples(paths, targets, on_corrupt)
        jpeg_decoder()  # report a missing package before reading files
        read_many = partial(decode_jpegs, in_channels=self.in_channels, fit=self.fit, device=GPU)
        made_of = decoder(self, jpegs=f"nvJPEG, torchcodec {version('torchcodec')}")
        return FileSamples(paths, targets, self.decode, on_corrupt=on_corrupt, made_of=made_of, read_many=read_many)
