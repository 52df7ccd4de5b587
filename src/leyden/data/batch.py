from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """What every loader hands over and every model receives.

    Before the device transform `inputs` keeps its storage dtype; after it, it is what the network reads.
    """

    inputs: Tensor  # image [batch, channel, height, width], waveform [batch, time] or tokens [batch, token]
    targets: Tensor  # class numbers [batch], int64
    lengths: Tensor | None = None  # valid part of the last axis [batch], int64; None where all sizes are equal
